"""The least that a chat needs, by the driver alone: two tables, one index, no safety but the database's own.

What the store is measured against. SQLite runs with the settings of the store (WAL, synchronous=FULL).
"""

import asyncio
import sqlite3
import time
import uuid
from pathlib import Path
from typing import Any, Protocol

TABLES = (
    "CREATE TABLE conversation (id TEXT PRIMARY KEY, owner TEXT NOT NULL, updated_at DOUBLE PRECISION NOT NULL)",
    """CREATE TABLE message (id TEXT PRIMARY KEY, conversation_id TEXT NOT NULL REFERENCES conversation (id),
        position INTEGER NOT NULL, role TEXT NOT NULL, content TEXT NOT NULL, created_at DOUBLE PRECISION NOT NULL)""",
    "CREATE UNIQUE INDEX message_order ON message (conversation_id, position)",
)
INSERT = "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?)"
NEWEST = "SELECT id, role, content FROM message WHERE conversation_id = ? ORDER BY position DESC LIMIT ?"


class Raw(Protocol):
    """A conversation is made with so many messages; a turn inserts, reads 20, commits, inserts, commits."""

    def fill(self, messages: int) -> Any: ...

    def turn(self, conversation: Any, position: int) -> None: ...

    def newest(self, conversation: Any, count: int) -> int: ...

    def close(self) -> None: ...


def _rows(conversation: str, messages: int) -> list[tuple[Any, ...]]:
    now = time.time()
    return [
        (uuid.uuid4().hex, conversation, n, "assistant" if n % 2 else "user", f"message {n} " * 20, now)
        for n in range(messages)
    ]


class RawSqlite:
    """`sqlite3` of the standard library."""

    def __init__(self, directory: Path) -> None:
        self.connection = sqlite3.connect(directory / "raw.db", isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=FULL")
        for table in TABLES:
            self.connection.execute(table)

    def fill(self, messages: int) -> str:
        conversation = uuid.uuid4().hex
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.execute("INSERT INTO conversation VALUES (?, ?, ?)", (conversation, "ada", time.time()))
        self.connection.executemany(INSERT, _rows(conversation, messages))
        self.connection.execute("COMMIT")
        return conversation

    def turn(self, conversation: str, position: int) -> None:
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        execute(INSERT, (uuid.uuid4().hex, conversation, position, "user", "a question", time.time()))
        execute(NEWEST, (conversation, 20)).fetchall()
        execute("COMMIT")
        execute("BEGIN IMMEDIATE")
        execute(INSERT, (uuid.uuid4().hex, conversation, position + 1, "assistant", "an answer " * 40, time.time()))
        execute("COMMIT")

    def newest(self, conversation: str, count: int) -> int:
        return len(self.connection.execute(NEWEST, (conversation, count)).fetchall())

    def close(self) -> None:
        self.connection.close()


class RawAsyncpg:
    """asyncpg on one connection, with its own statement cache, in an event loop of its own."""

    def __init__(self, url: str) -> None:
        import asyncpg

        self.loop = asyncio.new_event_loop()
        self.connection: Any = self._run(asyncpg.connect(url.replace("postgresql+psycopg", "postgresql")))
        for table in TABLES:
            self._run(self.connection.execute(table))

    def _run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def fill(self, messages: int) -> str:
        conversation = uuid.uuid4().hex
        insert = "INSERT INTO conversation VALUES ($1, $2, $3)"
        self._run(self.connection.execute(insert, conversation, "ada", time.time()))
        if messages:
            self._run(self.connection.copy_records_to_table("message", records=_rows(conversation, messages)))
        return conversation

    def turn(self, conversation: str, position: int) -> None:
        self._run(self._turn(conversation, position))

    async def _turn(self, conversation: str, position: int) -> None:
        insert = "INSERT INTO message VALUES ($1, $2, $3, $4, $5, $6)"
        pg = self.connection
        async with pg.transaction():
            await pg.execute(insert, uuid.uuid4().hex, conversation, position, "user", "a question", time.time())
            await pg.fetch(NEWEST.replace("?", "$1", 1).replace("?", "$2"), conversation, 20)
        async with pg.transaction():
            answer = "an answer " * 40
            await pg.execute(insert, uuid.uuid4().hex, conversation, position + 1, "assistant", answer, time.time())

    def newest(self, conversation: str, count: int) -> int:
        query = NEWEST.replace("?", "$1", 1).replace("?", "$2")
        return len(self._run(self.connection.fetch(query, conversation, count)))

    def close(self) -> None:
        self._run(self.connection.close())
        self.loop.close()
