"""A turn begins: the key, the person's message and the answer's placeholder, in one transaction.

What is acknowledged here survives any instance. With a `lease` the placeholder is claimed in the same transaction,
else (or when it continues an answer that is still being written) it stays queued for whichever instance has room.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session, col

from convstore import conversations, idempotency, titles, tree
from convstore.errors import Conflict, Invalid, NotFound
from convstore.models import ACTIVE, Conversation, Message, new_id
from convstore.text import refuse_empty
from convstore.tree import LEAF, Parent


@dataclass(frozen=True, slots=True)
class Lease:
    """Who would write an answer, and for how long the word of it holds without renewal."""

    owner: str
    instance: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of a send. `claimed`: by the caller's lease; `replayed`: an earlier send with this key made it."""

    conversation_id: UUID
    user_message_id: UUID | None
    answer_id: UUID
    version: int
    claimed: bool = False
    replayed: bool = False


def begin(
    session: Session,
    owner: str,
    text: str,
    *,
    conversation_id: UUID | None = None,
    parent_id: Parent = LEAF,
    key: str | None = None,
    lease: Lease | None = None,
    most_characters: int = 50_000,
    model: str | None = None,
) -> Turn:
    """The person's message and the place of its answer, in a new conversation when none is named.

    Raises `NotFound` (conversation or parent), `Invalid` (no text, too long), `Conflict` (key used for something else).
    """
    text = refuse_empty(text, most_characters)
    question_id, answer_id = new_id(), new_id()
    target = conversation_id or new_id()
    if key is not None:
        fingerprint = idempotency.digest("send", text, conversation_id, repr(parent_id), model)
        earlier = idempotency.take(session, owner, key, fingerprint, target, question_id, answer_id)
        if earlier is not None:
            return _again(session, owner, *earlier)
    if conversation_id is None:
        conversations.add(session, owner, target, titles.start_of(text))
        place = tree.beginning(target)
    else:
        place = tree.find(session, owner, target, parent_id)
    if place.parent_role == "user":
        raise Invalid("A message continues from an answer. Edit the message instead, or wait for its answer.")
    # Behind an answer that is still being written, this one waits its turn: it could not read the other one yet.
    claim_now = lease if not place.parent_active else None
    question: dict[str, Any] = {"id": question_id, "role": "user", "content": text}
    version = tree.add(session, place, [question, _placeholder(answer_id, claim_now, model)])
    return Turn(target, question_id, answer_id, version, claimed=claim_now is not None)


def retry(
    session: Session,
    owner: str,
    conversation_id: UUID,
    answer_id: UUID,
    *,
    key: str | None = None,
    lease: Lease | None = None,
    model: str | None = None,
) -> Turn:
    """Another answer beside a finished one, to the same question. Raises as `begin`; `Conflict` while it is written."""
    new_answer_id = new_id()
    if key is not None:
        fingerprint = idempotency.digest("retry", conversation_id, answer_id, model)
        earlier = idempotency.take(session, owner, key, fingerprint, conversation_id, None, new_answer_id)
        if earlier is not None:
            return _again(session, owner, *earlier)
    parent_id = _question_of(session, owner, conversation_id, answer_id)
    place = tree.find(session, owner, conversation_id, parent_id)
    version = tree.add(session, place, [_placeholder(new_answer_id, lease, model)])
    return Turn(conversation_id, parent_id, new_answer_id, version, claimed=lease is not None)


def edit(
    session: Session,
    owner: str,
    conversation_id: UUID,
    message_id: UUID,
    text: str,
    *,
    key: str | None = None,
    lease: Lease | None = None,
    most_characters: int = 50_000,
    model: str | None = None,
) -> Turn:
    """Another version of a person's message, beside it, with an answer of its own. Raises as `begin`."""
    row = _message(session, owner, conversation_id, message_id)
    if row.role != "user":
        raise Invalid("Only a message of yours can be edited. Ask for another answer instead.")
    return begin(
        session,
        owner,
        text,
        conversation_id=conversation_id,
        parent_id=row.parent_id,
        key=key,
        lease=lease,
        most_characters=most_characters,
        model=model,
    )


def _message(session: Session, owner: str, conversation_id: UUID, message_id: UUID) -> Any:
    row = session.execute(
        select(col(Message.parent_id), col(Message.role), col(Message.status))
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .where(
            col(Message.id) == message_id,
            col(Conversation.id) == conversation_id,
            col(Conversation.owner) == owner,
            col(Conversation.trashed_at).is_(None),
        )
    ).one_or_none()
    if row is None:
        raise NotFound()
    return row


def _question_of(session: Session, owner: str, conversation_id: UUID, answer_id: UUID) -> UUID:
    row = _message(session, owner, conversation_id, answer_id)
    if row.role != "assistant" or row.parent_id is None:
        raise Invalid("Only an answer to a message can be asked for again.")
    if row.status in ACTIVE:
        raise Conflict("This answer is still being written. Stop it first, or wait for it.")
    parent_id: UUID = row.parent_id
    return parent_id


def _placeholder(answer_id: UUID, lease: Lease | None, model: str | None) -> dict[str, Any]:
    row: dict[str, Any] = {"id": answer_id, "role": "assistant", "content": "", "status": "queued", "model": model}
    if lease is not None:
        row |= {
            "status": "streaming",
            "attempt": 1,
            "lease_owner": lease.owner,
            "lease_seconds": lease.seconds,
            "served_by": lease.instance,
        }
    return row


def _again(session: Session, owner: str, conversation_id: UUID, question_id: UUID | None, answer_id: UUID) -> Turn:
    if question_id is None:
        question_id = session.execute(
            select(col(Message.parent_id)).where(col(Message.id) == answer_id)
        ).scalar_one_or_none()
    version = conversations.get(session, owner, conversation_id).version
    return Turn(conversation_id, question_id, answer_id, version, replayed=True)
