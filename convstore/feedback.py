"""Thumbs up or down on an answer, with a comment when its owner has more to say."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlmodel import Session, col

from convstore import tree
from convstore.clock import now
from convstore.errors import Invalid, NotFound
from convstore.models import Feedback, Message
from convstore.text import storable

RATINGS = ("up", "down")
COMMENT_CHARACTERS = 4_000


def give(
    session: Session, owner: str, conversation_id: UUID, message_id: UUID, rating: str | None, comment: str = ""
) -> None:
    """Rate an answer; None takes the rating back, another one replaces it. Raises `NotFound`, `Invalid`."""
    if rating is not None and rating not in RATINGS:
        raise Invalid(f"The rating is {rating!r}; it must be up, down or nothing.")
    if len(comment) > COMMENT_CHARACTERS:
        raise Invalid(f"The comment has {len(comment):,} characters; {COMMENT_CHARACTERS:,} is the most.")
    tree.lock(session, owner, conversation_id)
    rated = session.execute(
        update(Message)
        .where(
            col(Message.id) == message_id,
            col(Message.conversation_id) == conversation_id,
            col(Message.role) == "assistant",
        )
        .values(rated=rating is not None)
        .returning(col(Message.id))
    ).one_or_none()
    if rated is None:
        raise NotFound("This answer is not in this conversation.")
    session.execute(delete(Feedback).where(col(Feedback.message_id) == message_id))
    if rating is not None:
        session.execute(
            insert(Feedback).values(
                message_id=message_id, rating=rating, comment=storable(comment).strip(), created_at=now()
            )
        )
    tree.announce(session, {conversation_id})


def of(session: Session, message_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The rating of each of these messages that has one."""
    if not message_ids:
        return {}
    rows = session.execute(
        select(col(Feedback.message_id), col(Feedback.rating)).where(col(Feedback.message_id).in_(message_ids))
    )
    return {row.message_id: row.rating for row in rows}
