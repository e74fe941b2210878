"""The table of all of a person's conversations: by state and words of the title, in any order, a page at a time.

A page begins after the last row of the one above, whatever was added meanwhile. Sorting by anything but the last change
reads all rows of that owner, and of nobody else.
"""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, select, tuple_
from sqlmodel import Session, col

from convstore import conversations
from convstore.clock import UtcDateTime
from convstore.conversations import Summary
from convstore.errors import Invalid
from convstore.models import Conversation

MOST_ROWS = 200
MOST_WORDS = 8
_BY: dict[str, Any] = {
    "updated": col(Conversation.updated_at),
    "created": col(Conversation.created_at),
    "title": func.lower(col(Conversation.title)),
    "messages": col(Conversation.message_count),
}
ORDERS = tuple(_BY)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Some rows, and how many there are in all. `next`: pass it as `after` for the rows below; None at the end."""

    items: list[Summary]
    next: str | None
    total: int


def sheet(
    session: Session,
    owner: str,
    *,
    state: str = "active",
    text: str = "",
    by: str = "updated",
    descending: bool = True,
    after: str | None = None,
    limit: int = 50,
) -> Sheet:
    """A page of the table. Every word of `text` must be in the title. Raises `Invalid`."""
    if by not in _BY:
        raise Invalid(f"The order is {by!r}; it must be one of {', '.join(ORDERS)}.")
    wanted = [col(Conversation.owner) == owner, *conversations.in_state(state)]
    for word in text.lower().split()[:MOST_WORDS]:
        wanted.append(func.lower(col(Conversation.title)).contains(word[:100], autoescape=True))
    total = session.execute(select(func.count()).select_from(Conversation).where(*wanted)).scalar_one()
    key = _BY[by]
    query = select(*conversations.COLUMNS, key.label("sorted_by")).where(*wanted)
    if after is not None:
        place = tuple_(key, col(Conversation.id))
        last = tuple_(*_read_cursor(after, by))
        query = query.where(place < last if descending else place > last)
    ordered = (key, col(Conversation.id))
    query = query.order_by(*(part.desc() if descending else part.asc() for part in ordered))
    limit = max(1, min(limit, MOST_ROWS))
    rows = session.execute(query.limit(limit + 1)).all()
    items = [Summary(*row[:-1]) for row in rows[:limit]]
    return Sheet(items, _cursor(by, rows[limit - 1]) if len(rows) > limit else None, total)


def _cursor(by: str, row: Any) -> str:
    value = row.sorted_by.isoformat() if isinstance(row.sorted_by, datetime) else row.sorted_by
    return base64.urlsafe_b64encode(json.dumps([by, value, row.id.hex]).encode()).decode()


def _read_cursor(cursor: str, by: str) -> tuple[Any, Any]:
    try:
        ordered, value, key = json.loads(base64.urlsafe_b64decode(cursor))
        if ordered != by:
            raise ValueError("of another order")
        if by in ("updated", "created"):
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise ValueError("no time zone")
            place = literal(moment.astimezone(UTC), UtcDateTime())
        elif not isinstance(value, int if by == "messages" else str):
            raise ValueError("of another kind")
        else:
            place = literal(value)
        return place, literal(UUID(key))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise Invalid("This cursor is not valid. Start again from the first page.") from error
