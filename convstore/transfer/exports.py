"""Writing conversations out as the document of `schema`, a part at a time.

A part is read in one short transaction, however slow its reader: what has begun keeps the messages it had when it
began, what is added meanwhile is for the next export. Conversations come in the order they were made.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, literal, select, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from convstore import messages, tool_calls
from convstore.clock import UtcDateTime
from convstore.database import Database
from convstore.errors import NotFound
from convstore.models import ACTIVE, Conversation, Feedback, Message
from convstore.transfer import schema

OPENING = f'{{"format":"{schema.FORMAT}","version":{schema.VERSION},"conversations":['
CLOSING = "\n]}\n"
PART_CHARACTERS = 250_000  # when a part has this much, it is given out
ROWS = 200  # messages looked at in one step
ROWS_CHARACTERS = 1_000_000  # and read, unless a single one has more


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far an export is: after that conversation, or inside of one, of which `count` messages are wanted."""

    only: UUID | None = None
    after: tuple[datetime, UUID] | None = None
    inside: UUID | None = None
    position: int = 0
    count: int = 0
    done: int = 0  # conversations written


async def document(db: Database, owner: str, conversation_id: UUID | None = None) -> AsyncIterator[str]:
    """The document with this conversation, or with all of the owner's that are not in the trash.

    Raises `NotFound` before anything else, or when a conversation is deleted for good while it is being written.
    """
    text, cursor = await db.reading(part, owner, Cursor(only=conversation_id))
    yield OPENING + text
    while cursor is not None:
        text, cursor = await db.reading(part, owner, cursor)
        yield text
    yield CLOSING


def part(session: Session, owner: str, cursor: Cursor) -> tuple[str, Cursor | None]:
    """The next part of the text, and where it goes on; None at the end. Raises `NotFound`."""
    written: list[str] = []
    size = 0
    at: Cursor | None = cursor
    while at is not None and size < PART_CHARACTERS:
        text, at = _conversation(session, owner, at) if at.inside is None else _messages(session, owner, at)
        written.append(text)
        size += len(text)
    return "".join(written), at


_leaf = aliased(Message, name="leaf")
_parent = aliased(Message, name="parent")
_HEAD = (
    "title",
    "titled_by",
    "created_at",
    "updated_at",
    "pinned_at",
    "archived_at",
    "forked_from",
    "system_prompt",
    "model",
    "temperature",
)
_MESSAGE = (
    "role",
    "content",
    "reasoning",
    "status",
    "error",
    "model",
    "served_by",
    "input_tokens",
    "output_tokens",
    "created_at",
    "finished_at",
)


def _conversation(session: Session, owner: str, at: Cursor) -> tuple[str, Cursor | None]:
    """The head of the next conversation."""
    query: Any = (
        select(
            col(Conversation.id),
            col(Conversation.message_count),
            col(_leaf.position).label("leaf"),
            *(col(getattr(Conversation, name)) for name in _HEAD),
        )
        .join(_leaf, col(_leaf.id) == col(Conversation.leaf_id), isouter=True)
        .where(col(Conversation.owner) == owner, col(Conversation.trashed_at).is_(None))
        .order_by(col(Conversation.created_at), col(Conversation.id))
        .limit(1)
    )
    if at.only is not None:
        query = query.where(col(Conversation.id) == at.only)
    if at.after is not None:
        created_at, conversation_id = at.after
        query = query.where(
            tuple_(col(Conversation.created_at), col(Conversation.id))
            > tuple_(literal(created_at, UtcDateTime()), literal(conversation_id))
        )
    row = session.execute(query).one_or_none() if at.only is None or at.done == 0 else None
    if row is None:
        if at.only is not None and at.done == 0:
            raise NotFound()
        return "", None
    leaf = None if row.leaf == row.message_count - 1 else row.leaf
    head = schema.ExportedConversation.model_construct(
        **{name: getattr(row, name) for name in _HEAD}, leaf=leaf, messages=[]
    ).model_dump_json(exclude_defaults=True, exclude={"messages"})
    text = f'{"," if at.done else ""}\n{head[:-1]},"messages":['
    after = (row.created_at, row.id)
    return text, Cursor(at.only, after, row.id, 0, row.message_count, at.done + 1)


def _messages(session: Session, owner: str, at: Cursor) -> tuple[str, Cursor | None]:
    """The next messages of the conversation that has begun, or its end."""
    if at.position == at.count:
        return ("\n]}" if at.count else "]}"), Cursor(at.only, at.after, done=at.done)
    assert at.inside is not None
    rows = _rows(session, owner, at.inside, at.position, at.count)
    if not rows:
        raise NotFound()
    lines = [message.model_dump_json(exclude_defaults=True) for message in exported(session, rows)]
    text = ("," if at.position else "") + "\n" + ",\n".join(lines)
    return text, Cursor(at.only, at.after, at.inside, rows[-1].position + 1, at.count, at.done)


def _rows(session: Session, owner: str, conversation_id: UUID, start: int, end: int) -> list[Row[Any]]:
    """Messages from that position on, few enough to hold."""
    sizes = session.execute(
        select(
            col(Message.position), (func.length(Message.content) + func.length(Message.reasoning)).label("characters")
        )
        .where(
            col(Message.conversation_id) == conversation_id,
            col(Message.position) >= start,
            col(Message.position) < end,
        )
        .order_by(col(Message.position))
        .limit(ROWS)
    ).all()
    last, characters = start, 0
    for row in sizes:
        characters += row.characters
        if characters > ROWS_CHARACTERS and row.position > start:
            break
        last = row.position
    return list(session.execute(rows_of(owner, conversation_id, start).where(col(Message.position) <= last)))


_COLUMNS = (
    col(Message.id),
    col(Message.position),
    col(_parent.position).label("parent"),
    col(Message.attempt),
    col(Message.tool_count),
    col(Message.rated),
    *(col(getattr(Message, name)) for name in _MESSAGE),
)


def rows_of(owner: str, conversation_id: UUID, start: int) -> Select[Any]:
    """The messages of the owner's conversation from that position on, for `exported`."""
    return (
        select(*_COLUMNS)
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .join(_parent, col(_parent.id) == col(Message.parent_id), isouter=True)
        .where(
            col(Message.conversation_id) == conversation_id,
            col(Message.position) >= start,
            col(Conversation.owner) == owner,
        )
        .order_by(col(Message.position))
    )


def exported(session: Session, rows: list[Row[Any]]) -> list[schema.ExportedMessage]:
    """What `rows_of` finds, as they stand in the document."""
    calls = tool_calls.of(session, [row.id for row in rows if row.tool_count])
    ratings = _feedback(session, [row.id for row in rows if row.rated])
    texts = messages.text_so_far(session, {row.id: row.attempt for row in rows if row.status in ACTIVE})
    found = []
    for row in rows:
        values = {name: getattr(row, name) for name in _MESSAGE}
        if row.id in texts:
            text, reasoning, _ = texts[row.id]
            values |= {"content": text, "reasoning": reasoning}
            values |= {"status": "interrupted", "error": schema.STILL_WRITTEN}
        found.append(
            schema.ExportedMessage.model_construct(
                parent=row.parent,
                **values,
                tool_calls=[_call(call) for call in calls.get(row.id, ())],
                feedback=ratings.get(row.id),
            )
        )
    return found


def _call(call: tool_calls.Call) -> schema.ExportedToolCall:
    running = call.status == "running"
    values: dict[str, Any] = {"status": "interrupted", "result": tool_calls.UNKNOWN_OUTCOME} if running else {}
    return schema.ExportedToolCall.model_construct(
        call_id=call.call_id,
        name=call.name,
        arguments=call.arguments,
        text_offset=call.text_offset,
        started_at=call.started_at,
        finished_at=call.finished_at,
        **({"status": call.status, "result": call.result} | values),
    )


def _feedback(session: Session, message_ids: list[UUID]) -> dict[UUID, schema.ExportedFeedback]:
    if not message_ids:
        return {}
    rows = session.execute(
        select(col(Feedback.message_id), col(Feedback.rating), col(Feedback.comment), col(Feedback.created_at)).where(
            col(Feedback.message_id).in_(message_ids)
        )
    )
    return {
        key: schema.ExportedFeedback.model_construct(rating=rating, comment=comment, created_at=created_at)
        for key, rating, comment, created_at in rows
    }
