"""Sharing by ID: who may read a conversation, said by its owner; and what a reader can do with it.

A reader is anybody with the link. What they get is made by `convstore.sharing`, never from the owner's own window.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlmodel import Session

from convstore import forks, sharing
from convstore.errors import Invalid
from pages import Services, downloads, views
from pages.islands import Order, answer, island

A_YEAR_SECONDS = 366 * 24 * 3600


class Look(Order):
    """How a conversation of one's own is shared now."""

    conversation: UUID


class Share(Order):
    """How it shall be shared. The end is so many seconds from now, or the moment that was named before."""

    conversation: UUID
    mode: Literal["live", "snapshot"]
    until: UUID | None = None
    tool_arguments: bool = False
    expires_in_seconds: int | None = Field(default=None, ge=1, le=A_YEAR_SECONDS)
    expires_at: AwareDatetime | None = None


class Stop(Order):
    """Nobody else shall read it any more."""

    conversation: UUID


class Copy(Order):
    """A conversation of one's own out of one that may be read, up to that message."""

    conversation: UUID
    until: UUID | None = None


class Download(Order):
    """What a reader sees, as a text to keep."""

    conversation: UUID
    leaf: UUID | None = None
    format: Literal["markdown", "json"] = "markdown"


def build(services: Services) -> None:
    """The island that makes these calls. To be called within a page's layout."""
    calls = ("look", "publish", "withdraw", "fork", "save")  # Gradio has a `share` of its own
    place = island("sharing", elem_id="sharing", calls=calls)
    db = services.db

    async def look(owner: str, order: Look) -> dict[str, Any]:
        return _door(await db.reading(sharing.of, owner, order.conversation))

    async def share(owner: str, order: Share) -> dict[str, Any]:
        door = await db.writing(_share, owner, order)
        services.hub.hint({order.conversation})
        return _door(door)

    async def unshare(owner: str, order: Stop) -> dict[str, Any]:
        await db.writing(sharing.stop, owner, order.conversation)
        services.hub.hint({order.conversation})  # readers of this instance need not wait for the next look
        return _door(None)

    async def copy(viewer: str, order: Copy) -> dict[str, Any]:
        return views.summary(await db.writing(forks.fork, viewer, order.conversation, order.until))

    async def download(viewer: str, order: Download) -> dict[str, Any]:
        return await db.reading(downloads.document, order.conversation, order.leaf, order.format)

    answer(place, "look", Look, look)
    answer(place, "publish", Share, share)
    answer(place, "withdraw", Stop, unshare)
    answer(place, "fork", Copy, copy)
    answer(place, "save", Download, download)


def _share(session: Session, owner: str, order: Share) -> sharing.Door:
    expires_at = order.expires_at
    if order.expires_in_seconds is not None:
        expires_at = datetime.now(UTC) + timedelta(seconds=order.expires_in_seconds)
    elif expires_at is not None and expires_at <= datetime.now(UTC):
        raise Invalid("The time at which sharing ends has passed already. Choose a new one.")
    return sharing.share(
        session,
        owner,
        order.conversation,
        order.mode,
        until_message_id=order.until if order.mode == "snapshot" else None,
        expires_at=expires_at,
        tool_arguments=order.tool_arguments,
    )


def _door(door: sharing.Door | None) -> dict[str, Any]:
    """The door as its owner sees it."""
    if door is None:
        return {"door": None}
    until = None if door.until_message_id is None else str(door.until_message_id)
    return {"door": views.door(door) | {"until": until, "opened": door.opened}}
