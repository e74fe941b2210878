"""A conversation as Markdown, to read: one branch, or all of them, each under its own heading. Not for importing.

Like the other export it is read a part at a time. What may stand in a message is settled in `fences`.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from convstore import conversations, tree
from convstore.database import Database
from convstore.models import Message
from convstore.transfer import schema
from convstore.transfer.exports import exported, rows_of
from convstore.transfer.fences import contained, fenced, plain

ROWS = 20
NAMES = {"user": "You", "assistant": "Assistant", "system": "System"}
ENDED = {"stopped": "Stopped.", "failed": "Failed.", "interrupted": "Interrupted."}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of messages in one lane, by their positions."""

    heading: str
    lane: int
    first: int
    last: int


async def document(
    db: Database, owner: str, conversation_id: UUID, *, leaf: UUID | None = None, all_branches: bool = False
) -> AsyncIterator[str]:
    """The branch that `leaf` lies on (by default the one that grew last), or all. Raises `NotFound` before anything."""
    text, stretches = await db.reading(outline, owner, conversation_id, leaf, all_branches)
    yield text
    for stretch in stretches:
        yield stretch.heading
        position: int | None = stretch.first
        while position is not None:
            text, position = await db.reading(_part, owner, conversation_id, stretch, position)
            yield text


def outline(
    session: Session, owner: str, conversation_id: UUID, leaf: UUID | None, all_branches: bool
) -> tuple[str, list[Stretch]]:
    """The heading, and what is to be written below it."""
    summary = conversations.get(session, owner, conversation_id)
    title = plain(summary.title or "Conversation")
    text = f"# {title}\n\n*Begun {summary.created_at:%Y-%m-%d %H:%M} UTC*\n"
    if all_branches and summary.lane_count > 1:
        return text, _every_lane(session, conversation_id)
    tip = summary.leaf_id if leaf is None else tree.tip_of(session, conversation_id, leaf)
    return text, _one_branch(session, conversation_id, tip) if tip else []


_above = aliased(Message, name="above")


def _every_lane(session: Session, conversation_id: UUID) -> list[Stretch]:
    lanes = (
        select(
            col(Message.lane),
            func.min(Message.position).label("first"),
            func.max(Message.position).label("last"),
        )
        .where(col(Message.conversation_id) == conversation_id)
        .group_by(col(Message.lane))
        .subquery()
    )
    rows = session.execute(
        select(lanes.c.lane, lanes.c.first, lanes.c.last, col(_above.position).label("above"))
        .join(Message, (col(Message.conversation_id) == conversation_id) & (col(Message.position) == lanes.c.first))
        .join(_above, col(_above.id) == col(Message.parent_id), isouter=True)
        .order_by(lanes.c.first)
    )
    found = []
    for number, row in enumerate(rows, 1):
        place = "from the beginning" if row.above is None else f"continues from message {row.above + 1}"
        found.append(Stretch(f"\n---\n\n# Branch {number}, {place}\n", row.lane, row.first, row.last))
    return found


def _one_branch(session: Session, conversation_id: UUID, tip: UUID) -> list[Stretch]:
    found: list[Stretch] = []
    cursor: UUID | None = tip
    while cursor is not None:
        end: Any = session.execute(
            select(col(Message.lane), col(Message.position)).where(
                col(Message.id) == cursor, col(Message.conversation_id) == conversation_id
            )
        ).one_or_none()
        if end is None or (found and end.position >= found[-1].first):
            break
        start: Any = session.execute(
            select(col(Message.position), col(Message.parent_id))
            .where(col(Message.conversation_id) == conversation_id, col(Message.lane) == end.lane)
            .order_by(col(Message.position))
            .limit(1)
        ).one()
        found.append(Stretch("", end.lane, start.position, end.position))
        cursor = start.parent_id
    return found[::-1]


def _part(
    session: Session, owner: str, conversation_id: UUID, stretch: Stretch, position: int
) -> tuple[str, int | None]:
    """Some messages of a stretch from that position on, and the position that comes next."""
    rows = session.execute(
        rows_of(owner, conversation_id, position)
        .where(col(Message.lane) == stretch.lane, col(Message.position) <= stretch.last)
        .limit(ROWS)
    ).all()
    text = "".join(
        _section(row.position, message) for row, message in zip(rows, exported(session, list(rows)), strict=True)
    )
    following = rows[-1].position + 1 if rows else stretch.last + 1
    return text, following if following <= stretch.last else None


def _section(position: int, message: schema.ExportedMessage) -> str:
    about = [f"{message.created_at:%Y-%m-%d %H:%M} UTC"]
    if message.model:
        about.append(plain(message.model))
    parts = [f"## {position + 1} · {NAMES[message.role]}", f"*{' · '.join(about)}*"]
    calls = list(message.tool_calls)
    written = 0
    for call in calls:
        before = message.content[written : call.text_offset]
        written = max(written, call.text_offset)
        parts += [contained(before.strip("\n"))] if before.strip() else []
        parts.append(f"**Tool {plain(call.name)}** ({call.status})\n\n{fenced(call.arguments, 'json')}")
        if call.result is not None:
            parts.append(fenced(call.result))
    rest = message.content[written:]
    parts += [contained(rest.strip("\n"))] if rest.strip() else []
    if message.status != "complete":
        parts.append(f"*{ENDED[message.status]}*" + (f" {plain(message.error)}" if message.error else ""))
    if message.feedback is not None:
        comment = message.feedback.comment
        parts.append(
            f"*Rated {message.feedback.rating}.*" + (f" {plain(' '.join(comment.split()))}" if comment else "")
        )
    return "\n" + "\n\n".join(parts) + "\n"
