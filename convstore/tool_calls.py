"""The tool calls of an answer: on record before the tool runs, so that a takeover knows what may have happened.

Every write checks the fence (this instance, this attempt, still streaming) under the lock on the answer's row; a worker
that was overtaken gets `LeaseLost` and must not run the tool.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update
from sqlmodel import Session, col

from convstore.clock import now
from convstore.errors import LeaseLost
from convstore.models import Message, ToolCall
from convstore.text import storable
from convstore.tree import announce

UNKNOWN_OUTCOME = "interrupted, outcome unknown"


@dataclass(frozen=True, slots=True)
class Call:
    """One call as its readers see it. `arguments` is JSON text; `text_offset` counts characters of the answer."""

    id: UUID
    call_id: str
    name: str
    arguments: str
    result: str | None
    status: str
    text_offset: int
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Fence:
    """The right to write one attempt of one answer."""

    conversation_id: UUID
    message_id: UUID
    attempt: int
    lease_owner: str


_HELD = (
    select(col(Message.tool_count))
    .where(
        col(Message.id) == bindparam("message_id"),
        col(Message.attempt) == bindparam("attempt"),
        col(Message.lease_owner) == bindparam("lease_owner"),
        col(Message.status) == "streaming",
    )
    .with_for_update(key_share=True)
)


def start(
    session: Session, fence: Fence, call_id: str, name: str, arguments: str, *, repeatable: bool, text_offset: int
) -> None:
    """Record a call that is about to run; twice is once, for a caller who did not hear back. Raises `LeaseLost`."""
    position = _hold(session, fence)
    same = select(col(ToolCall.id)).where(
        col(ToolCall.message_id) == fence.message_id,
        col(ToolCall.call_id) == storable(call_id),
        col(ToolCall.name) == storable(name),
        col(ToolCall.arguments) == storable(arguments),
        col(ToolCall.status) == "running",
    )
    if position and session.execute(same).first():
        return
    session.execute(
        insert(ToolCall).values(
            message_id=fence.message_id,
            position=position,
            call_id=storable(call_id),
            name=storable(name),
            arguments=storable(arguments),
            repeatable=repeatable,
            text_offset=text_offset,
            started_at=now(),
        )
    )
    session.execute(update(Message).where(col(Message.id) == fence.message_id).values(tool_count=position + 1))


def settle(session: Session, fence: Fence, call_id: str, result: str, *, failed: bool) -> None:
    """Record what came of the newest unsettled call of that name. Raises `LeaseLost`."""
    _hold(session, fence)
    newest = (
        select(col(ToolCall.id))
        .where(
            col(ToolCall.message_id) == fence.message_id,
            col(ToolCall.call_id) == storable(call_id),
            col(ToolCall.status) == "running",
        )
        .order_by(col(ToolCall.position).desc())
        .limit(1)
    )
    session.execute(
        update(ToolCall)
        .where(col(ToolCall.id) == newest.scalar_subquery())
        .values(result=storable(result), status="failed" if failed else "complete", finished_at=now())
    )


def _hold(session: Session, fence: Fence) -> int:
    """Tell the readers that the shape changes (which locks the conversation first), then check the fence."""
    announce(session, {fence.conversation_id})
    held = session.execute(
        _HELD, {"message_id": fence.message_id, "attempt": fence.attempt, "lease_owner": fence.lease_owner}
    ).one_or_none()
    if held is None:
        raise LeaseLost()
    return int(held.tool_count)


def carry_over(session: Session, message_ids: Sequence[UUID]) -> None:
    """Ready the calls of answers that change hands: finished ones are kept; one that was running is forgotten when it
    may be repeated, else it is kept as interrupted, for the model to read that nobody saw its outcome."""
    running = (col(ToolCall.message_id).in_(message_ids), col(ToolCall.status) == "running")
    session.execute(delete(ToolCall).where(*running, col(ToolCall.repeatable).is_(True)))
    session.execute(
        update(ToolCall).where(*running).values(status="interrupted", result=UNKNOWN_OUTCOME, finished_at=now())
    )
    # The text is written again from its beginning: what was kept stands before it.
    session.execute(update(ToolCall).where(col(ToolCall.message_id).in_(message_ids)).values(text_offset=0))


def end_running(session: Session, message_ids: Sequence[UUID]) -> None:
    """No call of a finished answer stays "running"."""
    session.execute(
        update(ToolCall)
        .where(col(ToolCall.message_id).in_(message_ids), col(ToolCall.status) == "running")
        .values(status="interrupted", result=UNKNOWN_OUTCOME, finished_at=now())
    )


def of(session: Session, message_ids: Sequence[UUID]) -> dict[UUID, tuple[Call, ...]]:
    """The calls of each of these messages, in the order they were made."""
    calls: dict[UUID, list[Call]] = defaultdict(list)
    if message_ids:
        for message_id, *rest in session.execute(
            select(
                col(ToolCall.message_id),
                col(ToolCall.id),
                col(ToolCall.call_id),
                col(ToolCall.name),
                col(ToolCall.arguments),
                col(ToolCall.result),
                col(ToolCall.status),
                col(ToolCall.text_offset),
                col(ToolCall.started_at),
                col(ToolCall.finished_at),
            )
            .where(col(ToolCall.message_id).in_(message_ids))
            .order_by(col(ToolCall.message_id), col(ToolCall.position))
        ):
            calls[message_id].append(Call(*rest))
    return {message_id: tuple(views) for message_id, views in calls.items()}
