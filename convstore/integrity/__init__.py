"""Whether the rows keep the promises that the code relies on: `python -m convstore check`.

Safe beside running instances: whatever is compared is read in one snapshot. The table is walked in stretches of some
two hundred conversations, in the order of an index, so that memory stays small however much there is; a badly damaged
stretch shows its first thousand findings.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from convstore.database import Database, dialect_of, take_time
from convstore.integrity.trees import Finding, tree
from convstore.models import FINISHED, Conversation, Feedback, Message, MessageDelta, ToolCall

__all__ = ["Finding", "findings"]

STRETCH = 200  # conversations
ROWS = 1000  # in memory at once
MOST_FINDINGS = 1000  # of one stretch


def findings(db: Database) -> Iterator[Finding]:
    """Everything that is wrong, while it is found."""
    with db.read() as session:
        take_time(session)
        found = [*islice(_file(session), MOST_FINDINGS), *islice(_deltas(session), MOST_FINDINGS)]
    yield from found
    after: UUID | None = None
    while True:
        with db.read() as session:
            take_time(session)
            heads = _heads(session, after)
            last = heads[-1].id if len(heads) == STRETCH else None
            found = list(islice(_stretch(session, heads, after, last), MOST_FINDINGS))
        # Outside of the transaction: whoever reads this may take their time.
        yield from found
        if last is None:
            return
        after = last


def _file(session: Session) -> Iterator[Finding]:
    """SQLite keeps foreign keys only for connections that ask for it, and its file may be damaged from outside."""
    if dialect_of(session) != "sqlite":
        return
    connection = session.connection()
    for (problem,) in connection.exec_driver_sql("PRAGMA quick_check(50)"):
        if problem != "ok":
            yield Finding("file", session.connection().engine.url.database, problem)
    for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield Finding(f"{table} row", row, f"belongs to no {parent}")


def _deltas(session: Session) -> Iterator[Finding]:
    """Only an answer that is being written has deltas: those of its attempt, from the first without a gap."""
    found = _rows(
        session,
        select(
            col(MessageDelta.message_id),
            col(MessageDelta.attempt),
            func.min(col(MessageDelta.seq)).label("first"),
            func.max(col(MessageDelta.seq)).label("last"),
            func.count().label("count"),
            col(Message.status),
            col(Message.attempt).label("current"),
        )
        .join(Message, col(Message.id) == col(MessageDelta.message_id))
        .group_by(col(MessageDelta.message_id), col(MessageDelta.attempt), col(Message.id)),
    )
    for row in found:
        if row.status in FINISHED:
            yield Finding("message", row.message_id, f"is {row.status} and still has {row.count} deltas")
        elif row.attempt != row.current:
            yield Finding(
                "message", row.message_id, f"is in attempt {row.current} and has deltas of attempt {row.attempt}"
            )
        elif row.first != 1 or row.last != row.count:
            yield Finding("message", row.message_id, f"has {row.count} deltas numbered {row.first} to {row.last}")


def _heads(session: Session, after: UUID | None) -> Sequence[Any]:
    query = select(
        col(Conversation.id),
        col(Conversation.version),
        col(Conversation.message_count),
        col(Conversation.lane_count),
        col(Conversation.leaf_id),
        col(Conversation.trashed_at),
    )
    if after is not None:
        query = query.where(col(Conversation.id) > after)
    return session.execute(query.order_by(col(Conversation.id)).limit(STRETCH)).all()


def _stretch(session: Session, heads: Sequence[Any], after: UUID | None, last: UUID | None) -> Iterator[Finding]:
    # By range, not by list: messages of a conversation that is gone lie in between, and are found too.
    bounds: list[ColumnElement[bool]] = []
    if after is not None:
        bounds.append(col(Message.conversation_id) > after)
    if last is not None:
        bounds.append(col(Message.conversation_id) <= last)
    yield from _twice(session, bounds)
    yield from _tool_calls(session, bounds)
    yield from _ratings(session, bounds)
    waiting = {head.id: head for head in heads}
    for key, rows in groupby(_messages(session, bounds), attrgetter("conversation_id")):
        head = waiting.pop(key, None)
        if head is None:
            yield Finding("conversation", key, "is gone, and its messages are not")
        else:
            yield from tree(head, rows)
    for head in waiting.values():
        yield from tree(head, iter(()))


def _twice(session: Session, bounds: list[ColumnElement[bool]]) -> Iterator[Finding]:
    place = (col(Message.conversation_id), col(Message.position))
    found = _rows(
        session, select(*place, func.count().label("count")).where(*bounds).group_by(*place).having(func.count() > 1)
    )
    for row in found:
        yield Finding("conversation", row.conversation_id, f"has {row.count} messages at position {row.position}")


def _tool_calls(session: Session, bounds: list[ColumnElement[bool]]) -> Iterator[Finding]:
    unsettled = and_(col(Message.status).in_(FINISHED), col(ToolCall.status) == "running")
    found = _rows(
        session,
        select(col(ToolCall.id), col(ToolCall.status), col(ToolCall.position), col(Message.tool_count))
        .join(Message, col(Message.id) == col(ToolCall.message_id))
        .where(*bounds, or_(unsettled, col(ToolCall.position) >= col(Message.tool_count))),
    )
    for row in found:
        if row.position >= row.tool_count:
            yield Finding("tool call", row.id, f"is number {row.position} of a message that counts {row.tool_count}")
        else:
            yield Finding("tool call", row.id, "is still running, and its message is finished")


def _ratings(session: Session, bounds: list[ColumnElement[bool]]) -> Iterator[Finding]:
    there = col(Feedback.message_id).is_not(None)
    found = _rows(
        session,
        select(col(Message.id), col(Message.rated))
        .join(Feedback, col(Feedback.message_id) == col(Message.id), isouter=True)
        .where(*bounds, col(Message.rated) != there),
    )
    for row in found:
        yield Finding("message", row.id, "is marked as rated and is not" if row.rated else "is rated without a mark")


def _messages(session: Session, bounds: list[ColumnElement[bool]]) -> Iterator[Any]:
    """The messages of a stretch lane by lane, each with what it hangs below."""
    parent, child = aliased(Message), aliased(Message)
    below = exists().where(
        col(child.conversation_id) == col(Message.conversation_id), col(child.parent_id) == col(Message.id)
    )
    return _rows(
        session,
        select(
            col(Message.id),
            col(Message.conversation_id),
            col(Message.parent_id),
            col(Message.position),
            col(Message.lane),
            col(Message.role),
            col(Message.status),
            col(Message.attempt),
            col(Message.stop_requested),
            col(Message.lease_owner),
            col(Message.lease_until),
            col(parent.id).is_(None).label("alone"),
            (col(parent.conversation_id) != col(Message.conversation_id)).label("astray"),
            col(parent.position).label("above_position"),
            col(parent.lane).label("above_lane"),
            below.label("continued"),
        )
        .join(parent, col(parent.id) == col(Message.parent_id), isouter=True)
        .where(*bounds)
        .order_by(col(Message.conversation_id), col(Message.lane), col(Message.position), col(Message.id)),
    )


def _rows(session: Session, query: Any) -> Iterator[Any]:
    """The rows of a query, of which only some are in memory at once."""
    with session.execute(query.execution_options(yield_per=ROWS)) as found:
        yield from found
