"""Where a new message goes in the tree, and the way back from any message to the root.

`lock` takes the conversation's row for the rest of the transaction: positions, lanes and versions are handed out under
it, so there is one total order. Lock order everywhere: the conversation first, then its messages.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Float, Integer, Row, bindparam, insert, literal, select, text, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from convstore.clock import now
from convstore.database import direct
from convstore.errors import NotFound
from convstore.models import ACTIVE, Conversation, Message, new_id


class _Leaf:
    """The type of `LEAF`: whatever was added last."""

    def __repr__(self) -> str:
        return "LEAF"


LEAF: Final = _Leaf()
Parent = UUID | None | _Leaf  # a message, the root (None), or whatever was added last

IS_ACTIVE = text("message.status IN ('queued', 'streaming')")  # literal, so that the partial index serves it


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
    row = direct(session, _LOCKED, {"conversation_id": conversation_id, "owner": owner}).one_or_none()
    if row is None:
        raise NotFound()
    version, count, lanes, leaf_id = row
    under: UUID | None = leaf_id if isinstance(parent_id, _Leaf) else parent_id
    if under is None:  # the first message, or another beginning beside it
        return Place(conversation_id, version, count, lanes, lanes + 1, None, None, False)
    # Not joined to the lock: a statement that had to wait for it would still see the messages from before its wait.
    parent = direct(session, _PARENT, {"message_id": under, "conversation_id": conversation_id}).one_or_none()
    if parent is None:
        raise NotFound("The message to continue from is not in this conversation.")
    lane, position, role, status = parent
    if under != leaf_id:
        values = {"conversation_id": conversation_id, "lane": lane, "position": position}
        if direct(session, _NEXT_IN_LANE, values).first():
            lane, lanes = lanes, lanes + 1
    return Place(conversation_id, version, count, lane, lanes, under, role, status in ACTIVE)


def beginning(conversation_id: UUID) -> Place:
    """The place of the first message of a conversation that this transaction has made."""
    return Place(conversation_id, 1, 0, 0, 1, None, None, False)


_ADD = insert(Message).values(created_at=now(), lease_until=now(bindparam("lease_seconds", type_=Float)))
_FINISHED: dict[str, Any] = {
    "content": "",
    "status": "complete",
    "model": None,
    "attempt": 0,
    "lease_owner": None,
    "lease_seconds": None,
    "served_by": None,
}
_GROWN = (
    update(Conversation)
    .where(col(Conversation.id) == bindparam("conversation"))
    .values(
        version=bindparam("new_version"),
        message_count=bindparam("new_message_count"),
        lane_count=bindparam("new_lane_count"),
        leaf_id=bindparam("new_leaf_id"),
        updated_at=now(),
    )
)


def add(session: Session, place: Place, rows: list[dict[str, Any]]) -> int:
    """Insert the rows one below the other at the place, the last one becoming the leaf; returns the new version.

    A row gives `role`, `content` and what else differs from a finished message (`_FINISHED`); `id` when the caller
    made one.
    """
    parent_id = place.parent_id
    complete = []
    for offset, row in enumerate(rows):
        row.setdefault("id", new_id())
        complete.append(
            {
                **_FINISHED,
                **row,
                "conversation_id": place.conversation_id,
                "parent_id": parent_id,
                "position": place.position + offset,
                "lane": place.lane,
            }
        )
        parent_id = row["id"]
    direct(session, _ADD, complete)
    direct(
        session,
        _GROWN,
        {
            "conversation": place.conversation_id,
            "new_version": place.version + 1,
            "new_message_count": place.position + len(rows),
            "new_lane_count": place.lanes,
            "new_leaf_id": parent_id,
        },
    )
    return place.version + 1


_tip = aliased(Message, name="tip")


def _at_tip(column: Any) -> Any:
    here = (col(_tip.id) == bindparam("tip"), col(_tip.conversation_id) == bindparam("conversation_id"))
    return select(column).where(*here).scalar_subquery()


_ALONG = (
    col(Message.conversation_id) == bindparam("conversation_id"),
    col(Message.lane) == _at_tip(col(_tip.lane)),
)
_TIP_OF = select(col(Message.id)).where(*_ALONG).order_by(col(Message.position).desc()).limit(1)


@cache
def _along_the_lane(columns: tuple[Any, ...]) -> Any:
    return (
        select(col(Message.id), col(Message.parent_id), col(Message.position), col(Message.lane), *columns)
        .where(*_ALONG, col(Message.position) <= _at_tip(col(_tip.position)))
        .order_by(col(Message.position).desc())
        .limit(bindparam("most", type_=Integer))
    )


@cache
def _up_the_parents(columns: tuple[Any, ...]) -> Any:
    walk = (
        select(col(_tip.id), col(_tip.parent_id), literal(1).label("depth"))
        .where(col(_tip.id) == bindparam("tip"), col(_tip.conversation_id) == bindparam("conversation_id"))
        .cte("walk", recursive=True)
    )
    parent = aliased(Message, name="parent")
    walk = walk.union_all(
        select(col(parent.id), col(parent.parent_id), walk.c.depth + 1)
        .join(walk, col(parent.id) == walk.c.parent_id)
        .where(walk.c.depth < bindparam("most", type_=Integer))
    )
    return (
        select(col(Message.id), col(Message.parent_id), col(Message.position), col(Message.lane), *columns)
        .join(walk, col(Message.id) == walk.c.id)
        .order_by(col(Message.position).desc())
    )


def branch(session: Session, columns: tuple[Any, ...], conversation_id: UUID, tip: UUID, limit: int) -> list[Row[Any]]:
    """The newest `limit` messages of the branch that ends at `tip`, oldest first; each row starts with
    (id, parent_id, position, lane), then `columns`.

    One range read for as far as the branch stays in its lane, and one walk from parent to parent for what is beyond.
    """
    values: dict[str, Any] = {"conversation_id": conversation_id, "tip": tip, "most": limit}
    found: list[Row[Any]] = direct(session, _along_the_lane(columns), values).all()
    if found and len(found) < limit and found[-1].parent_id is not None:
        values |= {"tip": found[-1].parent_id, "most": limit - len(found)}
        found += direct(session, _up_the_parents(columns), values).all()
    return found[::-1]


def tip_of(session: Session, conversation_id: UUID, message_id: UUID) -> UUID:
    """The leaf of the branch that `message_id` is shown on: the end of its lane. Raises `NotFound`."""
    tip: UUID | None = direct(
        session, _TIP_OF, {"conversation_id": conversation_id, "tip": message_id}
    ).scalar_one_or_none()
    if tip is None:
        raise NotFound("This message is not in this conversation.")
    return tip


_ANNOUNCE = (
    update(Conversation)
    .where(col(Conversation.id).in_(bindparam("conversations", expanding=True)))
    .values(version=Conversation.version + 1)
)


def announce(session: Session, conversation_ids: set[UUID]) -> None:
    """Raise the version of these conversations: their readers load them again."""
    if conversation_ids:
        direct(session, _ANNOUNCE, {"conversations": list(conversation_ids)})


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
