"""One poll per tick for everybody, nothing when nobody reads, and patience while the database is away."""

import asyncio
import time
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event as sql_event

from convstore import follow
from convstore.database import Database
from convstore.errors import Unavailable
from convstore.follow import Hub
from tests.follow.conftest import NewHub
from tests.follow.reading import Reader
from tests.follow.reading import follow as open_stream
from tests.store.scenes import ask, fence_of, say

pytestmark = pytest.mark.anyio
run = asyncio.to_thread


async def _polls(hub: Hub, count: int) -> float:
    """How long so many polls take."""
    began, before = time.monotonic(), hub.polls
    async with asyncio.timeout(30):
        while hub.polls < before + count:
            await asyncio.sleep(0.005)
    return time.monotonic() - began


async def test_five_hundred_readers_are_one_poll_of_three_statements(database: Database) -> None:
    turns = [await run(ask, database, str(n)) for n in range(50)]
    hub = Hub(database)
    readers = [Reader(hub, turns[n % 50].conversation_id) for n in range(500)]
    for n, reader in enumerate(readers):
        await reader.at(turns[n % 50].version)
    assert hub.readers == 500
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    sql_event.listen(database.engine, "before_cursor_execute", note)
    before = hub.polls
    await _polls(hub, 5)
    sql_event.remove(database.engine, "before_cursor_execute", note)
    assert len(statements) <= 3 * (hub.polls - before + 1)
    for n, turn in enumerate(turns):
        await run(say, database, fence_of(turn), f"text of {n}")
    for n, reader in enumerate(readers):
        await reader.shows(turns[n % 50].answer_id, f"text of {n % 50}")
        await reader.close()
    assert hub.readers == 0


async def test_polls_are_no_closer_than_the_tick(database: Database, new_hub: NewHub) -> None:
    turn = await run(ask, database)
    hub = new_hub()
    reader = Reader(hub, turn.conversation_id)
    await reader.at(turn.version)
    await _polls(hub, 1)
    assert await _polls(hub, 5) >= 4 * follow.LIVE_TICK_SECONDS
    await reader.close()


async def test_nothing_is_polled_when_nobody_reads(database: Database, new_hub: NewHub) -> None:
    turn = await run(ask, database)
    hub = new_hub()
    assert hub.polls == 0
    reader = Reader(hub, turn.conversation_id)
    await reader.at(turn.version)
    await reader.close()
    async with asyncio.timeout(5):
        while any(task.get_name() == "follow" for task in asyncio.all_tasks()):
            await asyncio.sleep(0.01)
    polls = hub.polls
    hub.hint({turn.conversation_id})
    await run(say, database, fence_of(turn), "unheard")
    assert hub.polls == polls
    again = Reader(hub, turn.conversation_id)
    await again.shows(turn.answer_id, "unheard")
    await again.close()


async def test_a_hint_makes_the_next_poll_come_at_once(
    database: Database, new_hub: NewHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "LIVE_TICK_SECONDS", 600.0)
    monkeypatch.setattr(follow, "QUIET_TICK_SECONDS", 600.0)
    turn = await run(ask, database)
    hub = new_hub()
    reader = Reader(hub, turn.conversation_id)
    await reader.at(turn.version)
    await run(say, database, fence_of(turn), "hinted")
    hub.hint({turn.conversation_id})
    await reader.shows(turn.answer_id, "hinted", seconds=5)
    # A new reader does not wait for the tick either.
    other = Reader(hub, (await run(ask, database)).conversation_id)
    await other.at(1)
    for each in (reader, other):
        await each.close()


async def test_a_stream_cannot_begin_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "FIRST_NEWS_SECONDS", 0.3)
    nowhere = Database("postgresql://someone@127.0.0.1:1/chat", pool_size=1)
    hub = Hub(nowhere)
    with pytest.raises(Unavailable):
        async with open_stream(hub, uuid4()) as events:
            await anext(events)
    assert hub.readers == 0
    nowhere.close()
