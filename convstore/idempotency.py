"""The same send twice is one turn: the key is taken in the transaction that adds the turn."""

import hashlib
import json
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from convstore.clock import now
from convstore.database import dialect_of, direct
from convstore.errors import Conflict, Invalid
from convstore.models import IdempotencyKey

KEPT_SECONDS = 24 * 3600
LONGEST = 200


def digest(*sent: Any) -> str:
    """A fingerprint of what was sent."""
    return hashlib.sha256(json.dumps(sent, default=str).encode()).hexdigest()


def _take(insert: Any) -> Any:
    row = insert(IdempotencyKey).values(created_at=now())
    renewed = ("digest", "conversation_id", "user_message_id", "answer_id", "created_at")
    return row.on_conflict_do_update(
        index_elements=["owner", "key"],
        set_={name: row.excluded[name] for name in renewed},
        where=col(IdempotencyKey.created_at) < now(-KEPT_SECONDS),
    ).returning(col(IdempotencyKey.key))


_TAKE = {"postgresql": _take(postgresql.insert), "sqlite": _take(sqlite.insert)}
_TAKEN = select(
    col(IdempotencyKey.digest),
    col(IdempotencyKey.conversation_id),
    col(IdempotencyKey.user_message_id),
    col(IdempotencyKey.answer_id),
).where(col(IdempotencyKey.owner) == bindparam("of"), col(IdempotencyKey.key) == bindparam("named"))


def take(
    session: Session,
    owner: str,
    key: str,
    fingerprint: str,
    conversation_id: UUID,
    user_message_id: UUID | None,
    answer_id: UUID,
) -> tuple[UUID, UUID | None, UUID] | None:
    """Take the key for a turn with these ids: None when it is ours now, else the ids of the turn that has it.

    A competing transaction with the same key waits here for this one. Raises `Conflict` when the key was used within
    the last day for something else, `Invalid` for a key that is empty or too long.
    """
    if not key or len(key) > LONGEST or not key.isprintable():
        raise Invalid(f"An idempotency key has 1 to {LONGEST} printable characters.")
    values = {
        "owner": owner,
        "key": key,
        "digest": fingerprint,
        "conversation_id": conversation_id,
        "user_message_id": user_message_id,
        "answer_id": answer_id,
    }
    if direct(session, _TAKE[dialect_of(session)], values).first() is not None:
        return None
    row = direct(session, _TAKEN, {"of": owner, "named": key}).one()
    if row.digest != fingerprint:
        raise Conflict("This idempotency key was already used for another request. Use a new key.")
    return row.conversation_id, row.user_message_id, row.answer_id
