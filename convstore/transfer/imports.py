"""Taking conversations in: each one whole or not at all, and none twice.

What is here already is known by its moment of creation and by its messages, so a document needs no ids to be recognized
in the place it came from, in another one, or after it has grown on either side:

- all its messages are here, in one of the owner's conversations that is not in the trash: unchanged;
- that conversation's messages are the beginning of the document's: the rest is added to it;
- else it becomes a new conversation, with new ids, of whoever imports it.

Two that are alike in one file stay two: a conversation here stands for one of them only.
"""

from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlmodel import Session, col

from convstore import conversations, titles
from convstore.conversations import Settings
from convstore.database import dialect_of
from convstore.models import Conversation, Feedback, Message, ToolCall, new_id
from convstore.transfer import schema
from convstore.transfer.exports import exported, rows_of

ROWS = 500  # in one statement, or compared in one step
LOCK = 0x696D706F  # "impo": with the owner, what pg_advisory_xact_lock is asked for

Outcome = Literal["imported", "unchanged"]


def put(session: Session, owner: str, given: schema.Conversation, taken: frozenset[UUID]) -> tuple[Outcome, UUID]:
    """Take one conversation in. Returns what became of it, and which conversation of the owner's it is.

    `taken`: those that stand for another one of the file. Raises `Invalid` for settings that no model takes.
    """
    if dialect_of(session) == "postgresql":  # on SQLite the transaction is alone already
        session.execute(select(func.pg_advisory_xact_lock(LOCK, func.hashtext(owner))))
    for candidate in _candidates(session, owner, given, taken):
        ids = _common(session, owner, candidate.id, given)
        if ids is None:
            continue
        if len(ids) == len(given.messages):
            return "unchanged", candidate.id
        if ids:
            _add_messages(session, candidate.id, given, ids)
            _count(session, candidate.id, given, ids)
            return "imported", candidate.id
    return "imported", _add(session, owner, given)


def _candidates(session: Session, owner: str, given: schema.Conversation, taken: frozenset[UUID]) -> list[Any]:
    """The owner's conversations that were made in that moment: of the same length first, then longer, then shorter."""
    rows = session.execute(
        select(col(Conversation.id), col(Conversation.message_count))
        .where(
            col(Conversation.owner) == owner,
            col(Conversation.created_at) == given.created_at,
            col(Conversation.trashed_at).is_(None),
        )
        .order_by(col(Conversation.id))
        .with_for_update(key_share=True)
    )
    length = len(given.messages)
    ranked = [((row.message_count != length, row.message_count < length), row) for row in rows if row.id not in taken]
    return [row for _, row in sorted(ranked, key=lambda pair: pair[0])]


def _common(session: Session, owner: str, conversation_id: UUID, given: schema.Conversation) -> list[UUID] | None:
    """The ids, in their order, of the messages that both have; None when one is not the beginning of the other."""
    ids: list[UUID] = []
    while len(ids) < len(given.messages):
        rows = list(session.execute(rows_of(owner, conversation_id, len(ids)).limit(ROWS)))
        here = exported(session, rows)
        for row, one, other in zip(rows, here, given.messages[len(ids) :], strict=False):
            if not _same(one, other):
                return None
            ids.append(row.id)
        if len(rows) < ROWS:
            break
    return ids


def _same(here: schema.Message, given: schema.Message) -> bool:
    where = (here.parent, here.role, here.created_at) == (given.parent, given.role, given.created_at)
    # An answer goes on after an export that came in the middle of it.
    return where and (here.content == given.content or given.error == schema.STILL_WRITTEN)


def _add(session: Session, owner: str, given: schema.Conversation) -> UUID:
    conversation_id = new_id()
    settings = conversations.checked(Settings(given.system_prompt, given.model, given.temperature))
    session.execute(
        insert(Conversation).values(
            id=conversation_id,
            owner=owner,
            title=titles.clean(given.title),
            titled_by=given.titled_by,
            created_at=given.created_at,
            updated_at=given.updated_at,
            pinned_at=given.pinned_at,
            archived_at=given.archived_at,
            forked_from=given.forked_from,
            **settings,
        )
    )
    ids: list[UUID] = []
    _add_messages(session, conversation_id, given, ids)
    _count(session, conversation_id, given, ids)
    return conversation_id


def _add_messages(session: Session, conversation_id: UUID, given: schema.Conversation, ids: list[UUID]) -> None:
    """Insert the messages after the first `len(ids)`, which are there; `ids` grows by theirs."""
    lanes = lanes_of(given.messages)
    for start in range(len(ids), len(given.messages), ROWS):
        rows: list[dict[str, Any]] = []
        calls: list[dict[str, Any]] = []
        ratings: list[dict[str, Any]] = []
        for index, message in enumerate(given.messages[start : start + ROWS], start):
            ids.append(new_id())
            parent_id = None if message.parent is None else ids[message.parent]
            place = {"parent_id": parent_id, "position": index, "lane": lanes[index]}
            rows.append({"id": ids[-1], "conversation_id": conversation_id, **place, **_columns(message)})
            calls += [
                {"message_id": ids[-1], "position": number, "repeatable": False, **dict(call)}
                for number, call in enumerate(message.tool_calls)
            ]
            if message.feedback is not None:
                ratings.append({"message_id": ids[-1], **dict(message.feedback)})
        connection = session.connection()
        connection.execute(insert(Message), rows)
        if calls:
            connection.execute(insert(ToolCall), calls)
        if ratings:
            connection.execute(insert(Feedback), ratings)


def _columns(message: schema.Message) -> dict[str, Any]:
    values = dict(message)
    del values["parent"]
    return values | {"tool_count": len(values.pop("tool_calls")), "rated": values.pop("feedback") is not None}


def _count(session: Session, conversation_id: UUID, given: schema.Conversation, ids: list[UUID]) -> None:
    leaf = len(ids) - 1 if given.leaf is None else given.leaf
    session.execute(
        update(Conversation)
        .where(col(Conversation.id) == conversation_id)
        .values(
            version=Conversation.version + 1,
            message_count=len(ids),
            lane_count=max(lanes_of(given.messages), default=-1) + 1,
            leaf_id=ids[leaf] if ids else None,
            updated_at=given.updated_at,
        )
    )


def lanes_of(messages: list[schema.Message]) -> list[int]:
    """The lane of each message: the first child of a message continues its lane, every other one opens a new one."""
    lanes: list[int] = []
    continued: set[int] = set()
    opened = 0
    for message in messages:
        if message.parent is None or message.parent in continued:
            lanes.append(opened)
            opened += 1
        else:
            continued.add(message.parent)
            lanes.append(lanes[message.parent])
    return lanes
