"""Candidates: what the index says may fit, the newest first, as many as are asked for and no more.

The index answers "which"; what they are, whose, and that they are not in the trash is read from the rows themselves.
What is not indexed yet is among the candidates, too.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, bindparam, func, select, text
from sqlmodel import Session, col

from convstore.database import dialect_of
from convstore.models import FINISHED, Conversation, Message, SearchEntry, SearchPending
from convstore.search.entries import Source, code_of
from convstore.search.words import Wanted

TOP = 2**63 - 1  # above every entry's number
LOOKED_AT = 8_000  # characters of a message; where that does not decide, the rest is read for what is shown
LOOKED_THROUGH = 600  # entries, before the index is asked: some milliseconds
PENDING = 500  # the newest that wait to be indexed: what people have just written, even during a large import


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message, or a title when there is no `message_id`, that may fit. `number`: its time; see `entries`."""

    number: int
    conversation_id: UUID
    message_id: UUID | None
    title: str
    titled_by: str
    archived: bool
    role: str | None
    created_at: datetime
    text: str  # of a long message the beginning
    is_whole: bool


# The newest entries, and which of them have all the terms: `:terms` are " term " or, of an unfinished one, " term".
# SQLite's index gives the newest that have the finished words at once; PostgreSQL's knows no order.
_NEWEST = {
    "sqlite, finished words": text(
        """SELECT id, NOT EXISTS (SELECT 1 FROM json_each(:terms) WHERE instr(' ' || terms || ' ', value) = 0)
        FROM search_entry WHERE id IN (
            SELECT rowid FROM search_text WHERE search_text MATCH :finished AND rowid >= :lowest AND rowid < :below
            ORDER BY rowid DESC LIMIT :limit
        ) ORDER BY id DESC"""
    ),
    "sqlite": text(
        """SELECT id, NOT EXISTS (SELECT 1 FROM json_each(:terms) WHERE instr(' ' || terms || ' ', value) = 0)
        FROM search_entry WHERE code = :code AND id >= :lowest AND id < :below ORDER BY id DESC LIMIT :limit"""
    ),
    "postgresql": text(
        """SELECT id, terms @@ CAST(:lookup AS tsquery)
        FROM search_entry WHERE code = :code AND id >= :lowest AND id < :below ORDER BY id DESC LIMIT :limit"""
    ),
}
_LOOKED_UP = {
    "sqlite": text(
        """SELECT rowid FROM search_text WHERE search_text MATCH :lookup AND rowid >= :lowest AND rowid < :below
        ORDER BY rowid DESC LIMIT :limit"""
    ),
    # `+ 0`: by the terms, never down the primary key, where the entries of everybody lie.
    "postgresql": text(
        """SELECT id FROM search_entry WHERE terms @@ CAST(:lookup AS tsquery) AND id + 0 >= :lowest AND id + 0 < :below
        ORDER BY id + 0 DESC LIMIT :limit"""
    ),
}
_SHOWN = (
    col(Conversation.title),
    col(Conversation.titled_by),
    col(Conversation.archived_at).is_not(None),
    col(Message.role),
    func.coalesce(col(Message.created_at), col(Conversation.created_at)),
    func.coalesce(func.substr(col(Message.content), 1, LOOKED_AT), col(Conversation.title)),
    func.coalesce(func.length(col(Message.content)), 0) <= LOOKED_AT,
)
# `|| ''`: from the entries to their conversations, never through all the conversations that the owner has.
_THEIRS = (
    col(Conversation.owner).concat("") == bindparam("owner", type_=Text()),
    col(Conversation.trashed_at).is_(None),
)
_INDEXED = (
    select(col(SearchEntry.id), col(SearchEntry.conversation_id), col(SearchEntry.message_id), *_SHOWN)
    .join(Conversation, col(Conversation.id) == col(SearchEntry.conversation_id))
    .join(Message, col(Message.id) == col(SearchEntry.message_id), isouter=True)
    .where(col(SearchEntry.id).in_(bindparam("numbers", expanding=True)), *_THEIRS)
)
_last = (
    select(col(SearchPending.conversation_id), col(SearchPending.message_id))
    .order_by(col(SearchPending.id).desc())
    .limit(PENDING)
    .subquery()
)
_PENDING = (
    select(_last.c.conversation_id, _last.c.message_id, *_SHOWN)
    .join(Conversation, col(Conversation.id) == _last.c.conversation_id)
    .join(Message, col(Message.id) == _last.c.message_id, isouter=True)
    .where(_last.c.message_id.is_(None) | col(Message.status).in_(FINISHED), *_THEIRS)
)


def numbers(
    session: Session, owner: str, kind: str, wanted: Sequence[Wanted], *, lowest: int, below: int, limit: int
) -> list[int]:
    """The newest entries in that range that have all of it, the newest first.

    What is everywhere is found among the newest entries; what is not, by the index, which is slow only where a word (or
    the first letters of one) is everywhere: it would have to gather all of them first.
    """
    if lowest >= below:
        return []
    dialect, code = dialect_of(session), code_of(owner, kind)
    terms = [(code + term, begins) for one in wanted for term, begins in one.terms]
    values: dict[str, Any] = {"code": code, "lowest": lowest, "below": below, "lookup": _lookup(dialect, terms)}
    values["terms"] = json.dumps([f" {term}" if begins else f" {term} " for term, begins in terms])
    values["finished"] = _lookup(dialect, [(term, begins) for term, begins in terms if not begins])
    newest = _NEWEST["sqlite, finished words" if dialect == "sqlite" and values["finished"] else dialect]
    looked_at = session.execute(newest, values | {"limit": LOOKED_THROUGH}).all()
    found = [number for number, has_all in looked_at if has_all]
    if len(found) >= limit or len(looked_at) < LOOKED_THROUGH:
        return found[:limit]
    return list(session.execute(_LOOKED_UP[dialect], values | {"limit": limit}).scalars())


def indexed(session: Session, owner: str, entry_numbers: Sequence[int]) -> list[Candidate]:
    """Those of the entries that are the owner's and not in the trash."""
    if not entry_numbers:
        return []
    return [Candidate(*row) for row in session.execute(_INDEXED, {"numbers": entry_numbers, "owner": owner})]


def pending(session: Session, owner: str) -> list[Candidate]:
    """What is the owner's and not indexed yet, or not as it is now."""
    found = []
    for conversation_id, message_id, *shown in session.execute(_PENDING, {"owner": owner}):
        number = Source(owner, conversation_id, message_id, shown[4], "").number()
        found.append(Candidate(number, conversation_id, message_id, *shown))
    return found


def whole_texts(session: Session, message_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The messages' texts, all of them."""
    rows: Any = session.execute(select(col(Message.id), col(Message.content)).where(col(Message.id).in_(message_ids)))
    return dict(row for row in rows)


def _lookup(dialect: str, terms: Sequence[tuple[str, bool]]) -> str:
    """All the terms, in the index's own language. A term has letters, digits and signs in it, never a quote."""
    if dialect == "sqlite":
        return " AND ".join(f'"{term}"{"*" if begins else ""}' for term, begins in terms)
    return " & ".join(f"'{term}'{':*' if begins else ''}" for term, begins in terms)
