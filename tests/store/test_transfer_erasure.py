"""Delete everything of mine: afterwards there is nothing, and whatever is others' is as it was."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import func, make_url, select, text
from sqlmodel import SQLModel, col

from convstore import (
    answers,
    changes,
    conversations,
    feedback,
    forks,
    messages,
    presets,
    sharing,
    tool_calls,
    trash,
    turns,
)
from convstore.conversations import Settings
from convstore.database import Database
from convstore.errors import NotFound
from convstore.models import Conversation
from convstore.search import indexing
from convstore.transfer import erasure
from tests.store.luggage import conversation, document, exported, imported
from tests.store.processes import processes
from tests.store.scenes import HERE, OWNER, STRANGER, ask, fence_of, finish, say, take, talk

MARKER = "zqxplanted7f3"  # one word, as the search index would have it
EMPTY = b'{"format":"convstore","version":1,"conversations":[\n]}\n'


def plant(database: Database, owner: str = OWNER) -> turns.Turn:
    """The marker everywhere something of a person's can be; returns a turn whose answer is being written."""
    first, second = talk(database, f"{MARKER} one", f"two {MARKER} " + "filling " * 2_000, owner=owner)
    key = first.conversation_id
    settings = Settings(f"system {MARKER}", MARKER, 1.0)
    database.run(conversations.change, owner, key, title=f"first {MARKER}", settings=settings)
    database.run(conversations.rename, owner, key, f"second {MARKER}")
    database.run(feedback.give, owner, key, second.answer_id, "up", MARKER)
    database.run(presets.save, owner, MARKER, settings)
    thrown = talk(database, f"thrown away {MARKER}", owner=owner)[0]
    database.run(trash.discard, owner, thrown.conversation_id)
    database.run(sharing.share, owner, key, "live")
    while database.run(indexing.catch_up):
        pass
    running = ask(database, f"running {MARKER}", owner=owner, conversation_id=key, key=f"key {MARKER}")
    fence = fence_of(running)
    database.run(tool_calls.start, fence, "c", MARKER, f'"{MARKER}"', repeatable=True, text_offset=0)
    database.run(tool_calls.settle, fence, "c", MARKER, failed=False)
    say(database, fence, *(f"{MARKER} {number}" for number in range(50)))
    return running


def files(database: Database) -> list[Path]:
    name = make_url(database.url).database
    assert name is not None
    return [path for path in (Path(name), Path(name + "-wal"), Path(name + "-shm")) if path.exists()]


def traces(database: Database) -> list[str]:
    """Where the marker still is: the files it is in, or the tables."""
    if database.dialect == "sqlite":
        return [path.name for path in files(database) if MARKER.encode() in path.read_bytes()]
    with database.read() as session:
        every = session.execute(text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname !~ '^(pg|sql)_'"))
        return [
            table
            for table in every.scalars().all()
            if session.execute(
                text(f'SELECT count(*) FROM "{table}" WHERE CAST("{table}".* AS text) LIKE :marker'),
                {"marker": f"%{MARKER}%"},
            ).scalar_one()
        ]


def test_nothing_is_left_in_rows_index_file_or_log(database: Database) -> None:
    plant(database)
    assert traces(database), "it has been there"
    gone = erasure.everything(database, OWNER)
    assert (gone.conversations, gone.messages) == (2, 8)
    assert gone.overwritten is (True if database.dialect == "sqlite" else None)
    assert traces(database) == []
    assert exported(database) == EMPTY
    with database.read() as session:
        for table in SQLModel.metadata.tables.values():
            if table.name != "search_pending":
                assert session.execute(select(func.count()).select_from(table)).scalar_one() == 0, table.name


def test_what_is_others_stays_as_it_was(database: Database) -> None:
    mine = plant(database)
    talk(database, "theirs", owner=STRANGER)
    copy = database.run(forks.fork, STRANGER, mine.conversation_id)
    database.run(conversations.rename, STRANGER, copy.id, "a copy of mine")
    database.run(presets.save, STRANGER, "theirs", Settings("x", None, None))
    before = exported(database, STRANGER)
    erasure.everything(database, OWNER)
    assert exported(database, STRANGER) == before
    with database.read() as session:
        assert len(presets.of(session, STRANGER)) == 1
        with pytest.raises(NotFound):
            sharing.read(session, mine.conversation_id)


def test_what_is_being_written_stops_and_its_readers_learn_that_it_is_gone(database: Database) -> None:
    turn = plant(database)
    waiting = ask(database, f"queued {MARKER}", lease=None)
    erasure.everything(database, OWNER)
    assert not say(database, fence_of(turn), MARKER, first=51)
    assert not finish(database, fence_of(turn), MARKER)
    assert take(database) == []
    with database.read() as session:
        heads = changes.since(session, {turn.conversation_id: 1, waiting.conversation_id: 1}, {}).heads
    assert [head.owner for head in heads] == [None, None]
    assert traces(database) == []


def test_it_is_gone_for_everybody_before_the_first_row_is_deleted(database: Database) -> None:
    turn = plant(database)
    database.run(erasure._take_away, OWNER)
    with database.read() as session:
        for attempt in (
            lambda: conversations.get(session, OWNER, turn.conversation_id, trashed=True),
            lambda: messages.window(session, OWNER, turn.conversation_id),
            lambda: sharing.read(session, turn.conversation_id),
        ):
            with pytest.raises(NotFound):
                attempt()
    with pytest.raises(NotFound):
        database.run(trash.restore, OWNER, turn.conversation_id)
    with pytest.raises(NotFound):
        database.run(forks.fork, STRANGER, turn.conversation_id)
    assert not database.run(answers.flush, HERE, [])


def test_what_a_cut_off_erasure_left_goes_with_the_next_one(database: Database) -> None:
    plant(database)
    database.run(erasure._take_away, OWNER)
    database.run(erasure._remove_nobodys)
    erasure.everything(database, STRANGER)
    with database.read() as session:
        assert session.execute(select(func.count()).select_from(Conversation)).scalar_one() == 0


def test_more_than_one_batch_is_deleted(database: Database) -> None:
    long = conversation(*(f"{MARKER} {number}" for number in range(erasure.ROWS * 2 + 5)))
    many = [conversation("x", created_at=f"2024-05-06T07:08:09.{n:06}Z") for n in range(erasure.CONVERSATIONS + 5)]
    imported(database, document(long, *many))
    gone = erasure.everything(database, OWNER)
    assert (gone.conversations, gone.messages) == (
        erasure.CONVERSATIONS + 6,
        erasure.ROWS * 2 + erasure.CONVERSATIONS + 10,
    )
    assert traces(database) == []


def test_nobody_is_an_owner(database: Database) -> None:
    assert erasure.NOBODY == ""
    assert erasure.everything(database, "nobody at all").conversations == 0


def _talk_until(url: str, path: str) -> int:
    database = Database(url, pool_size=2)
    done = 0
    while not Path(path).exists():
        talk(database, f"theirs {done}", owner=STRANGER)
        done += 1
    database.close()
    return done


def test_other_instances_read_and_write_meanwhile_and_lose_nothing(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    plant(database)
    imported(database, document(conversation(*(f"{MARKER} " * 50 for _ in range(3_000)))))
    stop = tmp_path / "stop"
    with processes(1) as instances, ThreadPoolExecutor(1) as threads:
        writer = instances.submit(_talk_until, database_url, str(stop))
        halt = Event()
        reader = threads.submit(_read_until, database_url, halt)
        try:
            gone = erasure.everything(database, OWNER)
        finally:
            stop.touch()
            halt.set()
        written = writer.result(60)
        assert reader.result(60) >= 0
    assert gone.messages == 3_008
    assert traces(database) == []
    with database.read() as session:
        count = select(func.count()).select_from(Conversation).where(col(Conversation.owner) == STRANGER)
        assert session.execute(count).scalar_one() == written


def _read_until(url: str, halt: Event) -> int:
    database = Database(url, pool_size=2)
    done = 0
    while not halt.is_set():
        with database.read() as session:
            conversations.recent(session, STRANGER)
        done += 1
    database.close()
    return done


def test_it_says_when_somebody_still_looks_at_the_past(
    fresh_database: Callable[[str], AbstractContextManager[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "READERS_SECONDS", 0.1)
    with fresh_database("sqlite") as url:
        database, other = Database(url), Database(url)
        talk(database, MARKER)
        with other.read() as session:
            conversations.recent(session, STRANGER)
            gone = erasure.everything(database, OWNER)
            assert (gone.conversations, gone.overwritten) == (1, False)
        assert exported(database) == EMPTY
        assert erasure.rewrite(database)
        assert traces(database) == []
        other.close()
        database.close()


def test_a_file_too_large_to_be_rewritten_is_overwritten_where_the_rows_were(
    fresh_database: Callable[[str], AbstractContextManager[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "REWRITTEN_BYTES", 0)
    with fresh_database("sqlite") as url:
        database = Database(url)
        imported(database, document(conversation(*(f"{number} {MARKER}" for number in range(200)))))
        assert erasure.everything(database, OWNER).overwritten is False, "nothing is promised then"
        assert traces(database) == []
        database.close()
