"""Delete everything of mine: all rows of one owner, for good, and on SQLite their bytes.

1. In short transactions all conversations are taken from the owner: from then on they are nobody's, no list, link,
   stream or export has them, and what is being written in them stops. Nothing can be added to them any more.
2. What is nobody's is deleted in batches, with all that hangs on it. What an erasure that was cut off left behind goes
   with the next one, whoever's it is; and, being in the trash, with the next purge.
3. A deleted row is not yet gone from a file: SQLite's is rewritten (VACUUM) and its log emptied, which is safe beside
   other instances: they wait for it as for any write. PostgreSQL's own VACUUM does that there, in its own time.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select, text, tuple_, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, SQLModel, col

from convstore import answers
from convstore.clock import now
from convstore.database import Database, dialect_of
from convstore.models import Conversation, IdempotencyKey, Message, Preset, Usage
from convstore.tree import IS_ACTIVE

log = logging.getLogger(__name__)

NOBODY = ""  # no identity has this name, and `conversations.add` refuses it
CONVERSATIONS = 200  # in one transaction
ROWS = 1_000
PAUSE_SECONDS = 0.005  # between two transactions, for the others who want to write
MERGED_PAGES = 500  # of a full-text index, in one step
REWRITTEN_BYTES = 500_000_000  # of a file: about five seconds, in which others wait to write
READERS_SECONDS = 10.0  # how long the log waits for readers of what was before
_OWNED: tuple[tuple[type[SQLModel], tuple[Any, ...]], ...] = (
    (Preset, (col(Preset.owner), col(Preset.name))),
    (IdempotencyKey, (col(IdempotencyKey.owner), col(IdempotencyKey.key))),
    (Usage, (col(Usage.owner), col(Usage.kind), col(Usage.starts_at))),
)


@dataclass(frozen=True, slots=True)
class Erased:
    """What went. `overwritten`: not even the file has it any more; None where that is the database server's to do."""

    conversations: int
    messages: int
    overwritten: bool | None


def everything(db: Database, owner: str) -> Erased:
    """Delete all that is this owner's. Blocks until it is done: call it in a thread. Raises `Unavailable`."""
    conversations = _all(db, lambda session: _take_away(session, owner))
    messages = 0
    while (gone := db.run(_remove_nobodys)) is not None:
        messages += gone
        time.sleep(PAUSE_SECONDS)
    rows = sum(_all(db, _remover(owner, table, key)) for table, key in _OWNED)
    if db.dialect != "sqlite":
        return Erased(conversations, messages, None)
    return Erased(conversations, messages, not (conversations or messages or rows) or rewrite(db))


def _all(db: Database, batch: Callable[[Session], int]) -> int:
    done = 0
    while count := db.run(batch):
        done += count
        time.sleep(PAUSE_SECONDS)
    return done


def _take_away(session: Session, owner: str) -> int:
    """Make some of the owner's conversations nobody's; returns how many."""
    ids = (
        session.execute(
            select(col(Conversation.id))
            .where(col(Conversation.owner) == owner)
            .order_by(col(Conversation.id))
            .limit(CONVERSATIONS)
            .with_for_update(key_share=True)
        )
        .scalars()
        .all()
    )
    written = session.execute(
        select(col(Message.conversation_id)).where(col(Message.conversation_id).in_(ids), IS_ACTIVE).distinct()
    ).scalars()
    for conversation_id in written.all():
        answers.stop_all(session, conversation_id)
    session.execute(
        update(Conversation)
        .where(col(Conversation.id).in_(ids))
        .values(owner=NOBODY, trashed_at=now(), version=Conversation.version + 1)
    )
    return len(ids)


def _remove_nobodys(session: Session) -> int | None:
    """Delete some messages of nobody's conversations, then those themselves; None when there are no more."""
    ids = (
        session.execute(
            select(col(Conversation.id))
            .where(col(Conversation.owner) == NOBODY)
            .order_by(col(Conversation.id))
            .limit(CONVERSATIONS)
            .with_for_update()
        )
        .scalars()
        .all()
    )
    if not ids:
        return None
    some = select(col(Message.id)).where(col(Message.conversation_id).in_(ids)).limit(ROWS)
    with _overwriting(session):
        gone = session.execute(delete(Message).where(col(Message.id).in_(some)).returning(col(Message.position))).all()
        if len(gone) < ROWS:
            emptied = (col(Conversation.id).in_(ids), col(Conversation.owner) == NOBODY)
            session.execute(delete(Conversation).where(*emptied))
    return len(gone)


def _remover(owner: str, table: type[SQLModel], key: tuple[Any, ...]) -> Callable[[Session], int]:
    def remove(session: Session) -> int:
        some = select(*key).where(key[0] == owner).limit(ROWS)
        with _overwriting(session):
            return len(session.execute(delete(table).where(tuple_(*key).in_(some)).returning(key[0])).all())

    return remove


@contextmanager
def _overwriting(session: Session) -> Iterator[None]:
    """Have SQLite write zeros over what is deleted: a file too large to be rewritten has no more than that."""
    if dialect_of(session) != "sqlite":
        yield
        return
    session.execute(text("PRAGMA secure_delete = ON"))
    try:
        yield
    finally:
        session.execute(text("PRAGMA secure_delete = OFF"))


def rewrite(db: Database) -> bool:
    """Leave nothing deleted in a SQLite file nor in its log; returns whether that could be done now.

    Not while a reader holds on to the past, nor for a file that is too large.
    """
    with db.engine.connect() as connection:
        run = connection.exec_driver_sql
        run("COMMIT")  # VACUUM is its own transaction; the engine has begun one
        try:
            _merge_indexes(connection)
            small: bool = (
                run("PRAGMA page_count").scalar_one() * run("PRAGMA page_size").scalar_one() <= REWRITTEN_BYTES
            )
            if small:
                run("PRAGMA temp_store = FILE")  # the copy, of what is left
                run("VACUUM")
            deadline = time.monotonic() + READERS_SECONDS
            while busy := run("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one():
                if time.monotonic() > deadline:
                    log.warning("the database's log could not be emptied: somebody reads for a long time")
                    break
            return small and not busy
        except DBAPIError as error:
            log.warning("the database file could not be rewritten: %s", error.orig)
            return False
        finally:
            connection.invalidate()  # with its settings


def _merge_indexes(connection: Connection) -> None:
    """A full-text index keeps the words of deleted rows until all its segments are merged: https://sqlite.org/fts5.html.

    In steps, so that nobody waits for all of it.
    """
    run = connection.exec_driver_sql
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%USING fts5%'"
    for name in run(tables).scalars().all():
        pages = -MERGED_PAGES  # the first step takes all segments in, the others go on with it
        changes, before = 2, run("SELECT total_changes()").scalar_one()
        while changes >= 2:  # a step with nothing to do counts as one
            run(f'INSERT INTO "{name}"("{name}", rank) VALUES (\'merge\', {pages})')
            after = run("SELECT total_changes()").scalar_one()
            pages, changes, before = MERGED_PAGES, after - before, after
