"""A conversation of the document as rows: new ids, positions and lanes from its tree."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update
from sqlmodel import Session, col

from convstore import conversations, titles
from convstore.conversations import Settings
from convstore.models import Conversation, Feedback, Message, ToolCall, new_id
from convstore.transfer import schema

ROWS = 500  # in one statement


def check(given: schema.ExportedConversation) -> None:
    """Raises `Invalid` for settings that no model takes; whatever passes can be added."""
    conversations.checked(_settings(given))


def add(session: Session, owner: str, given: schema.ExportedConversation) -> UUID:
    """A new conversation of that owner with all of it; returns its id."""
    conversation_id = new_id()
    ids = [new_id() for _ in given.messages]
    session.execute(
        insert(Conversation).values(
            id=conversation_id,
            owner=owner,
            title=titles.clean(given.title),
            titled_by=given.titled_by,
            created_at=given.created_at,
            pinned_at=given.pinned_at,
            archived_at=given.archived_at,
            forked_from=given.forked_from,
            **conversations.checked(_settings(given)),
            **_extent(given, ids),
        )
    )
    _add_messages(session, conversation_id, given, ids, 0)
    return conversation_id


def extend(session: Session, conversation_id: UUID, given: schema.ExportedConversation, here: Sequence[UUID]) -> None:
    """Add what comes after its messages that are `here`. The caller holds the conversation's lock."""
    ids = [*here, *(new_id() for _ in given.messages[len(here) :])]
    session.execute(
        update(Conversation)
        .where(col(Conversation.id) == conversation_id)
        .values(version=Conversation.version + 1, **_extent(given, ids))
    )
    _add_messages(session, conversation_id, given, ids, len(here))


def lanes_of(messages: Sequence[schema.ExportedMessage]) -> list[int]:
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


def _settings(given: schema.ExportedConversation) -> Settings:
    return Settings(given.system_prompt, given.model, given.temperature)


def _extent(given: schema.ExportedConversation, ids: Sequence[UUID]) -> dict[str, Any]:
    leaf = len(ids) - 1 if given.leaf is None else given.leaf
    return {
        "message_count": len(ids),
        "lane_count": max(lanes_of(given.messages), default=-1) + 1,
        "leaf_id": ids[leaf] if ids else None,
        "updated_at": given.updated_at,
    }


def _add_messages(
    session: Session, conversation_id: UUID, given: schema.ExportedConversation, ids: Sequence[UUID], first: int
) -> None:
    lanes = lanes_of(given.messages)
    connection = session.connection()
    for start in range(first, len(ids), ROWS):
        rows: list[dict[str, Any]] = []
        calls: list[dict[str, Any]] = []
        ratings: list[dict[str, Any]] = []
        for index, message in enumerate(given.messages[start : start + ROWS], start):
            parent_id = None if message.parent is None else ids[message.parent]
            place = {"parent_id": parent_id, "position": index, "lane": lanes[index]}
            rows.append({"id": ids[index], "conversation_id": conversation_id, **place, **_columns(message)})
            calls += [
                {"message_id": ids[index], "position": number, "repeatable": False, **call.__dict__}
                for number, call in enumerate(message.tool_calls)
            ]
            if message.feedback is not None:
                ratings.append({"message_id": ids[index], **message.feedback.__dict__})
        connection.execute(insert(Message), rows)
        if calls:
            connection.execute(insert(ToolCall), calls)
        if ratings:
            connection.execute(insert(Feedback), ratings)


def _columns(message: schema.ExportedMessage) -> dict[str, Any]:
    values = message.__dict__.copy()
    del values["parent"]
    return values | {"tool_count": len(values.pop("tool_calls")), "rated": values.pop("feedback") is not None}
