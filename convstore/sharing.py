"""Sharing by ID: whoever has the link reads the conversation, as long as its owner lets them.

A reader gets the messages, not the owner's name, the system prompt, nor what the tools were asked and answered (a tool
may have looked at other things of the owner's) unless the owner shows that too. Not shared any more, expired, deleted
and never there are one answer: `NotFound`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, or_, select, update
from sqlmodel import Session, col

from convstore import conversations, messages, tree
from convstore.clock import now
from convstore.errors import Invalid, NotFound
from convstore.messages import Window
from convstore.models import ACTIVE, Conversation, Message, Share

MODES = ("live", "snapshot")


@dataclass(frozen=True, slots=True)
class Door:
    """How a conversation is shared. `opened`: how often a reader came in."""

    mode: str
    until_message_id: UUID | None
    tool_arguments: bool
    opened: int
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shared:
    """What a reader sees: the door, and a window without what is the owner's alone."""

    door: Door
    window: Window


_DOOR = (
    col(Share.mode),
    col(Share.until_message_id),
    col(Share.tool_arguments),
    col(Share.opened),
    col(Share.created_at),
    col(Share.expires_at),
)
_OPEN = or_(col(Share.expires_at).is_(None), col(Share.expires_at) > now())


def share(
    session: Session,
    owner: str,
    conversation_id: UUID,
    mode: str = "live",
    *,
    until_message_id: UUID | None = None,
    expires_at: datetime | None = None,
    tool_arguments: bool = False,
) -> Door:
    """Open the door, or change how it is open. A snapshot without `until_message_id` ends at what was added last.

    Raises `NotFound`, and `Invalid` for a mode, a message or a time that cannot be shared.
    """
    if mode not in MODES:
        raise Invalid(f"The mode is {mode!r}; it must be live or snapshot.")
    if mode == "live" and until_message_id is not None:
        raise Invalid("A live share has no last message. Share a snapshot up to this message instead.")
    tree.lock(session, owner, conversation_id)
    if mode == "snapshot":
        until_message_id = _last_message(session, conversation_id, until_message_id)
    values = {
        "mode": mode,
        "until_message_id": until_message_id,
        "expires_at": expires_at,
        "tool_arguments": tool_arguments,
    }
    changed = session.execute(
        update(Share)
        .where(col(Share.conversation_id) == conversation_id)
        .values(**values)
        .returning(col(Share.conversation_id))
    ).one_or_none()
    if changed is None:
        session.execute(insert(Share).values(conversation_id=conversation_id, created_at=now(), **values))
    tree.announce(session, {conversation_id})
    door = of(session, owner, conversation_id)
    if door is None:
        raise Invalid("The time at which sharing ends has passed already.")
    return door


def stop(session: Session, owner: str, conversation_id: UUID) -> None:
    """Close the door, for open readers too. Closing a closed door is fine. Raises `NotFound`."""
    tree.lock(session, owner, conversation_id)
    session.execute(delete(Share).where(col(Share.conversation_id) == conversation_id))
    tree.announce(session, {conversation_id})


def of(session: Session, owner: str, conversation_id: UUID) -> Door | None:
    """How the owner's conversation is shared; None when it is not (any more). Raises `NotFound`."""
    conversations.get(session, owner, conversation_id)
    row = session.execute(select(*_DOOR).where(col(Share.conversation_id) == conversation_id, _OPEN)).one_or_none()
    return Door(*row) if row else None


def read(
    session: Session,
    conversation_id: UUID,
    *,
    limit: int = messages.WINDOW,
    leaf: UUID | None = None,
    before: UUID | None = None,
) -> Shared:
    """What a reader with the link sees. Raises `NotFound`."""
    row = session.execute(
        select(col(Conversation.owner), *_DOOR)
        .join(Share, col(Share.conversation_id) == col(Conversation.id))
        .where(col(Conversation.id) == conversation_id, col(Conversation.trashed_at).is_(None), _OPEN)
    ).one_or_none()
    if row is None:
        raise NotFound()
    owner, door = row[0], Door(*row[1:])
    summary = conversations.get(session, owner, conversation_id)
    if door.mode == "live":
        tip = summary.leaf_id if leaf is None else tree.tip_of(session, conversation_id, leaf)
    else:
        tip = door.until_message_id
        if before is not None and not _is_above(session, conversation_id, before, tip):
            raise NotFound()
    window = messages.window_up_to(session, summary, tip, limit=limit, before=before)
    return Shared(door, _without_private(window, door))


def count_opened(session: Session, conversation_id: UUID) -> None:
    """A reader came in."""
    session.execute(update(Share).where(col(Share.conversation_id) == conversation_id).values(opened=Share.opened + 1))


def _without_private(window: Window, door: Door) -> Window:
    summary = replace(window.conversation, system_prompt=None, forked_from=None, model=None, temperature=None)
    shown = [
        replace(
            message,
            feedback=None,
            siblings=message.siblings if door.mode == "live" else (message.id,),
            tool_calls=message.tool_calls
            if door.tool_arguments
            else tuple(replace(call, arguments="", result=None) for call in message.tool_calls),
        )
        for message in window.messages
        if message.role != "system"
    ]
    return Window(summary, window.leaf_id, shown, window.older)


def _last_message(session: Session, conversation_id: UUID, message_id: UUID | None) -> UUID:
    """The message a snapshot ends at, which is finished and here. Raises `Invalid`."""
    if message_id is None:
        message_id = session.execute(
            select(col(Conversation.leaf_id)).where(col(Conversation.id) == conversation_id)
        ).scalar_one()
    status = session.execute(
        select(col(Message.status)).where(
            col(Message.id) == message_id, col(Message.conversation_id) == conversation_id
        )
    ).scalar_one_or_none()
    if message_id is None or status is None:
        raise Invalid("There is no such message in this conversation to end the snapshot at.")
    if status in ACTIVE:
        raise Invalid("This answer is still being written. Wait for it, or share the conversation live.")
    return message_id


def _is_above(session: Session, conversation_id: UUID, message_id: UUID, tip: UUID | None) -> bool:
    """Whether a message lies on the way from `tip` to the root: only that is in a snapshot."""
    return tip is not None and tree.is_on_branch(session, conversation_id, message_id, tip)
