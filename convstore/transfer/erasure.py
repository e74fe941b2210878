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
from collections.abc import Callable
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
REWRITTEN_BYTES = 500_000_000  # of a file: about five seconds, in which others wait to write
TRIES = 3
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
    for table, key in _OWNED:
        _all(db, lambda session, table=table, key=key: _remove(session, owner, table, key))  # type: ignore[misc]
    return Erased(conversations, messages, rewrite(db) if db.dialect == "sqlite" else None)


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
    _overwrite(session)
    ids = (
        session.execute(select(col(Conversation.id)).where(col(Conversation.owner) == NOBODY).limit(CONVERSATIONS))
        .scalars()
        .all()
    )
    if not ids:
        return None
    some = select(col(Message.id)).where(col(Message.conversation_id).in_(ids)).limit(ROWS)
    gone = len(session.execute(delete(Message).where(col(Message.id).in_(some)).returning(col(Message.position))).all())
    if gone < ROWS:
        session.execute(delete(Conversation).where(col(Conversation.id).in_(ids), col(Conversation.owner) == NOBODY))
    return gone


def _remove(session: Session, owner: str, table: type[SQLModel], key: tuple[Any, ...]) -> int:
    _overwrite(session)
    some = select(*key).where(key[0] == owner).limit(ROWS)
    return len(session.execute(delete(table).where(tuple_(*key).in_(some)).returning(key[0])).all())


def _overwrite(session: Session) -> None:
    """Have SQLite write zeros over what this connection deletes: a file too large to be rewritten has no more."""
    if dialect_of(session) == "sqlite":
        session.execute(text("PRAGMA secure_delete = ON"))


def rewrite(db: Database) -> bool:
    """Leave nothing deleted in a SQLite file nor its log; returns whether that could be done now.

    Not while a reader holds on to the past for longer than a write waits, nor for a file that is too large.
    """
    for _ in range(TRIES):
        try:
            with db.engine.connect() as connection:
                connection.exec_driver_sql("COMMIT")  # VACUUM is its own transaction; the engine has begun one
                if _rewritten(connection):
                    return True
        except DBAPIError as error:
            log.warning("the database file could not be rewritten: %s", error.orig)
    return False


def _rewritten(connection: Connection) -> bool:
    run = connection.exec_driver_sql
    _merge_indexes(connection)
    size = run("PRAGMA page_count").scalar_one() * run("PRAGMA page_size").scalar_one()
    if size <= REWRITTEN_BYTES:
        run("PRAGMA temp_store = FILE")  # the copy, of what is left
        try:
            run("VACUUM")
        finally:
            run("PRAGMA temp_store = MEMORY")
    busy: int = run("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()
    return size <= REWRITTEN_BYTES and not busy


def _merge_indexes(connection: Connection) -> None:
    """A full-text index keeps the words of deleted rows until its segments are merged."""
    found = connection.exec_driver_sql(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%USING fts5%'"
    )
    for name in found.scalars().all():
        connection.exec_driver_sql(f'INSERT INTO "{name}"("{name}") VALUES (\'optimize\')')
