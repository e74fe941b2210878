"""Taking conversations in: each one whole or not at all, and none twice.

What is here already is known by its moment of creation and by its messages, so a document needs no ids to be recognized
in the place it came from, in another one, or after it has grown on either side:

- all its messages are here, in one of the owner's conversations that is not in the trash: unchanged;
- that conversation's messages are the beginning of the document's: the rest is added to it;
- else it becomes a new conversation, with new ids, of whoever imports it.

Two that are alike in one file stay two: a conversation here stands for one of them only.
"""

from collections.abc import Sequence, Set
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from convstore.database import dialect_of
from convstore.models import Conversation, Message
from convstore.transfer import schema, trees
from convstore.transfer.schema import ExportedConversation

ROWS = 500  # compared in one step
CANDIDATES = 100  # made in the same moment
LOCK = 0x696D706F  # "impo": with the owner, what pg_advisory_xact_lock is asked for
IMPORTED, UNCHANGED = "imported", "unchanged"

Placed = tuple[str, UUID]  # what became of it, and which of the owner's conversations it is


def find(session: Session, owner: str, given: Sequence[ExportedConversation], taken: Set[UUID]) -> list[UUID | None]:
    """For each, the owner's conversation that has all of it already. A read: for these nobody has to wait.

    `taken`: conversations that stand for others of the file.
    """
    used = set(taken)
    found: list[UUID | None] = []
    for conversation in given:
        candidates: list[UUID] = list(session.execute(_candidates(owner, conversation)).scalars())
        free = [key for key in candidates if key not in used]
        whole = next((key for key in free if _is_whole(_common(session, owner, key, conversation), conversation)), None)
        found.append(whole)
        if whole is not None:
            used.add(whole)
    return found


def put(session: Session, owner: str, given: Sequence[ExportedConversation], taken: Set[UUID]) -> list[Placed]:
    """Take these in; says of each what became of it, and which conversation of the owner's it is. `taken` as above.

    One that is imported at the same time through another instance is there once: the owner's imports take turns.
    """
    if dialect_of(session) == "postgresql":  # on SQLite the transaction is alone already
        session.execute(select(func.pg_advisory_xact_lock(LOCK, func.hashtext(owner))))
    used = set(taken)
    placed: list[Placed] = []
    for conversation in given:
        placed.append(_put(session, owner, conversation, used))
        used.add(placed[-1][1])
    return placed


def _put(session: Session, owner: str, given: ExportedConversation, used: Set[UUID]) -> Placed:
    candidates: list[UUID] = list(session.execute(_candidates(owner, given).with_for_update(key_share=True)).scalars())
    for candidate in candidates:
        ids = _common(session, owner, candidate, given) if candidate not in used else None
        if _is_whole(ids, given):
            return UNCHANGED, candidate
        if ids:
            trees.extend(session, candidate, given, ids)
            return IMPORTED, candidate
    return IMPORTED, trees.add(session, owner, given)


def _candidates(owner: str, given: ExportedConversation) -> Select[Any]:
    """The owner's conversations that were made in that moment: of the same length first, then longer, then shorter."""
    length = len(given.messages)
    return (
        select(col(Conversation.id))
        .where(
            col(Conversation.owner) == owner,
            col(Conversation.created_at) == given.created_at,
            col(Conversation.trashed_at).is_(None),
        )
        .order_by(
            col(Conversation.message_count) != length, col(Conversation.message_count) < length, col(Conversation.id)
        )
        .limit(CANDIDATES)
    )


def _is_whole(ids: list[UUID] | None, given: ExportedConversation) -> bool:
    return ids is not None and len(ids) == len(given.messages)


_parent = aliased(Message, name="parent")


def _common(session: Session, owner: str, conversation_id: UUID, given: ExportedConversation) -> list[UUID] | None:
    """The ids, in their order, of the messages that both have; None when one is not the beginning of the other."""
    ids: list[UUID] = []
    while len(ids) < len(given.messages):
        rows = session.execute(
            select(
                col(Message.id),
                col(_parent.position),
                col(Message.role),
                col(Message.created_at),
                col(Message.content),
            )
            .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
            .join(_parent, col(_parent.id) == col(Message.parent_id), isouter=True)
            .where(
                col(Message.conversation_id) == conversation_id,
                col(Message.position) >= len(ids),
                col(Conversation.owner) == owner,
            )
            .order_by(col(Message.position))
            .limit(min(ROWS, len(given.messages) - len(ids)))
        ).all()
        if not rows:
            break
        for message_id, parent, role, created_at, content in rows:
            message = given.messages[len(ids)]
            if (parent, role, created_at) != (message.parent, message.role, message.created_at):
                return None
            # An answer goes on after an export that came in the middle of it.
            if content != message.content and message.error != schema.STILL_WRITTEN:
                return None
            ids.append(message_id)
    return ids
