"""Entries: what a message, or a title, can be found by.

- A term is an owner's: the word behind a short code of who and what. One person's search never touches what others
  have, however much that is, and the beginning of a word is looked up among that person's words only.
- Entries are numbered by time, so that "the newest first" is the order of the index itself.
"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Uuid, bindparam, text

from convstore.search import words

TITLE, MESSAGE = "t", "m"
MILLISECOND = 1000
TERM_BYTES = 900_000  # of one entry; a tsvector holds 1 MB
SHORT_ENOUGH = 50_000  # characters, which never come near that
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Source:
    """A text to be found: a message, or the conversation's title when there is no `message_id`."""

    owner: str
    conversation_id: UUID
    message_id: UUID | None
    created_at: datetime
    text: str

    @property
    def code(self) -> str:
        """What its terms begin with."""
        return code_of(self.owner, TITLE if self.message_id is None else MESSAGE)

    @property
    def terms(self) -> list[str]:
        """What it is indexed under; empty when there is not a word in it."""
        code = self.code
        terms = [code + word for word in words.of(self.text)]
        if len(self.text) > SHORT_ENOUGH:
            sizes = accumulate(len(term.encode()) for term in terms)
            terms = [term for term, size in zip(terms, sizes, strict=True) if size < TERM_BYTES]
        return terms

    def number(self, attempt: int = 0) -> int:
        """Its time in microseconds, the last digits of which are its own; each `attempt` moves it further."""
        moved = (self.message_id or self.conversation_id).int % (MILLISECOND << (2 * attempt))
        return max(0, int((self.created_at - _BEGINNING).total_seconds() * 1000)) * MILLISECOND + moved


@lru_cache(4096)
def code_of(owner: str, kind: str) -> str:
    """What the terms of that owner's titles or messages begin with: as long as every other's.

    Two owners may get the same code: it is for speed. Whose a hit is, is decided by the conversation's row.
    """
    digest = hashlib.blake2b(owner.encode(errors="surrogatepass"), digest_size=5).digest()
    return base64.b32encode(digest).decode().lower()[:6] + kind


def write(connection: Connection, sources: Sequence[Source]) -> int:
    """Add entries for these; returns how many had a word in them. There is one writer at a time."""
    rows: list[dict[str, Any]] = [
        {
            "id": number,
            "conversation_id": source.conversation_id,
            "message_id": source.message_id,
            "code": source.code,
            "terms": terms,
        }
        for number, source in _numbered(sources, lambda numbers: _taken(connection, numbers))
        if (terms := source.terms)
    ]
    if rows:
        if connection.dialect.name == "sqlite":
            rows = [row | {"terms": " ".join(row["terms"])} for row in rows]
        connection.execute(_INSERT[connection.dialect.name], rows)
    return len(rows)


def _numbered(sources: Sequence[Source], taken: Callable[[list[int]], set[int]]) -> list[tuple[int, Source]]:
    numbered: dict[int, Source] = {}
    attempt, left = 0, list(sources)
    while left:
        in_use = taken([source.number(attempt) for source in left])
        again = []
        for source in left:
            number = source.number(attempt)
            if number in in_use or numbered.setdefault(number, source) is not source:
                again.append(source)
        attempt, left = attempt + 1, again
    return sorted(numbered.items())  # in order, SQLite writes a batch as one segment of its index; else as one per row


def _statement(terms: str) -> Any:
    columns = "id, conversation_id, message_id, code, terms"
    insert = f"INSERT INTO search_entry ({columns}) VALUES (:id, :conversation_id, :message_id, :code, {terms})"
    return text(insert).bindparams(bindparam("conversation_id", type_=Uuid()), bindparam("message_id", type_=Uuid()))


_INSERT = {"sqlite": _statement(":terms"), "postgresql": _statement("array_to_tsvector(CAST(:terms AS text[]))")}
_IN_USE = text("SELECT id FROM search_entry WHERE id IN :numbers").bindparams(bindparam("numbers", expanding=True))


def _taken(connection: Connection, numbers: list[int]) -> set[int]:
    return set(connection.execute(_IN_USE, {"numbers": numbers}).scalars())
