"""The trash: what was deleted can be restored whole, until its time has passed."""

from uuid import UUID

from sqlalchemy import delete, select
from sqlmodel import Session, col

from convstore import answers, conversations
from convstore.clock import now
from convstore.conversations import Summary
from convstore.models import Conversation

DAY_SECONDS = 24 * 3600


def discard(session: Session, owner: str, conversation_id: UUID) -> Summary:
    """Put it in the trash; what is being written in it stops. Raises `NotFound`."""
    done = conversations.set_values(session, owner, conversation_id, {"trashed_at": now()})
    answers.stop_all(session, conversation_id)
    return done


def restore(session: Session, owner: str, conversation_id: UUID) -> Summary:
    """Take it out of the trash, as it was. Raises `NotFound` when it is not there."""
    return conversations.set_values(session, owner, conversation_id, {"trashed_at": None}, trashed=True)


def expired(session: Session, days: float, limit: int = 100) -> list[UUID]:
    """Conversations that were put in the trash more than so many days ago, the oldest first."""
    return list(
        session.execute(
            select(col(Conversation.id))
            .where(col(Conversation.trashed_at) < now(-days * DAY_SECONDS))
            .order_by(col(Conversation.trashed_at))
            .limit(limit)
        ).scalars()
    )


def purge(session: Session, days: float, limit: int = 100) -> int:
    """Remove up to `limit` of the `expired` ones for good; returns how many. Call it until it returns 0."""
    gone = expired(session, days, limit)
    if gone:
        # Again in the WHERE: one that was restored meanwhile stays.
        session.execute(
            delete(Conversation).where(
                col(Conversation.id).in_(gone), col(Conversation.trashed_at) < now(-days * DAY_SECONDS)
            )
        )
    return len(gone)
