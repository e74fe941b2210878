"""The list of conversations beside every page, and what a person does to conversations there: one at a time or several.

Every change says what shall be the case, not what to do, and may be repeated: a call that got lost on its way back is
simply made again, through whichever instance.
"""

from typing import Any, Literal
from uuid import UUID

import gradio as gr
from pydantic import Field
from sqlmodel import Session

from convstore import conversations, trash
from convstore.conversations import Summary
from convstore.errors import NotFound
from pages import Services, views
from pages.islands import Order, answer

MOST_PINNED = 100
MOST_AT_ONCE = 200


class More(Order):
    """A page of the person's conversations, newest first. The first page brings the pinned ones along."""

    before: str | None = Field(default=None, max_length=500)


class Change(Order):
    """The state that these conversations shall be in; `title` is what they shall be called."""

    conversations: list[UUID] = Field(min_length=1, max_length=MOST_AT_ONCE)
    to: Literal["pinned", "unpinned", "archived", "active", "trashed", "restored"] | None = None
    title: str | None = Field(default=None, max_length=10_000)


def connect(services: Services, listing: gr.HTML) -> None:
    """Let the list load and change conversations."""
    db = services.db

    async def more(owner: str, order: More) -> dict[str, Any]:
        return await db.reading(_top, owner, order.before, services.list_conversations)

    async def arrange(owner: str, order: Change) -> dict[str, Any]:
        return await db.writing(apply, owner, order)

    answer(listing, "more", More, more)
    answer(listing, "arrange", Change, arrange)


def _top(session: Session, owner: str, before: str | None, limit: int) -> dict[str, Any]:
    page = views.page(conversations.recent(session, owner, limit=limit, before=before, pinned=False))
    if before is None:
        pinned = conversations.recent(session, owner, limit=MOST_PINNED, pinned=True)
        page["pinned"] = [views.summary(item) for item in pinned.items]
    return page


def apply(session: Session, owner: str, order: Change) -> dict[str, Any]:
    """Change them all in one transaction. Returns those that were there, as they are now, and the ids of the others.

    In the order of their ids: two people changing the same ones never wait for each other.
    """
    changed, missing = [], []
    for key in sorted(set(order.conversations)):
        try:
            changed.append(views.summary(_changed(session, owner, key, order)))
        except NotFound:
            missing.append(str(key))
    if not changed and len(missing) == 1:
        raise NotFound()
    return {"items": changed, "missing": missing}


def _changed(session: Session, owner: str, key: UUID, order: Change) -> Summary:
    match order.to:
        case "trashed" | "restored":
            return _moved(session, owner, key, trashed=order.to == "trashed")
        case "pinned" | "unpinned":
            return conversations.change(session, owner, key, pinned=order.to == "pinned")
        case "archived" | "active":
            return conversations.change(session, owner, key, archived=order.to == "archived")
        case None:
            return conversations.change(session, owner, key, title=order.title or "")


def _moved(session: Session, owner: str, key: UUID, *, trashed: bool) -> Summary:
    found = conversations.get(session, owner, key, trashed=True)
    if (found.trashed_at is not None) == trashed:
        return found  # the call before this one did it
    return (trash.discard if trashed else trash.restore)(session, owner, key)
