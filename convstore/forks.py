"""A copy of one's own: a branch of a conversation, the owner's or one that is shared, as a new conversation."""

from itertools import takewhile
from typing import Any
from uuid import UUID

from sqlalchemy import insert, or_, select, update
from sqlmodel import Session, col

from convstore import conversations, tool_calls, tree
from convstore.clock import now
from convstore.conversations import Summary
from convstore.errors import Invalid, NotFound
from convstore.models import FINISHED, Conversation, Message, Share, ToolCall, new_id
from convstore.tool_calls import Call

IDS = 1_000  # in one statement
Calls = dict[UUID, tuple[Call, ...]]  # of each message
_KEPT = ("role", "content", "reasoning", "status", "error", "model", "input_tokens", "output_tokens", "served_by")
_SETTINGS = ("system_prompt", "model", "temperature")
_COLUMNS = (*(col(getattr(Message, name)) for name in _KEPT), col(Message.created_at), col(Message.finished_at))


def fork(
    session: Session, viewer: str, conversation_id: UUID, until_message_id: UUID | None = None, *, most: int = 100_000
) -> Summary:
    """A conversation of the viewer's with the branch up to that message, by default up to what was added last.

    An answer that is still being written is left out, with the question to it and all that follows. Raises `NotFound`
    for what the viewer may not read, `Invalid` when there is nothing to copy or more than `most` messages.
    """
    source = _readable(session, viewer, conversation_id)
    tip = _tip(session, source, until_message_id)
    rows = tree.branch(session, (*_COLUMNS, col(Message.tool_count)), conversation_id, tip, most + 1) if tip else []
    if len(rows) > most:
        raise Invalid(f"The branch has more than {most:,} messages. Copy it up to an earlier one.")
    rows = list(takewhile(lambda row: row.status in FINISHED, rows))
    while rows and rows[-1].role == "user":
        rows.pop()
    if not source.mine:
        rows = [row for row in rows if row.role != "system"]
    if not rows:
        raise Invalid("There is nothing to copy yet.")
    copy_id = new_id()
    conversations.add(session, viewer, copy_id, source.title)
    calls = _calls(session, [row.id for row in rows if row.tool_count]) if source.tools else {}
    ids = _copy(session, copy_id, rows, calls)
    _copy_calls(session, ids, calls)
    session.execute(
        update(Conversation)
        .where(col(Conversation.id) == copy_id)
        .values(
            forked_from=conversation_id,
            message_count=len(rows),
            lane_count=1,
            leaf_id=ids[rows[-1].id],
            **({name: getattr(source, name) for name in _SETTINGS} if source.mine else {}),
        )
    )
    return conversations.get(session, viewer, copy_id)


def _readable(session: Session, viewer: str, conversation_id: UUID) -> Any:
    row = session.execute(
        select(
            (col(Conversation.owner) == viewer).label("mine"),
            or_(col(Conversation.owner) == viewer, col(Share.tool_arguments)).label("tools"),
            col(Conversation.id),
            col(Conversation.title),
            col(Conversation.leaf_id),
            *(col(getattr(Conversation, name)) for name in _SETTINGS),
            col(Share.mode),
            col(Share.until_message_id),
        )
        .join(Share, col(Share.conversation_id) == col(Conversation.id), isouter=True)
        .where(
            col(Conversation.id) == conversation_id,
            col(Conversation.trashed_at).is_(None),
            or_(
                col(Conversation.owner) == viewer,
                col(Share.mode).is_not(None) & (col(Share.expires_at).is_(None) | (col(Share.expires_at) > now())),
            ),
        )
    ).one_or_none()
    if row is None:
        raise NotFound()
    return row


def _tip(session: Session, source: Any, until_message_id: UUID | None) -> UUID | None:
    """The last message to copy; in a snapshot nothing below its end can be asked for."""
    last: UUID | None = source.leaf_id if source.mine or source.mode == "live" else source.until_message_id
    if until_message_id is None:
        return last
    if source.mine or source.mode == "live":
        tree.tip_of(session, source.id, until_message_id)  # raises when it is not in this conversation
    elif last is None or not tree.is_on_branch(session, source.id, until_message_id, last):
        raise NotFound("This message is not in this conversation.")
    return until_message_id


def _copy(session: Session, copy_id: UUID, rows: list[Any], calls: Calls) -> dict[UUID, UUID]:
    ids = {row.id: new_id() for row in rows}
    parent_id: UUID | None = None
    copies: list[dict[str, Any]] = []
    for position, row in enumerate(rows):
        values = {name: getattr(row, name) for name in (*_KEPT, "created_at", "finished_at")}
        copies.append(
            values
            | {"id": ids[row.id], "conversation_id": copy_id, "parent_id": parent_id, "position": position, "lane": 0}
            | {"tool_count": len(calls.get(row.id, ()))}
        )
        parent_id = ids[row.id]
    session.connection().execute(insert(Message), copies)
    return ids


def _calls(session: Session, message_ids: list[UUID]) -> Calls:
    found: Calls = {}
    for start in range(0, len(message_ids), IDS):
        found |= tool_calls.of(session, message_ids[start : start + IDS])
    return found


def _copy_calls(session: Session, ids: dict[UUID, UUID], calls: Calls) -> None:
    copies = [
        {
            "message_id": ids[message_id],
            "position": position,
            "call_id": call.call_id,
            "name": call.name,
            "arguments": call.arguments,
            "result": call.result,
            "status": call.status,
            "text_offset": call.text_offset,
            "started_at": call.started_at,
            "finished_at": call.finished_at,
        }
        for message_id, made in calls.items()
        for position, call in enumerate(made)
    ]
    if copies:
        session.connection().execute(insert(ToolCall), copies)
