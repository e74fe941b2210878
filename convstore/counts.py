"""How much there is: for whoever runs this, not for any page. Each count is one statement, most of them a scan."""

from sqlalchemy import ColumnElement, func, select, text
from sqlmodel import Session, SQLModel, col

from convstore.clock import now
from convstore.database import dialect_of, take_time
from convstore.models import (
    ACTIVE,
    Conversation,
    Feedback,
    IdempotencyKey,
    Message,
    MessageDelta,
    Share,
    ToolCall,
    Usage,
)
from convstore.tree import IS_ACTIVE
from convstore.usage import TOKENS


def active(session: Session) -> dict[str, int]:
    """How many answers are `queued` and how many `streaming`, over all instances. Cheap: finished ones are not read."""
    found = session.execute(
        select(col(Message.status), func.count()).where(IS_ACTIVE).group_by(col(Message.status))
    ).all()
    return dict.fromkeys(ACTIVE, 0) | {row[0]: row[1] for row in found}


def everything(session: Session) -> dict[str, int]:
    """Rows of every kind, under names that a person can read."""
    take_time(session)
    trashed, archived = col(Conversation.trashed_at).is_not(None), col(Conversation.archived_at).is_not(None)
    found = {
        "people": _count(
            session, Conversation, func.count(col(Conversation.owner).distinct()), col(Conversation.owner) != ""
        ),
        "conversations": _count(session, Conversation, func.count(), ~trashed, ~archived),
        "conversations archived": _count(session, Conversation, func.count(), ~trashed, archived),
        "conversations in the trash": _count(session, Conversation, func.count(), trashed),
        "conversations shared": _count(session, Share, func.count()),
    }
    found |= _grouped(session, "messages", Message.role)
    found |= _grouped(session, "answers", Message.status, col(Message.role) == "assistant")
    found |= _grouped(session, "tool calls", ToolCall.status)
    found |= _grouped(session, "feedback", Feedback.rating)
    today = func.coalesce(func.sum(col(Usage.amount)), 0)
    found["tokens within a day"] = _count(
        session, Usage, today, col(Usage.kind) == TOKENS, col(Usage.starts_at) > now(-24 * 3600)
    )
    found["deltas"] = _count(session, MessageDelta, func.count())
    found["idempotency keys"] = _count(session, IdempotencyKey, func.count())
    return found


def size(session: Session) -> int:
    """The bytes the database takes up."""
    if dialect_of(session) == "postgresql":
        return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    pages = text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
    return int(session.execute(pages).scalar_one())


def _count(session: Session, table: type[SQLModel], what: ColumnElement[int], *where: ColumnElement[bool]) -> int:
    return int(session.execute(select(what).select_from(table).where(*where)).scalar_one())


def _grouped(session: Session, name: str, by: str, *where: ColumnElement[bool]) -> dict[str, int]:
    rows = session.execute(select(col(by), func.count()).where(*where).group_by(col(by)).order_by(col(by)))
    return {f"{name} {row[0]}": row[1] for row in rows}
