"""The database itself: transactions that are whole, retried when they may be, and trouble that shows within seconds."""

import asyncio
import socket
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Event as ProcessEvent

import psycopg
import pytest
from sqlalchemy import make_url, select, text, update
from sqlmodel import Session, col

from convstore import conversations, engines
from convstore.database import Database
from convstore.errors import Invalid, Unavailable
from convstore.models import Conversation
from tests.services.postgres import Postgres, database_name
from tests.store.processes import CONTEXT
from tests.store.scenes import OWNER, ask, fence_of, finish, say, show

ON_POSTGRESQL = pytest.mark.parametrize("dialect", ["postgresql"])
ON_SQLITE = pytest.mark.parametrize("dialect", ["sqlite"])


def _titles(database: Database) -> set[str]:
    with database.read() as session:
        return {item.title for item in conversations.recent(session, OWNER).items}


def test_a_block_that_fails_leaves_nothing(database: Database) -> None:
    def fail(session: Session) -> None:
        conversations.create(session, OWNER, "half")
        raise ValueError

    with pytest.raises(ValueError):
        database.run(fail)
    assert _titles(database) == set()
    database.run(conversations.create, OWNER, "whole")
    assert _titles(database) == {"whole"}


def test_what_one_read_returns_belongs_together(database: Database) -> None:
    turn = ask(database)
    with database.read() as session:
        before = conversations.get(session, OWNER, turn.conversation_id)
        finish(database, fence_of(turn))
        assert conversations.get(session, OWNER, turn.conversation_id) == before
    assert show(database, turn.conversation_id).conversation.version > before.version


def test_racing_read_modify_writes_lose_no_update(database: Database, database_url: str) -> None:
    created = database.run(conversations.create, OWNER)
    other = Database(database_url)

    def grow(session: Session) -> None:
        seen = session.execute(
            select(col(Conversation.message_count)).where(col(Conversation.id) == created.id).with_for_update()
        ).scalar_one()
        session.execute(update(Conversation).values(message_count=seen + 1))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: (database if n % 2 else other).run(grow), range(200)))
    other.close()
    assert show(database, created.id).conversation.message_count == 200


@ON_POSTGRESQL
def test_a_deadlock_is_run_again_and_both_succeed(database: Database) -> None:
    ids = [database.run(conversations.create, OWNER).id for _ in range(2)]
    both = threading.Barrier(2, timeout=10)
    tries: list[int] = []

    def cross(session: Session, first: int) -> None:
        tries.append(first)
        for step, index in enumerate((first, 1 - first)):
            session.execute(update(Conversation).where(col(Conversation.id) == ids[index]).values(lane_count=step))
            if step == 0 and len(tries) <= 2:
                both.wait()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda n: database.run(cross, n), range(2)))
    assert len(tries) == 3


@ON_POSTGRESQL
def test_everything_works_where_serializable_is_the_default(database_url: str, postgres: Postgres) -> None:
    where = f"host={postgres.directory} user=postgres dbname=postgres"
    with psycopg.connect(where, autocommit=True) as admin:
        admin.execute(
            f"ALTER DATABASE \"{database_name(database_url)}\" SET default_transaction_isolation TO 'serializable'"
        )
    database = Database(database_url)
    with database.write() as session:
        assert session.execute(text("SHOW transaction_isolation")).scalar_one() == "serializable"
    first = ask(database, "one")
    with ThreadPoolExecutor(8) as people:
        sends = [
            people.submit(ask, database, f"{n % 40}", conversation_id=first.conversation_id, key=f"key {n % 40}")
            for n in range(80)
        ]
        flushes = [people.submit(say, database, fence_of(first), f"{n} ", first=n) for n in range(1, 21)]
        assert all(flush.result(60) for flush in flushes)
        sent = [send.result(60) for send in sends]
    assert len({turn.answer_id for turn in sent}) == 40, "a key that is used twice is one turn"
    window = show(database, first.conversation_id, limit=200)
    assert [m.position for m in window.messages] == list(range(82))
    assert sorted(window.messages[1].content.split(), key=int) == [str(n) for n in range(1, 21)]
    database.close()


@ON_POSTGRESQL
@pytest.mark.parametrize("idle_seconds", [0.0, 3600.0])
def test_after_the_server_cut_all_connections_work_goes_on(
    database_url: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, idle_seconds: float
) -> None:
    monkeypatch.setattr(engines, "IDLE_SECONDS", idle_seconds)
    database = Database(database_url, pool_size=4)
    barrier = threading.Barrier(4)

    def busy(session: Session) -> None:
        session.execute(text("SELECT 1"))
        barrier.wait(10)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: database.run(busy), range(4)))
    where = f"host={postgres.directory} user=postgres dbname=postgres"
    with psycopg.connect(where, autocommit=True) as admin:
        cut = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = %s"
        assert admin.execute(cut, [database_name(database_url)]).fetchone() == (4,)
    if idle_seconds:
        database.run(conversations.create, OWNER, "a write on a dead connection")
    assert asyncio.run(database.reading(conversations.recent, OWNER)).next is None
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: database.run(conversations.create, OWNER, str(n)), range(8)))
    assert len(_titles(database)) == 8 + bool(idle_seconds)
    database.close()


@ON_POSTGRESQL
def test_a_write_that_was_cut_in_the_middle_is_run_again_on_a_fresh_connection(
    database: Database, postgres: Postgres
) -> None:
    tries: list[int] = []

    def cut(session: Session) -> None:
        conversations.create(session, OWNER, f"try {len(tries)}")
        tries.append(int(session.execute(text("SELECT pg_backend_pid()")).scalar_one()))
        if len(tries) == 1:
            where = f"host={postgres.directory} user=postgres dbname=postgres"
            with psycopg.connect(where, autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(%s, 5000)", [tries[0]])
        session.execute(text("SELECT 1"))

    database.run(cut)
    assert len(set(tries)) == 2 and _titles(database) == {"try 1"}


def _lock(file: str, locked: ProcessEvent, let_go: ProcessEvent) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    locked.set()
    let_go.wait(30)
    connection.execute("ROLLBACK")
    connection.close()


@ON_SQLITE
@pytest.mark.parametrize("patient", [True, False])
def test_a_file_that_another_process_has_locked_is_waited_for_but_not_for_ever(
    database_url: str, monkeypatch: pytest.MonkeyPatch, patient: bool
) -> None:
    monkeypatch.setattr(engines, "BUSY_MILLISECONDS", 8000 if patient else 100)
    monkeypatch.setattr("convstore.database.GIVE_UP_SECONDS", 0.05)
    database = Database(database_url)
    locked, let_go = CONTEXT.Event(), CONTEXT.Event()
    other = CONTEXT.Process(target=_lock, args=(make_url(database_url).database, locked, let_go))
    other.start()
    try:
        assert locked.wait(20)
        assert _titles(database) == set(), "readers are never locked out"
        if patient:
            threading.Timer(0.5, let_go.set).start()
            database.run(conversations.create, OWNER, "waited")
        else:
            began = time.monotonic()
            with ThreadPoolExecutor(3) as people:
                for failed in [people.submit(database.run, conversations.create, OWNER, str(n)) for n in range(3)]:
                    with pytest.raises(Unavailable, match="try again"):
                        failed.result(20)
            assert time.monotonic() - began < 5
    finally:
        let_go.set()
        other.join(20)
    database.run(conversations.create, OWNER, "after")
    assert "after" in _titles(database)
    database.close()


def test_a_server_that_is_not_there_is_unavailable_at_once() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        database = Database(f"postgresql://someone:secret@127.0.0.1:{nobody.getsockname()[1]}/chat")
        with pytest.raises(Unavailable) as refused:
            database.check()
    assert "secret" not in str(refused.value) and "127.0.0.1" not in str(refused.value)
    with pytest.raises(Unavailable):
        database.run(conversations.create, OWNER)
    database.close()


def test_a_server_that_does_not_answer_is_unavailable_within_seconds() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        database = Database(f"postgresql://someone@127.0.0.1:{silent.getsockname()[1]}/chat")
        began = time.monotonic()
        with pytest.raises(Unavailable):
            database.check()
        assert time.monotonic() - began < 8
        database.close()


@pytest.mark.parametrize("url", ["", "chat.db", "mysql://a@b/c", "sqlite://", "sqlite:///:memory:", "postgresql"])
def test_a_url_that_cannot_work_is_refused_by_its_setting(url: str) -> None:
    with pytest.raises(Invalid, match="DATABASE_URL"):
        Database(url)


def test_a_caller_that_is_cancelled_does_not_cancel_the_transaction(database: Database) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(session: Session) -> None:
        conversations.create(session, OWNER, "done all the same")
        inside.set()
        go_on.wait(10)

    async def leave() -> None:
        task = asyncio.create_task(database.writing(slow))
        while not inside.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()

    asyncio.run(leave())
    database.close()
    again = Database(database.url)
    assert _titles(again) == {"done all the same"}
    again.close()


@ON_SQLITE
def test_a_sqlite_file_is_as_safe_as_it_can_be(database: Database) -> None:
    with database.read() as session:
        settings = {
            name: session.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
