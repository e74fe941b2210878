"""What is new since a reader last looked: one poll for all conversations and answers that an instance's readers follow.

Three statements at most, whatever the number of readers: versions that moved, which answers are being written there,
and new deltas. A row that did not change is not sent. Everything that changes what a reader may see raises the version.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, Uuid, bindparam, select, text
from sqlmodel import Session, col

from convstore.database import dialect_of
from convstore.models import Message
from convstore.tree import IS_ACTIVE


@dataclass(frozen=True, slots=True)
class Head:
    """A conversation that moved; `owner` is None when it is gone (deleted, or in the trash)."""

    id: UUID
    version: int
    owner: str | None
    shared: str | None  # live, snapshot, or None for not at all
    shared_seconds: float | None  # until the share expires, by the database's clock; None: never


@dataclass(frozen=True, slots=True)
class Piece:
    """A new delta of the current attempt of an answer."""

    message_id: UUID
    attempt: int
    seq: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Live:
    """An answer that is being written."""

    conversation_id: UUID
    message_id: UUID
    attempt: int


@dataclass(frozen=True, slots=True)
class News:
    """`live` covers the conversations in `heads`, all of them; `pieces` are in order."""

    heads: list[Head]
    live: list[Live]
    pieces: list[Piece]


_HEADS = {
    "postgresql": """
        SELECT known.id, c.version, c.owner, s.mode, EXTRACT(EPOCH FROM s.expires_at - clock_timestamp()) AS seconds
        FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS integer[])) AS known(id, version)
        LEFT JOIN conversation c ON c.id = known.id AND c.trashed_at IS NULL
        LEFT JOIN share s ON s.conversation_id = c.id
        WHERE c.version IS DISTINCT FROM known.version""",
    "sqlite": """
        SELECT known.value ->> 0 AS id, c.version, c.owner, s.mode,
            (julianday(s.expires_at) - julianday('now')) * 86400.0 AS seconds
        FROM json_each(:known) AS known
        LEFT JOIN conversation c ON c.id = known.value ->> 0 AND c.trashed_at IS NULL
        LEFT JOIN share s ON s.conversation_id = c.id
        WHERE c.version IS NOT known.value ->> 1""",
}
_PIECES = {
    "postgresql": """
        SELECT d.message_id, d.attempt, d.seq, d.kind, d.text
        FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS integer[]), CAST(:seqs AS integer[]))
            AS held(id, attempt, seq)
        JOIN message_delta d ON d.message_id = held.id AND d.attempt = held.attempt AND d.seq > held.seq
        ORDER BY d.message_id, d.seq""",
    "sqlite": """
        SELECT d.message_id, d.attempt, d.seq, d.kind, d.text
        FROM json_each(:held) AS held
        JOIN message_delta d ON d.message_id = held.value ->> 0 AND d.attempt = held.value ->> 1
            AND d.seq > CAST(held.value ->> 2 AS INTEGER)
        ORDER BY d.message_id, d.seq""",
}


def _statements(spelled: dict[str, str], **columns: Any) -> dict[str, TextClause]:
    return {dialect: text(sql).columns(**columns) for dialect, sql in spelled.items()}  # type: ignore[misc]


_HEADS_OF = _statements(_HEADS, id=Uuid())
_PIECES_OF = _statements(_PIECES, message_id=Uuid())
_LIVE = (
    select(col(Message.conversation_id), col(Message.id), col(Message.attempt))
    .where(col(Message.conversation_id).in_(bindparam("ids", expanding=True)), IS_ACTIVE)
    .order_by(col(Message.position))
)


def since(
    session: Session, versions: Mapping[UUID, int], cursors: Mapping[UUID, Mapping[UUID, tuple[int, int]]]
) -> News:
    """What moved: `versions` are the known ones (0: none), `cursors` per conversation the answers followed there with
    (attempt, seq) of the last delta seen."""
    heads = _heads(session, versions) if versions else []
    there = [head.id for head in heads if head.owner is not None]
    live = [Live(*row) for row in session.execute(_LIVE, {"ids": there})] if there else []
    moved = {head.id for head in heads}
    wanted = {m: cursor for c, answers in cursors.items() if c not in moved for m, cursor in answers.items()}
    for answer in live:
        attempt, seq = cursors.get(answer.conversation_id, {}).get(answer.message_id, (0, 0))
        wanted[answer.message_id] = (answer.attempt, seq if attempt == answer.attempt else 0)
    return News(heads, live, _pieces(session, wanted) if wanted else [])


def _heads(session: Session, versions: Mapping[UUID, int]) -> list[Head]:
    dialect = dialect_of(session)
    values: dict[str, Any]
    if dialect == "postgresql":
        values = {"ids": list(versions), "versions": list(versions.values())}
    else:
        values = {"known": json.dumps([[key.hex, version] for key, version in versions.items()])}
    return [
        Head(key, version or 0, owner, mode, None if seconds is None else float(seconds))
        for key, version, owner, mode, seconds in session.execute(_HEADS_OF[dialect], values)
    ]


def _pieces(session: Session, cursors: Mapping[UUID, tuple[int, int]]) -> list[Piece]:
    dialect = dialect_of(session)
    values: dict[str, Any]
    if dialect == "postgresql":
        attempts, seqs = zip(*cursors.values(), strict=True)
        values = {"ids": list(cursors), "attempts": list(attempts), "seqs": list(seqs)}
    else:
        values = {"held": json.dumps([[key.hex, *cursor] for key, cursor in cursors.items()])}
    rows: Sequence[Any] = session.execute(_PIECES_OF[dialect], values).all()
    return [Piece(*row) for row in rows]
