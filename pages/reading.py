"""What is shown of a conversation, and as whom: all of it to its owner, what is shared to whoever has the link.

The same address serves both. Whether there is anything at all is also the status of the page itself: not there, not
shared any more and never there are one answer, 404.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from sqlmodel import Session
from starlette.requests import HTTPConnection
from starlette.types import Scope

from convstore import conversations, messages, sharing
from convstore.database import Database
from convstore.errors import NotFound, Unavailable
from pages import views
from pages.islands import Order


class Open(Order):
    """Show a conversation: its newest messages on the branch of `leaf`, or the stretch above `before`."""

    conversation: UUID
    leaf: UUID | None = None
    before: UUID | None = None
    as_reader: bool = False  # its owner looks at what others see
    entering: bool = False  # somebody comes in: the first call of a visit


def opened(session: Session, viewer: str, order: Open, limit: int) -> dict[str, Any]:
    """The window, and what goes with it for its owner (`own`) or for a reader (`reader`). Raises `NotFound`."""
    if not order.as_reader:
        try:
            return _own(session, viewer, order, limit)
        except NotFound:
            pass  # somebody else's: perhaps it is shared
    found = sharing.read(session, order.conversation, limit=limit, leaf=order.leaf, before=order.before)
    return {"window": views.shared_window(found), "reader": views.door(found.door) | {"preview": order.as_reader}}


def _own(session: Session, owner: str, order: Open, limit: int) -> dict[str, Any]:
    window = messages.window(session, owner, order.conversation, limit=limit, leaf=order.leaf, before=order.before)
    own: dict[str, Any] = {}
    if order.before is None:
        door = sharing.of(session, owner, order.conversation)
        own["shared"] = door.mode if door else None
        if window.conversation.forked_from is not None:
            own["origin"] = _origin(session, owner, window.conversation.forked_from)
    return {"window": views.window(window), "own": own}


def _origin(session: Session, viewer: str, source: UUID) -> dict[str, Any]:
    """Where a copy came from: `id` only as long as it can be read there."""
    try:
        conversations.get(session, viewer, source)
        return {"id": str(source), "mine": True}
    except NotFound:
        pass
    try:
        sharing.read(session, source, limit=1)
        return {"id": str(source), "mine": False}
    except NotFound:
        return {"id": None, "mine": False}


def is_there(db: Database, viewer: Callable[[HTTPConnection], str | None]) -> Callable[[Scope], Awaitable[bool]]:
    """Whether the page with this scope's query shows a conversation that its visitor may read, or none at all."""

    async def found(scope: Scope) -> bool:
        query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=20)
        if "c" not in query:
            return True
        try:
            conversation = UUID(query["c"][0])
            await db.reading(_look, viewer(HTTPConnection(scope)) or "", conversation, query.get("as") == ["reader"])
        except (ValueError, NotFound):
            return False
        except Unavailable:
            pass  # nobody can say; the page does when it asks for the messages
        return True

    return found


def _look(session: Session, viewer: str, conversation: UUID, as_reader: bool) -> None:
    if not as_reader:
        try:
            conversations.get(session, viewer, conversation)
            return
        except NotFound:
            pass
    sharing.read(session, conversation, limit=1)
