"""Indexing: after the fact, in batches, by whichever instance gets to it; `search` reads what is not indexed yet.

Indexing within a turn would double what the turn writes (measured on SQLite: 0.40 → 0.80 ms). Instead, triggers note in
the same transaction that there is something to do, and nothing can be missed or forgotten: a row in `search_pending` is
the truth, until the transaction that indexes it deletes it. One instance at a time does it.

What is gone: entries go with their conversation, by foreign key. On SQLite the full-text table then only marks them as
deleted; `erase` takes the last trace of them out of the file.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlmodel import Session, col

from convstore.database import dialect_of
from convstore.models import FINISHED, Conversation, Message, SearchEntry, SearchPending
from convstore.search import entries
from convstore.search.entries import Source

BATCH = 200  # texts in one transaction, and
BATCH_CHARACTERS = 100_000  # characters: some 20 ms, in which nobody else can write to SQLite
LOCK = 0x73656172  # "sear": any number that only we use, for pg_try_advisory_xact_lock
MERGE_PAGES = 500  # of the full-text table in one step of `erase`: some 10 ms

_HELD: dict[str, Any] = {"read": True, "key_share": True}  # what entries are added to is not deleted meanwhile
_OLDEST = (
    select(
        col(SearchPending.id),
        col(SearchPending.conversation_id),
        col(SearchPending.message_id),
        func.coalesce(func.length(col(Message.content)), 0).label("characters"),
    )
    .join(Message, col(Message.id) == col(SearchPending.message_id), isouter=True)
    .order_by(col(SearchPending.id))
    .limit(BATCH)
)


def is_behind(session: Session) -> bool:
    """Whether anything waits to be indexed: the cheap question an idle instance asks."""
    return session.execute(select(col(SearchPending.id)).limit(1)).first() is not None


def catch_up(session: Session) -> int:
    """Index what has waited longest; returns how much of it. Call it until it returns 0: all done, or being done."""
    batch = _batch(session) if _is_ours(session) else []
    if not batch:
        return 0
    message_ids = {row.message_id for row in batch if row.message_id is not None}
    titled = {row.conversation_id for row in batch if row.message_id is None}
    sources = [*_messages(session, message_ids), *_titles(session, titled)]
    title_of_those = col(SearchEntry.conversation_id).in_(titled) & col(SearchEntry.message_id).is_(None)
    session.execute(delete(SearchEntry).where(or_(col(SearchEntry.message_id).in_(message_ids), title_of_those)))
    entries.write(session.connection(), sources)
    session.execute(delete(SearchPending).where(col(SearchPending.id).in_([row.id for row in batch])))
    return len(batch)


def _is_ours(session: Session) -> bool:
    if dialect_of(session) == "sqlite":
        return True  # it has one writer anyway
    # Of the transaction, not of the session: PgBouncer may give the next transaction another session.
    return bool(session.execute(select(func.pg_try_advisory_xact_lock(LOCK))).scalar_one())


def _batch(session: Session) -> list[Any]:
    batch: list[Any] = []
    left = BATCH_CHARACTERS
    for row in session.execute(_OLDEST):
        if batch and row.characters > left:
            break
        left -= row.characters
        batch.append(row)
    return batch


def _messages(session: Session, message_ids: set[UUID]) -> list[Source]:
    if not message_ids:
        return []
    rows = session.execute(
        select(
            col(Conversation.owner),
            col(Message.conversation_id),
            col(Message.id),
            col(Message.created_at),
            col(Message.content),
        )
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .where(col(Message.id).in_(message_ids), col(Message.status).in_(FINISHED))
        .order_by(col(Conversation.id), col(Message.id))
        .with_for_update(**_HELD)
    )
    return [Source(*row) for row in rows]


def _titles(session: Session, conversation_ids: set[UUID]) -> list[Source]:
    if not conversation_ids:
        return []
    rows = session.execute(
        select(col(Conversation.owner), col(Conversation.id), col(Conversation.created_at), col(Conversation.title))
        .where(col(Conversation.id).in_(conversation_ids))
        .order_by(col(Conversation.id))
        .with_for_update(**_HELD)
    )
    return [
        Source(owner, conversation_id, None, created_at, title) for owner, conversation_id, created_at, title in rows
    ]
