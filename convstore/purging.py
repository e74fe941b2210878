"""What may go for good: the trash past its time, keys past their day, deltas of nobody's answer, old counts.

Safe beside running instances: each batch is a short transaction of its own, and deletes only what at that moment still
has to go. Stopping in the middle leaves nothing half done.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, tuple_
from sqlmodel import Session, SQLModel, col

from convstore import trash, usage
from convstore.clock import now
from convstore.database import Database, take_time
from convstore.idempotency import KEPT_SECONDS
from convstore.models import ACTIVE, Conversation, IdempotencyKey, Message, MessageDelta, Usage

BATCH = 500  # rows
MESSAGES = 2000  # of the conversations in one batch; a single one may have more
PAUSE_SECONDS = 0.02  # between two batches, for the others who want to write
REQUESTS_KEPT_SECONDS = 3600
TOKENS_KEPT_SECONDS = 90 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of rows to purge. `remove` takes away one batch and returns how many went; 0: there are no more."""

    name: str
    count: Callable[[Session], int]
    remove: Callable[[Session], int]


def kinds(trash_days: float) -> list[Kind]:
    """All kinds, with what counts as past its time."""
    old_requests = (col(Usage.kind) == usage.REQUESTS) & (col(Usage.starts_at) < now(-REQUESTS_KEPT_SECONDS))
    written = exists().where(
        col(Message.id) == col(MessageDelta.message_id),
        col(Message.status).in_(ACTIVE),
        col(Message.attempt) <= col(MessageDelta.attempt),
    )
    return [
        Kind("conversations in the trash", lambda s: _in_trash(s, trash_days), lambda s: _empty_trash(s, trash_days)),
        _rows(
            "expired idempotency keys",
            IdempotencyKey,
            (col(IdempotencyKey.owner), col(IdempotencyKey.key)),
            col(IdempotencyKey.created_at) < now(-KEPT_SECONDS),
        ),
        _rows(
            "orphan deltas",
            MessageDelta,
            (col(MessageDelta.message_id), col(MessageDelta.attempt), col(MessageDelta.seq)),
            ~written,
        ),
        _rows(
            "old usage counts",
            Usage,
            (col(Usage.owner), col(Usage.kind), col(Usage.starts_at)),
            or_(old_requests, col(Usage.starts_at) < now(-TOKENS_KEPT_SECONDS)),
        ),
    ]


def purge(db: Database, kind: Kind) -> int:
    """Remove all there is of this kind, in batches; returns how many rows went."""
    removed = 0
    while batch := db.run(kind.remove):
        removed += batch
        time.sleep(PAUSE_SECONDS)
    return removed


def _rows(name: str, table: type[SQLModel], key: tuple[Any, ...], gone: ColumnElement[bool]) -> Kind:
    def count(session: Session) -> int:
        take_time(session)
        return int(session.execute(select(func.count()).select_from(table).where(gone)).scalar_one())

    def remove(session: Session) -> int:
        batch = select(*key).where(gone).limit(BATCH)
        # The condition again: a key that was taken anew meanwhile stays.
        done = session.execute(delete(table).where(tuple_(*key).in_(batch), gone).returning(key[0]))
        return len(done.all())

    return Kind(name, count, remove)


def _in_trash(session: Session, days: float) -> int:
    old = col(Conversation.trashed_at) < now(-days * trash.DAY_SECONDS)
    return int(session.execute(select(func.count()).select_from(Conversation).where(old)).scalar_one())


def _empty_trash(session: Session, days: float) -> int:
    take_time(session)
    sizes = session.execute(
        select(col(Conversation.message_count))
        .where(col(Conversation.trashed_at) < now(-days * trash.DAY_SECONDS))
        .order_by(col(Conversation.trashed_at))
        .limit(BATCH)
    ).scalars()
    fitting = [total for total in accumulate(sizes) if total <= MESSAGES]
    return trash.purge(session, days, max(1, len(fitting)))
