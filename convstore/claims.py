"""Claims: which instance writes which answer.

- A claim is a guarded UPDATE that raises `attempt`: a worker that was overtaken can never write again.
- An answer waits while it is queued, or when its lease has passed by the database's clock. The queue is these rows.
- Lock order: conversations (by id), then messages; a conversation somebody else holds is left for the next round.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select, tuple_, update
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from convstore import tool_calls
from convstore.answers import settle
from convstore.clock import now
from convstore.models import ACTIVE, Conversation, Message, MessageDelta
from convstore.tool_calls import Fence
from convstore.tree import IS_ACTIVE, announce
from convstore.turns import Lease

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Claimed:
    """`fences`: the answers that were taken. `ended`: how those ended that nobody is going to write."""

    fences: list[Fence]
    ended: list[str]


def claim(session: Session, lease: Lease, limit: int, max_attempts: int) -> Claimed:
    """Take up to `limit` answers that are queued or whose lease has passed, the longest waiting first.

    One that was asked to stop, or was tried `max_attempts` times, ends here with the text it has.
    """
    waiting = _waiting(session, limit)
    if not waiting:
        return Claimed([], [])
    rows = _lock(session, waiting)
    over = {row.id: "stopped" for row in rows if row.stop_requested}
    over |= {row.id: "interrupted" for row in rows if row.attempt >= max_attempts and row.id not in over}
    ended = _end(session, over)
    ids = [row.id for row in rows if row.id not in over]
    if not ids:
        return Claimed([], list(ended.values()))
    tool_calls.carry_over(session, [row.id for row in rows if row.id not in over and row.attempt > 0])
    session.execute(delete(MessageDelta).where(col(MessageDelta.message_id).in_(ids)))
    claimed = session.execute(
        update(Message)
        .where(col(Message.id).in_(ids))
        .values(
            status="streaming",
            attempt=Message.attempt + 1,
            lease_owner=lease.owner,
            lease_until=now(lease.seconds),
            served_by=lease.instance,
        )
        .returning(col(Message.conversation_id), col(Message.id), col(Message.attempt))
    ).all()
    fences = [Fence(row.conversation_id, row.id, row.attempt, lease.owner) for row in claimed]
    return Claimed(fences, list(ended.values()))


def _end(session: Session, over: dict[UUID, str]) -> dict[UUID, str]:
    """Settle them one by one; returns those that could be. One that cannot must not keep the others waiting."""
    ended = {}
    for message_id, status in over.items():
        try:
            with session.begin_nested():
                settle(session, {message_id: status})
            ended[message_id] = status
        except (DataError, IntegrityError):
            log.exception("answer %s cannot be ended", message_id)
    return ended


def any_waiting(session: Session) -> bool:
    """Whether there is anything to claim: the cheap question an idle instance asks."""
    return bool(_waiting(session, 1))


def _waiting(session: Session, limit: int) -> dict[UUID, UUID]:
    """Answers to claim, id → conversation. One behind an unfinished answer waits for it: it has to read it."""
    question, previous = aliased(Message), aliased(Message)
    found = session.execute(
        select(col(Message.id), col(Message.conversation_id))
        .join(question, col(question.id) == col(Message.parent_id), isouter=True)
        .join(previous, col(previous.id) == col(question.parent_id), isouter=True)
        .where(
            IS_ACTIVE,
            or_(col(Message.status) == "queued", col(Message.lease_until) < now()),
            or_(col(previous.id).is_(None), col(previous.status).not_in(ACTIVE), col(Message.stop_requested)),
        )
        .order_by(col(Message.created_at))
        .limit(limit)
    )
    return {row.id: row.conversation_id for row in found}


def _lock(session: Session, waiting: dict[UUID, UUID]) -> list[Any]:
    """Lock those conversations that nobody else holds, look at the answers again, and tell the readers of both."""
    held = (
        session.execute(
            select(col(Conversation.id))
            .where(col(Conversation.id).in_(set(waiting.values())))
            .order_by(col(Conversation.id))
            .with_for_update(skip_locked=True, key_share=True)
        )
        .scalars()
        .all()
    )
    rows = session.execute(
        select(col(Message.id), col(Message.conversation_id), col(Message.attempt), col(Message.stop_requested))
        .where(
            col(Message.id).in_(waiting),
            col(Message.conversation_id).in_(held),
            IS_ACTIVE,
            or_(col(Message.status) == "queued", col(Message.lease_until) < now()),
        )
        .order_by(
            col(Message.id)
        )  # as a flush does: two that lock the same rows do not wait for each other in a circle
        .with_for_update(key_share=True)
    ).all()
    announce(session, {row.conversation_id for row in rows})
    return list(rows)


def hand_over(session: Session, lease: Lease, fences: Sequence[Fence]) -> int:
    """Put answers back in the queue, for another instance to claim at once; returns how many were still ours."""
    conversation_ids = {fence.conversation_id for fence in fences}
    session.execute(
        select(col(Conversation.id))
        .where(col(Conversation.id).in_(conversation_ids))
        .order_by(col(Conversation.id))
        .with_for_update(key_share=True)
    ).all()
    given = session.execute(
        update(Message)
        .where(
            tuple_(col(Message.id), col(Message.attempt)).in_([(fence.message_id, fence.attempt) for fence in fences]),
            col(Message.lease_owner) == lease.owner,
            col(Message.status) == "streaming",
        )
        .values(status="queued", lease_owner=None, lease_until=None)
        .returning(col(Message.conversation_id))
    ).all()
    announce(session, {row.conversation_id for row in given})
    return len(given)
