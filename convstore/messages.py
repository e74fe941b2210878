"""Messages: added below a parent, read as the newest window of one branch.

What a window costs follows the window, not the length of the conversation nor the number of its branches.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from convstore import conversations, feedback, tool_calls, tree
from convstore.database import direct
from convstore.errors import Invalid, NotFound
from convstore.models import ACTIVE, ROLES, Message, MessageDelta
from convstore.text import refuse_empty
from convstore.tool_calls import Call
from convstore.tree import LEAF, Parent

WINDOW = 50
MOST = 200  # messages in one window
CHARACTERS = 1_000_000  # of one message; the faces set lower bounds of their own


@dataclass(slots=True)  # not frozen: fifty are made at a time, and a frozen one takes seven times as long
class View:
    """One message as its readers see it.

    An answer that is being written has its text so far in `content`, which contains the deltas up to `seq`.
    `siblings` are the messages with the same parent, this one included, in their order.
    """

    id: UUID
    parent_id: UUID | None
    position: int
    role: str
    content: str
    reasoning: str
    status: str
    error: str | None
    model: str | None
    served_by: str | None
    attempt: int
    seq: int
    created_at: datetime
    finished_at: datetime | None
    input_tokens: int | None
    output_tokens: int | None
    siblings: tuple[UUID, ...]
    tool_calls: tuple[Call, ...]
    feedback: str | None  # the owner's: up or down

    @property
    def sibling_index(self) -> int:
        return self.siblings.index(self.id)

    @property
    def active(self) -> bool:
        return self.status in ACTIVE


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one branch, oldest first. `older`: pass it as `before` for the stretch above; None at the root."""

    conversation: conversations.Summary
    leaf_id: UUID | None
    messages: list[View]
    older: UUID | None


_COLUMNS = (
    col(Message.role),
    col(Message.content),
    col(Message.reasoning),
    col(Message.status),
    col(Message.error),
    col(Message.model),
    col(Message.served_by),
    col(Message.attempt),
    col(Message.created_at),
    col(Message.finished_at),
    col(Message.input_tokens),
    col(Message.output_tokens),
    col(Message.tool_count),
    col(Message.rated),
)


def append(
    session: Session, owner: str, conversation_id: UUID, role: str, content: str, *, parent_id: Parent = LEAF
) -> View:
    """Add a finished message below `parent_id`: the newest leaf by default, None for another beginning.

    Raises `NotFound` for a conversation or parent that is not the owner's, `Invalid` for an unknown role or no text.
    """
    if role not in ROLES:
        raise Invalid(f"The role is {role!r}; it must be one of {', '.join(ROLES)}.")
    content = refuse_empty(content, CHARACTERS)
    place = tree.find(session, owner, conversation_id, parent_id)
    row: dict[str, Any] = {"role": role, "content": content}
    tree.add(session, place, [row])
    return window(session, owner, conversation_id, limit=1, leaf=row["id"]).messages[0]


def window(
    session: Session,
    owner: str,
    conversation_id: UUID,
    *,
    limit: int = WINDOW,
    leaf: UUID | None = None,
    before: UUID | None = None,
) -> Window:
    """The newest `limit` messages of a branch: the one on which `leaf` lies, else the one that grew last.

    `before` (from `Window.older`) gives the stretch above. Raises `NotFound`.
    """
    summary = conversations.get(session, owner, conversation_id)
    shown = summary.leaf_id if leaf is None else tree.tip_of(session, conversation_id, leaf)
    return window_up_to(session, summary, shown, limit=limit, before=before)


def window_up_to(
    session: Session, summary: conversations.Summary, tip: UUID | None, *, limit: int, before: UUID | None
) -> Window:
    """`window`, of a conversation that the caller has the right to read, ending exactly at `tip`."""
    conversation_id = summary.id
    if tip is None:
        return Window(summary, None, [], None)
    limit = max(1, min(limit, MOST))
    rows = tree.branch(session, _COLUMNS, conversation_id, before or tip, limit + (1 if before is None else 2))
    if not rows:
        raise NotFound("This message is not in this conversation.")
    if before is not None:
        rows = rows[:-1]  # `before` itself is already on the page below
    more, rows = len(rows) > limit, rows[-limit:]
    views = _views(session, conversation_id, rows, branched=summary.lane_count > 1)
    return Window(summary, tip, views, views[0].id if more else None)


def one(session: Session, owner: str, conversation_id: UUID, message_id: UUID) -> View:
    """That message, by itself. Raises `NotFound`."""
    summary = conversations.get(session, owner, conversation_id)
    return window_up_to(session, summary, message_id, limit=1, before=None).messages[0]


def history(
    session: Session,
    owner: str,
    conversation_id: UUID,
    *,
    leaf: UUID | None = None,
    limit: int = WINDOW,
) -> list[dict[str, str]]:
    """The newest `limit` finished messages of a branch as `[{"role", "content"}]`, oldest first. Raises `NotFound`."""
    found = window(session, owner, conversation_id, limit=limit, leaf=leaf)
    return [{"role": m.role, "content": m.content} for m in found.messages if not m.active]


def _views(session: Session, conversation_id: UUID, rows: list[Any], branched: bool) -> list[View]:
    calls = tool_calls.of(session, [row.id for row in rows if row.tool_count])
    texts = text_so_far(session, {row.id: row.attempt for row in rows if row.status in ACTIVE})
    ratings = feedback.of(session, [row.id for row in rows if row.rated])
    siblings = _siblings(session, conversation_id, rows) if branched else {}
    views = []
    for row in rows:
        key, parent_id, position, _lane, role, *written, attempt, created, finished, read, wrote, called, rated = row
        text, reasoning, status, error, model, served_by = written
        seq = 0
        if key in texts:
            text, reasoning, seq = texts[key]
        views.append(
            View(
                key,
                parent_id,
                position,
                role,
                text,
                reasoning,
                status,
                error,
                model,
                served_by,
                attempt,
                seq,
                created,
                finished,
                read,
                wrote,
                siblings.get(parent_id) or (key,),
                calls.get(key, ()) if called else (),
                ratings.get(key) if rated else None,
            )
        )
    return views


# Sorted by the reader: told to keep the order, SQLite walks the whole conversation in it.
_CHILD = select(col(Message.position), col(Message.id), col(Message.parent_id)).where(
    col(Message.conversation_id) == bindparam("conversation_id")
)
_CHILDREN = _CHILD.where(col(Message.parent_id).in_(bindparam("parents", expanding=True)))
_BEGINNINGS = _CHILD.where(col(Message.parent_id).is_(None))


def _siblings(session: Session, conversation_id: UUID, rows: list[Any]) -> dict[UUID | None, tuple[UUID, ...]]:
    parents = {row.parent_id for row in rows}
    known = [parent for parent in parents if parent is not None]
    found = direct(session, _CHILDREN, {"conversation_id": conversation_id, "parents": known}).all() if known else []
    if None in parents:
        found = [*found, *direct(session, _BEGINNINGS, {"conversation_id": conversation_id})]
    children: dict[UUID | None, list[UUID]] = defaultdict(list)
    for _position, message_id, parent_id in sorted(found, key=itemgetter(0)):
        children[parent_id].append(message_id)
    return {parent: tuple(ids) for parent, ids in children.items()}


_DELTAS = (
    select(
        col(MessageDelta.message_id),
        col(MessageDelta.attempt),
        col(MessageDelta.seq),
        col(MessageDelta.kind),
        col(MessageDelta.text),
    )
    .where(col(MessageDelta.message_id).in_(bindparam("answers", expanding=True)))
    .order_by(col(MessageDelta.message_id), col(MessageDelta.attempt), col(MessageDelta.seq))
)


def text_so_far(session: Session, attempts: dict[UUID, int]) -> dict[UUID, tuple[str, str, int]]:
    """Of each answer (id → its current attempt): its text, its reasoning, and the last `seq` in them."""
    if not attempts:
        return {}
    pieces: dict[UUID, dict[str, list[str]]] = {key: {"text": [], "reasoning": []} for key in attempts}
    last = dict.fromkeys(attempts, 0)
    for message_id, attempt, seq, kind, text in direct(session, _DELTAS, {"answers": list(attempts)}):
        if attempt == attempts[message_id]:
            pieces[message_id][kind].append(text)
            last[message_id] = seq
    return {key: ("".join(kinds["text"]), "".join(kinds["reasoning"]), last[key]) for key, kinds in pieces.items()}
