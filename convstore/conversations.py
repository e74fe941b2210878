"""Conversations: what belongs to whom, and in which order it is listed.

Ownership is in the WHERE clause of every statement: not yours and not there are one answer, `NotFound`.
"""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, literal, select, tuple_, update
from sqlmodel import Session, col

from convstore.clock import UtcDateTime, now
from convstore.errors import Invalid, NotFound
from convstore.models import Conversation, new_id

TITLE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation without its messages."""

    id: UUID
    title: str
    titled_by: str
    version: int
    message_count: int
    lane_count: int  # more than one: the tree has branches
    leaf_id: UUID | None
    created_at: datetime
    updated_at: datetime
    pinned_at: datetime | None
    archived_at: datetime | None
    trashed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the conversations, newest first; `next` is the cursor of the page below, None at the end."""

    items: list[Summary]
    next: str | None


_COLUMNS = (
    col(Conversation.id),
    col(Conversation.title),
    col(Conversation.titled_by),
    col(Conversation.version),
    col(Conversation.message_count),
    col(Conversation.lane_count),
    col(Conversation.leaf_id),
    col(Conversation.created_at),
    col(Conversation.updated_at),
    col(Conversation.pinned_at),
    col(Conversation.archived_at),
    col(Conversation.trashed_at),
)
_ONE = select(*_COLUMNS).where(
    col(Conversation.id) == bindparam("conversation_id"),
    col(Conversation.owner) == bindparam("owner"),
    col(Conversation.trashed_at).is_(None),
)


def _summary(row: Any) -> Summary:
    return Summary(*row)


def create(session: Session, owner: str, title: str = "") -> Summary:
    """A new, empty conversation of that owner."""
    conversation_id = new_id()
    add(session, owner, conversation_id, title, titled_by="owner" if title else "start")
    return get(session, owner, conversation_id)


def add(session: Session, owner: str, conversation_id: UUID, title: str, titled_by: str = "start") -> None:
    """Insert a conversation under an id that the caller made. Raises `Invalid` for a missing owner."""
    if not owner:
        raise Invalid("A conversation needs an owner.")
    session.execute(
        insert(Conversation).values(
            id=conversation_id,
            owner=owner,
            title=clean_title(title),
            titled_by=titled_by,
            created_at=now(),
            updated_at=now(),
        )
    )


def get(session: Session, owner: str, conversation_id: UUID) -> Summary:
    """The conversation of that owner. Raises `NotFound` when it is not theirs, not there, or in the trash."""
    row = session.execute(_ONE, {"conversation_id": conversation_id, "owner": owner}).one_or_none()
    if row is None:
        raise NotFound()
    return _summary(row)


def recent(session: Session, owner: str, *, limit: int = 30, before: str | None = None) -> Page:
    """The owner's conversations, the one written to last first. `before`: the cursor of the page above.

    Rows added meanwhile do not shift the pages. Raises `Invalid` for a cursor that is not one of ours.
    """
    limit = max(1, min(limit, 200))
    query: Any = (
        select(*_COLUMNS)
        .where(
            col(Conversation.owner) == owner,
            col(Conversation.trashed_at).is_(None),
            col(Conversation.archived_at).is_(None),
        )
        .order_by(col(Conversation.updated_at).desc(), col(Conversation.id).desc())
        .limit(limit + 1)
    )
    if before is not None:
        updated_at, conversation_id = _read_cursor(before)
        query = query.where(
            tuple_(col(Conversation.updated_at), col(Conversation.id))
            < tuple_(literal(updated_at, UtcDateTime()), literal(conversation_id))
        )
    items = [_summary(row) for row in session.execute(query)]
    more = len(items) > limit
    items = items[:limit]
    return Page(items, _cursor(items[-1]) if more else None)


def rename(session: Session, owner: str, conversation_id: UUID, title: str) -> Summary:
    """Give it a name; an automatic one never replaces it. Raises `NotFound`, `Invalid` for an empty name."""
    title = clean_title(title)
    if not title:
        raise Invalid("A title needs at least one character.")
    done = session.execute(
        update(Conversation)
        .where(
            col(Conversation.id) == conversation_id,
            col(Conversation.owner) == owner,
            col(Conversation.trashed_at).is_(None),
        )
        .values(title=title, titled_by="owner", version=Conversation.version + 1)
        .returning(*_COLUMNS)
    ).one_or_none()
    if done is None:
        raise NotFound()
    return _summary(done)


def title_from(text: str, characters: int = 60) -> str:
    """A title from the first words of a message: one line, cut at a word, with an ellipsis where it was cut."""
    line = " ".join(text.split())
    if len(line) <= characters:
        return line
    cut = line[: characters - 1]
    word = cut.rfind(" ")
    return (cut[:word] if word > characters // 2 else cut).rstrip(" ,.;:-") + "…"


def clean_title(title: str) -> str:
    """One line, without control or bidi-override characters (they would reorder the list around it), bounded."""
    kept = "".join(" " if c.isspace() else c for c in title if c.isspace() or c.isprintable() or c == "\u200d")
    return " ".join(kept.split())[:TITLE_CHARACTERS].rstrip()


def _cursor(last: Summary) -> str:
    text = json.dumps([last.updated_at.isoformat(), last.id.hex])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        updated_at, conversation_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment = datetime.fromisoformat(updated_at)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment, UUID(conversation_id)
    except (ValueError, TypeError, AttributeError) as error:
        raise Invalid("This cursor is not valid. Start again from the first page.") from error
