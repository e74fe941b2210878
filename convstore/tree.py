"""Where a new message goes in the tree, and the way back from any message to the root.

`lock` takes the conversation's row for the rest of the transaction: positions, lanes and versions are handed out under
it, so there is one total order. Lock order everywhere: the conversation first, then its messages.
"""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, bindparam, insert, select, text, update
from sqlmodel import Session, col

from convstore.clock import now
from convstore.errors import NotFound
from convstore.models import ACTIVE, Conversation, Message, new_id


class _Leaf:
    """The type of `LEAF`: whatever was added last."""

    def __repr__(self) -> str:
        return "LEAF"


LEAF: Final = _Leaf()
Parent = UUID | None | _Leaf  # a message, the root (None), or whatever was added last

IS_ACTIVE = text("message.status IN ('queued', 'streaming')")  # literal, so that the partial index serves it
HOPS = 10_000  # lanes walked through at most: a guard against a damaged tree, not a limit anyone meets


@dataclass(slots=True)
class Place:
    """A locked conversation and the spot under `parent_id` where the next message goes."""

    conversation_id: UUID
    version: int
    position: int
    lane: int
    lanes: int
    parent_id: UUID | None
    parent_role: str | None
    parent_active: bool  # the parent is an answer that is still being written


_LOCKED = (
    select(
        col(Conversation.version),
        col(Conversation.message_count),
        col(Conversation.lane_count),
        col(Conversation.leaf_id),
    )
    .where(
        col(Conversation.id) == bindparam("conversation_id"),
        col(Conversation.owner) == bindparam("owner"),
        col(Conversation.trashed_at).is_(None),
    )
    .with_for_update(key_share=True)
)
_PARENT = select(col(Message.lane), col(Message.position), col(Message.role), col(Message.status)).where(
    col(Message.id) == bindparam("message_id"), col(Message.conversation_id) == bindparam("conversation_id")
)
_NEXT_IN_LANE = (
    select(col(Message.id))
    .where(
        col(Message.conversation_id) == bindparam("conversation_id"),
        col(Message.lane) == bindparam("lane"),
        col(Message.position) > bindparam("position"),
    )
    .limit(1)
)


def lock(session: Session, owner: str, conversation_id: UUID) -> None:
    """Hold the owner's conversation until the transaction ends. Raises `NotFound`."""
    held = session.execute(
        select(col(Conversation.id))
        .where(
            col(Conversation.id) == conversation_id,
            col(Conversation.owner) == owner,
            col(Conversation.trashed_at).is_(None),
        )
        .with_for_update(key_share=True)
    ).one_or_none()
    if held is None:
        raise NotFound()


def find(session: Session, owner: str, conversation_id: UUID, parent_id: Parent = LEAF) -> Place:
    """Lock the conversation and find the place under that parent. Raises `NotFound` for either."""
    row = session.execute(_LOCKED, {"conversation_id": conversation_id, "owner": owner}).one_or_none()
    if row is None:
        raise NotFound()
    version, count, lanes, leaf_id = row
    under: UUID | None = leaf_id if isinstance(parent_id, _Leaf) else parent_id
    if under is None:  # the first message, or another beginning beside it
        return Place(conversation_id, version, count, lanes, lanes + 1, None, None, False)
    # Not joined to the lock: a statement that had to wait for it would still see the messages from before its wait.
    parent = session.execute(_PARENT, {"message_id": under, "conversation_id": conversation_id}).one_or_none()
    if parent is None:
        raise NotFound("The message to continue from is not in this conversation.")
    lane, position, role, status = parent
    if (
        under != leaf_id
        and session.execute(
            _NEXT_IN_LANE, {"conversation_id": conversation_id, "lane": lane, "position": position}
        ).first()
    ):
        lane, lanes = lanes, lanes + 1
    return Place(conversation_id, version, count, lane, lanes, under, role, status in ACTIVE)


def add(session: Session, place: Place, rows: list[dict[str, Any]]) -> int:
    """Insert the rows one below the other at the place, the last one becoming the leaf; returns the new version.

    A row gives `role`, `content` and what else differs from a finished message; `id` when the caller made one.
    """
    parent_id = place.parent_id
    for offset, row in enumerate(rows):
        row.setdefault("id", new_id())
        row |= {
            "conversation_id": place.conversation_id,
            "parent_id": parent_id,
            "position": place.position + offset,
            "lane": place.lane,
        }
        parent_id = row["id"]
    for row in rows:
        session.execute(insert(Message).values(**(_FINISHED | row)))
    session.execute(
        update(Conversation)
        .where(col(Conversation.id) == place.conversation_id)
        .values(
            version=place.version + 1,
            message_count=place.position + len(rows),
            lane_count=place.lanes,
            leaf_id=parent_id,
            updated_at=now(),
        )
    )
    return place.version + 1


_FINISHED: dict[str, Any] = {"status": "complete", "created_at": now()}


def branch(session: Session, columns: tuple[Any, ...], conversation_id: UUID, tip: UUID, limit: int) -> list[Row[Any]]:
    """The newest `limit` messages of the branch that ends at `tip`, oldest first; each row starts with
    (id, parent_id, position, lane), then `columns`.

    One range read for a conversation without branches, and one more for every lane the window reaches into.
    """
    found: list[Row[Any]] = []
    cursor: UUID | None = tip
    for _hop in range(HOPS):
        if cursor is None or len(found) >= limit:
            break
        end = session.execute(_PARENT, {"message_id": cursor, "conversation_id": conversation_id}).one_or_none()
        if end is None:
            break
        rows = session.execute(
            select(col(Message.id), col(Message.parent_id), col(Message.position), col(Message.lane), *columns)
            .where(
                col(Message.conversation_id) == conversation_id,
                col(Message.lane) == end.lane,
                col(Message.position) <= end.position,
            )
            .order_by(col(Message.position).desc())
            .limit(limit - len(found))
        ).all()
        found.extend(rows)
        cursor = rows[-1].parent_id
    return found[::-1]


def tip_of(session: Session, conversation_id: UUID, message_id: UUID) -> UUID:
    """The leaf of the branch that `message_id` is shown on: the end of its lane. Raises `NotFound`."""
    row = session.execute(_PARENT, {"message_id": message_id, "conversation_id": conversation_id}).one_or_none()
    if row is None:
        raise NotFound("This message is not in this conversation.")
    tip: UUID = session.execute(
        select(col(Message.id))
        .where(col(Message.conversation_id) == conversation_id, col(Message.lane) == row.lane)
        .order_by(col(Message.position).desc())
        .limit(1)
    ).scalar_one()
    return tip


def announce(session: Session, conversation_ids: set[UUID]) -> None:
    """Raise the version of these conversations: their readers load them again."""
    if conversation_ids:
        moved = update(Conversation).where(col(Conversation.id).in_(conversation_ids))
        session.execute(moved.values(version=Conversation.version + 1))


def is_on_branch(session: Session, conversation_id: UUID, message_id: UUID, tip: UUID) -> bool:
    """Whether `message_id` lies on the way from `tip` to the root; walks lanes, not messages."""
    wanted = session.execute(_PARENT, {"message_id": message_id, "conversation_id": conversation_id}).one_or_none()
    cursor: UUID | None = tip
    while wanted is not None and cursor is not None:
        end = session.execute(_PARENT, {"message_id": cursor, "conversation_id": conversation_id}).one_or_none()
        if end is None or end.position < wanted.position:
            return False
        if end.lane == wanted.lane:
            return True
        cursor = session.execute(
            select(col(Message.parent_id))
            .where(col(Message.conversation_id) == conversation_id, col(Message.lane) == end.lane)
            .order_by(col(Message.position))
            .limit(1)
        ).scalar_one()
    return False
