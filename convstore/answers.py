"""An answer while it is written, and how it ends: complete, stopped, failed or interrupted. Claims are in `claims`.

- Whoever holds (lease_owner, attempt) in the answer's own row may write it, nobody else.
- `flush` writes what all answers of one instance have produced since the last one, in one transaction, and learns in
  the same breath which of them were lost to another instance and which were asked to stop.
- Time is the database's. Lock order: conversations (by id), then messages.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Float, Text, bindparam, delete, func, select, update
from sqlmodel import Session, col

from convstore import deltas, tool_calls, tree, usage
from convstore.clock import now
from convstore.database import direct
from convstore.messages import text_so_far
from convstore.models import Conversation, Message, MessageDelta
from convstore.tool_calls import Fence
from convstore.tree import IS_ACTIVE, announce
from convstore.turns import Lease

RENEW_BELOW = 0.6  # of the lease: renewing at every flush would rewrite every row at every flush
EXHAUSTED = "Every instance that tried to write this answer stopped before it was done. Try again."


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer as it goes to its readers. `kind`: text or reasoning."""

    seq: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an answer ended. `status` is a finished one; `error` says in words for the reader why it failed."""

    status: str
    content: str
    reasoning: str = ""
    error: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    spent_tokens: int = 0  # for the owner's day; an estimate when the model did not say


@dataclass(frozen=True, slots=True)
class Write:
    """What one answer has to write: the deltas since the last flush, and its outcome when it is done."""

    fence: Fence
    deltas: tuple[Delta, ...] = ()
    outcome: Outcome | None = None


_LOCKED = (
    select(col(Conversation.id), col(Conversation.owner))
    .where(col(Conversation.id).in_(bindparam("conversations", expanding=True)))
    .order_by(col(Conversation.id))
    .with_for_update(key_share=True)
)
_HELD = (
    select(
        col(Message.id),
        col(Message.attempt),
        col(Message.stop_requested),
        col(Message.tool_count),
        (col(Message.lease_until) < now(bindparam("renew_below", type_=Float))).label("due"),
    )
    .where(
        col(Message.id).in_(bindparam("answers", expanding=True)),
        col(Message.lease_owner) == bindparam("lease_owner"),
        col(Message.status) == "streaming",
    )
    .order_by(col(Message.id))
    .with_for_update(key_share=True)
)
_FORGET_DELTAS = delete(MessageDelta).where(col(MessageDelta.message_id).in_(bindparam("answers", expanding=True)))


def flush(session: Session, lease: Lease, writes: Sequence[Write]) -> dict[UUID, bool]:
    """Write all of it in this transaction. Returns the answers still held: id → whether it was asked to stop.

    One that is missing was lost (taken over, or finished elsewhere); nothing of it is written.
    """
    finishing = {w.fence.conversation_id for w in writes if w.outcome is not None}
    owners: dict[UUID, str] = {}
    if finishing:
        locked = direct(session, _LOCKED, {"conversations": list(finishing)})
        owners = {row.id: row.owner for row in locked}
    attempts = {w.fence.message_id: w.fence.attempt for w in writes}
    rows = direct(
        session,
        _HELD,
        {"answers": list(attempts), "lease_owner": lease.owner, "renew_below": lease.seconds * RENEW_BELOW},
    ).all()
    held = {row.id: bool(row.stop_requested) for row in rows if row.attempt == attempts[row.id]}
    due = [row.id for row in rows if row.due and row.id in held]
    if due:
        session.execute(update(Message).where(col(Message.id).in_(due)).values(lease_until=now(lease.seconds)))
    good = [w for w in writes if w.fence.message_id in held]
    pieces = [(w.fence, delta) for w in good if w.outcome is None for delta in w.deltas]
    deltas.store(session, [(f.message_id, f.attempt, d.seq, d.kind, d.text) for f, d in pieces])
    called = [row.id for row in rows if row.tool_count]
    _finish(session, {w.fence.message_id: w.outcome for w in good if w.outcome is not None}, called)
    announce(session, {w.fence.conversation_id for w in good if w.outcome is not None})
    _count_tokens(session, owners, good)
    return held


def _count_tokens(session: Session, owners: dict[UUID, str], writes: Sequence[Write]) -> None:
    spent: Counter[str] = Counter()
    for w in writes:
        if w.outcome is not None:
            spent[owners[w.fence.conversation_id]] += w.outcome.spent_tokens
    usage.spend(session, spent)


_FINISH = (
    update(Message)
    .where(col(Message.id) == bindparam("message_id"))
    .values(
        status=bindparam("new_status"),
        content=bindparam("new_content"),
        reasoning=bindparam("new_reasoning"),
        error=bindparam("new_error"),
        model=func.coalesce(bindparam("new_model", type_=Text), col(Message.model)),
        input_tokens=bindparam("new_input_tokens"),
        output_tokens=bindparam("new_output_tokens"),
        finished_at=now(),
        lease_owner=None,
        lease_until=None,
    )
)


def _finish(session: Session, outcomes: dict[UUID, Outcome], called: list[UUID]) -> None:
    if not outcomes:
        return
    if called:
        tool_calls.end_running(session, [message_id for message_id in called if message_id in outcomes])
    for message_id, outcome in outcomes.items():
        values = {
            "message_id": message_id,
            "new_status": outcome.status,
            "new_content": outcome.content,
            "new_reasoning": outcome.reasoning,
            "new_error": outcome.error,
            "new_model": outcome.model,
            "new_input_tokens": outcome.input_tokens,
            "new_output_tokens": outcome.output_tokens,
        }
        direct(session, _FINISH, values)
    direct(session, _FORGET_DELTAS, {"answers": list(outcomes)})


def settle(session: Session, ended: dict[UUID, str]) -> None:
    """End answers that nobody writes any more (id → status), with the text they have. The caller holds the locks."""
    if not ended:
        return
    attempts = session.execute(select(col(Message.id), col(Message.attempt)).where(col(Message.id).in_(ended))).all()
    texts = text_so_far(session, {row.id: row.attempt for row in attempts})
    _finish(
        session,
        {
            message_id: Outcome(status, *texts[message_id][:2], error=EXHAUSTED if status == "interrupted" else None)
            for message_id, status in ended.items()
        },
        list(ended),
    )


def request_stop(session: Session, owner: str, conversation_id: UUID, message_id: UUID | None = None) -> int:
    """Ask for an answer (None: all of this conversation) to stop; returns how many there were to ask.

    Its writer sees it with its next flush; one that is still queued ends at once. Raises `NotFound`.
    """
    tree.lock(session, owner, conversation_id)
    return stop_all(session, conversation_id, message_id)


def stop_all(session: Session, conversation_id: UUID, message_id: UUID | None = None) -> int:
    """`request_stop` for a caller that holds the conversation's lock."""
    asked = session.execute(
        update(Message)
        .where(
            col(Message.conversation_id) == conversation_id,
            IS_ACTIVE,
            *([col(Message.id) == message_id] if message_id is not None else []),
        )
        .values(stop_requested=True)
        .returning(col(Message.id), col(Message.status))
    ).all()
    queued = {row.id: "stopped" for row in asked if row.status == "queued"}
    settle(session, queued)
    if queued:
        announce(session, {conversation_id})
    return len(asked)
