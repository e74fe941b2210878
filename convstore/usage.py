"""What one person may use, the same through every instance: the counts are rows, the clock is the database's.

- Three limits, each switched off by 0: turns begun within any minute, answers running at once, tokens per day (UTC).
- `admit` comes last in the transaction that begins a turn, so what is refused is rolled back whole, its key included.
  A send that is a replay begins nothing and never gets here.
- The row of the day's tokens is also the lock: whoever begins a turn holds it, so that two instances cannot both give
  away the last place. Lock order: conversations, messages, then this.
- Tokens are counted when an answer ends, limited or not; the answer that crosses the line is still finished.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from convstore.clock import now
from convstore.database import dialect_of
from convstore.errors import LimitReached
from convstore.models import Conversation, Message, Usage
from convstore.tree import IS_ACTIVE

REQUESTS = "requests"  # turns begun, in spans of a few seconds
TOKENS = "tokens"  # used, per day

WINDOW = timedelta(seconds=60)
SPAN = timedelta(seconds=5)  # finer spans would be more exact about when a place is free again, and more rows
DAY = timedelta(days=1)
RUNNING_RETRY_SECONDS = 3.0
MOST_TOKENS = 10**8  # that one answer is believed to have used: the number comes from the model's server
FULL = 2 * 10**9  # the column ends a little above


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one person may use. 0: as much as they like."""

    requests_per_minute: int = 0
    running_answers: int = 0
    tokens_per_day: int = 0


def admit(session: Session, owner: str, allowed: Allowance) -> None:
    """Count the turn that this transaction has begun. Raises `LimitReached` when that was one too many."""
    if not (allowed.requests_per_minute or allowed.running_answers or allowed.tokens_per_day):
        return
    moment = _moment(session)
    used_today = _add(session, owner, TOKENS, _day(moment), 0)
    if 0 < allowed.tokens_per_day <= used_today:
        raise LimitReached(
            f"Today's {allowed.tokens_per_day:,} tokens are used up. There are new ones at midnight UTC.",
            (_day(moment) + DAY - moment).total_seconds(),
        )
    if 0 < allowed.running_answers < running(session, owner):
        raise LimitReached(
            f"{allowed.running_answers} of your answers are being written already, the most at once. "
            "Wait for one to finish, or stop one.",
            RUNNING_RETRY_SECONDS,
        )
    if allowed.requests_per_minute:
        _admit_request(session, owner, allowed.requests_per_minute, moment)


def _admit_request(session: Session, owner: str, most: int, moment: datetime) -> None:
    # A span counts until its last moment is a minute ago, so no minute ever sees more than `most`.
    mine = (col(Usage.owner) == owner, col(Usage.kind) == REQUESTS)
    spans = session.execute(
        select(col(Usage.starts_at), col(Usage.amount))
        .where(*mine, col(Usage.starts_at) > moment - WINDOW - SPAN)
        .order_by(col(Usage.starts_at))
    ).all()
    left = sum(span.amount for span in spans)
    if left >= most:
        free_at = moment
        for span in spans:
            if left < most:
                break
            left -= span.amount
            free_at = span.starts_at + SPAN + WINDOW
        seconds = max(1.0, (free_at - moment).total_seconds())
        raise LimitReached(
            f"You have sent {most} messages within a minute, the most there may be. "
            f"Try again in {math.ceil(seconds)} seconds.",
            seconds,
        )
    first = _add(session, owner, REQUESTS, _span(moment), 1) == 1
    if first:  # a new span: a good moment to forget the old ones, so that a busy person has a dozen rows, not a million
        session.execute(delete(Usage).where(*mine, col(Usage.starts_at) <= moment - WINDOW - SPAN))


def running(session: Session, owner: str) -> int:
    """How many answers of this person are queued or being written."""
    return int(
        session.execute(
            select(func.count())
            .select_from(Message)
            .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
            .where(IS_ACTIVE, col(Conversation.owner) == owner)
        ).scalar_one()
    )


def spend(session: Session, tokens: Mapping[str, int]) -> None:
    """Add what answers have used (owner → tokens) to their owners' day. What is nobody's any more is not counted."""
    spent = {owner: min(amount, MOST_TOKENS) for owner, amount in tokens.items() if owner and amount > 0}
    if not spent:
        return
    day = _day(_moment(session))
    for owner in sorted(spent):  # in one order everywhere: no two instances wait for each other
        _add(session, owner, TOKENS, day, spent[owner])


def tokens_today(session: Session, owner: str) -> int:
    """The tokens this person has used since midnight UTC."""
    found = session.execute(
        select(col(Usage.amount)).where(
            col(Usage.owner) == owner, col(Usage.kind) == TOKENS, col(Usage.starts_at) == _day(_moment(session))
        )
    ).scalar_one_or_none()
    return found or 0


def _add(session: Session, owner: str, kind: str, starts_at: datetime, amount: int) -> int:
    """Add to the count, hold its row until the transaction ends, and return what it is now."""
    insert: Any = postgresql.insert if dialect_of(session) == "postgresql" else sqlite.insert
    row = insert(Usage).values(owner=owner, kind=kind, starts_at=starts_at, amount=amount)
    grown = case((col(Usage.amount) >= FULL, col(Usage.amount)), else_=col(Usage.amount) + row.excluded.amount)
    counted = session.execute(
        row.on_conflict_do_update(index_elements=["owner", "kind", "starts_at"], set_={"amount": grown}).returning(
            col(Usage.amount)
        )
    )
    return int(counted.scalar_one())


def _moment(session: Session) -> datetime:
    moment: datetime = session.execute(select(now())).scalar_one()
    return moment


def _day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _span(moment: datetime) -> datetime:
    seconds = SPAN.seconds
    return moment.replace(second=moment.second // seconds * seconds, microsecond=0)
