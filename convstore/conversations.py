"""Conversations: what belongs to whom, and in which order it is listed.

Ownership is in the WHERE clause of every statement: not yours and not there are one answer, `NotFound`.
"""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, insert, literal, select, tuple_, update
from sqlmodel import Session, col

from convstore import titles
from convstore.clock import UtcDateTime, now
from convstore.database import direct
from convstore.errors import Invalid, NotFound, VersionMismatch
from convstore.models import Conversation, new_id
from convstore.text import storable


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
    forked_from: UUID | None
    system_prompt: str | None
    model: str | None
    temperature: float | None


@dataclass(frozen=True, slots=True)
class Settings:
    """What a conversation may set for its answers; None leaves it to the server."""

    system_prompt: str | None = None
    model: str | None = None
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the conversations, newest first; `next` is the cursor of the page below, None at the end."""

    items: list[Summary]
    next: str | None


COLUMNS = (
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
    col(Conversation.forked_from),
    col(Conversation.system_prompt),
    col(Conversation.model),
    col(Conversation.temperature),
)
_ONE = select(*COLUMNS).where(
    col(Conversation.id) == bindparam("conversation_id"),
    col(Conversation.owner) == bindparam("owner"),
)
_ADD = insert(Conversation).values(created_at=now(), updated_at=now())
STATES = ("active", "archived", "trash")
PROMPT_CHARACTERS = 20_000


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
    direct(
        session,
        _ADD,
        {"id": conversation_id, "owner": owner, "title": titles.clean(title), "titled_by": titled_by},
    )


def get(session: Session, owner: str, conversation_id: UUID, *, trashed: bool = False) -> Summary:
    """The conversation of that owner. Raises `NotFound` when it is not theirs, or not there.

    One in the trash is not there either, unless `trashed` asks for it.
    """
    row = direct(session, _ONE, {"conversation_id": conversation_id, "owner": owner}).one_or_none()
    if row is None or (row.trashed_at is not None and not trashed):
        raise NotFound()
    return _summary(row)


def recent(
    session: Session,
    owner: str,
    *,
    limit: int = 30,
    before: str | None = None,
    state: str = "active",
    pinned: bool | None = None,
) -> Page:
    """The owner's conversations, the one written to last first. `before`: the cursor of the page above.

    `state` is active, archived or trash; `pinned` keeps only those that are, or are not. Rows added meanwhile do not
    shift the pages. Raises `Invalid` for a state or a cursor that is not one of ours.
    """
    limit = max(1, min(limit, 200))
    query: Any = (
        select(*COLUMNS)
        .where(col(Conversation.owner) == owner, *in_state(state))
        .order_by(col(Conversation.updated_at).desc(), col(Conversation.id).desc())
        .limit(limit + 1)
    )
    if pinned is not None:
        query = query.where(
            col(Conversation.pinned_at).is_not(None) if pinned else col(Conversation.pinned_at).is_(None)
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
    return change(session, owner, conversation_id, title=title)


def change(
    session: Session,
    owner: str,
    conversation_id: UUID,
    *,
    title: str | None = None,
    pinned: bool | None = None,
    archived: bool | None = None,
    settings: Settings | None = None,
    if_version: int | None = None,
) -> Summary:
    """Change what is given, leave the rest; returns it as it is then.

    Raises `NotFound`, `Invalid`, and `VersionMismatch` when its version is not `if_version`.
    """
    values: dict[str, Any] = {}
    if title is not None:
        values |= {"title": titles.required(title), "titled_by": "owner"}
    if pinned is not None:
        values["pinned_at"] = func.coalesce(Conversation.pinned_at, now()) if pinned else None
    if archived is not None:
        values["archived_at"] = func.coalesce(Conversation.archived_at, now()) if archived else None
    if settings is not None:
        values |= checked(settings)
    return set_values(session, owner, conversation_id, values, if_version=if_version)


def retitle(session: Session, conversation_id: UUID, title: str) -> bool:
    """A title from the model. Never over a name the owner gave; returns whether it was taken."""
    title = titles.clean(title)
    if not title:
        return False
    taken = session.execute(
        update(Conversation)
        .where(col(Conversation.id) == conversation_id, col(Conversation.titled_by) == "start")
        .values(title=title, titled_by="model", version=Conversation.version + 1)
        .returning(col(Conversation.id))
    ).one_or_none()
    return taken is not None


def set_values(
    session: Session,
    owner: str,
    conversation_id: UUID,
    values: dict[str, Any],
    *,
    trashed: bool = False,
    if_version: int | None = None,
) -> Summary:
    """Set columns of a conversation that is (not) in the trash and raise its version. Raises as `change`."""
    where = [col(Conversation.id) == conversation_id, col(Conversation.owner) == owner]
    where.append(col(Conversation.trashed_at).is_not(None) if trashed else col(Conversation.trashed_at).is_(None))
    row = session.execute(
        update(Conversation)
        .where(*where, *([col(Conversation.version) == if_version] if if_version is not None else []))
        .values(**values, version=Conversation.version + 1)
        .returning(*COLUMNS)
    ).one_or_none()
    if row is not None:
        return _summary(row)
    if if_version is not None:
        get(session, owner, conversation_id)  # not there at all is the other answer
        raise VersionMismatch()
    raise NotFound()


def in_state(state: str) -> tuple[Any, ...]:
    """Conditions for the conversations in that state. Raises `Invalid` for one that does not exist."""
    if state not in STATES:
        raise Invalid(f"The state is {state!r}; it must be one of {', '.join(STATES)}.")
    trashed, archived = col(Conversation.trashed_at), col(Conversation.archived_at)
    if state == "trash":
        return (trashed.is_not(None),)
    return (trashed.is_(None), archived.is_not(None) if state == "archived" else archived.is_(None))


def checked(settings: Settings) -> dict[str, Any]:
    """Settings as columns. Raises `Invalid` for what no model takes."""
    prompt = settings.system_prompt and storable(settings.system_prompt)
    if prompt and len(prompt) > PROMPT_CHARACTERS:
        raise Invalid(f"The system prompt has {len(prompt):,} characters; {PROMPT_CHARACTERS:,} is the most.")
    if settings.temperature is not None and not 0 <= settings.temperature <= 2:
        raise Invalid("The temperature is between 0 and 2.")
    if settings.model is not None and not 0 < len(settings.model) <= 200:
        raise Invalid("The model's name has 1 to 200 characters.")
    return {"system_prompt": prompt or None, "model": settings.model, "temperature": settings.temperature}


def _cursor(last: Summary) -> str:
    text = json.dumps([last.updated_at.isoformat(), last.id.hex])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        updated_at, conversation_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        moment = datetime.fromisoformat(updated_at)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment.astimezone(UTC), UUID(conversation_id)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise Invalid("This cursor is not valid. Start again from the first page.") from error
