"""The database goes away for a while, or refuses a row: answers go on, one bad one does not hold up the others."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from sqlalchemy import make_url, text

from convstore.agents.base import Context, Event, Message, ToolCall, ToolResult
from convstore.database import Database
from convstore.errors import Unavailable
from tests.runner.conftest import Start
from tests.runner.scenes import OWNER, Held, answer_of, finished, said, until
from tests.services.postgres import Postgres, database_name

pytestmark = pytest.mark.anyio


class Away:
    """The database as it is not to be had: PostgreSQL refuses and cuts everyone, SQLite is locked by somebody else."""

    def __init__(self, url: str, admin: psycopg.Connection[tuple[object, ...]] | None) -> None:
        self.url, self.admin = url, admin
        self.cut = 0
        self.other: sqlite3.Connection | None = None

    def begin(self) -> None:
        if self.admin is None:
            self.other = sqlite3.connect(make_url(self.url).database or "", isolation_level=None, timeout=5)
            self.other.execute("BEGIN IMMEDIATE")
            return
        name = database_name(self.url)
        self.admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        terminated = self.admin.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s", [name]
        ).fetchone()
        self.cut += int(str(terminated[0])) if terminated else 0

    def end(self) -> None:
        if self.other is not None:
            self.other.execute("ROLLBACK")
            self.other.close()
            self.other = None
        if self.admin is not None:
            self.admin.execute(f'ALTER DATABASE "{database_name(self.url)}" ALLOW_CONNECTIONS true')


@pytest.fixture
def away(database_url: str, dialect: str, request: pytest.FixtureRequest) -> Iterator[Away]:
    with contextlib.ExitStack() as stack:
        admin = None
        if dialect == "postgresql":
            server: Postgres = request.getfixturevalue("postgres")
            where = f"host={server.directory} user=postgres dbname=postgres"
            admin = stack.enter_context(psycopg.connect(where, autocommit=True))
        it = Away(database_url, admin)
        yield it
        it.end()


class Talking:
    """Says numbered words for as long as it is let, and once in between uses a tool."""

    def __init__(self) -> None:
        self.said = 0
        self.stop = asyncio.Event()
        self.use_tool = asyncio.Event()
        self.tool_runs = 0

    async def __call__(self, history: list[Message], context: Context) -> AsyncIterator[Event | str]:
        while not self.stop.is_set():
            yield f"{self.said} "
            self.said += 1
            await asyncio.sleep(0.01)
            if self.use_tool.is_set() and not self.tool_runs:
                yield ToolCall("a", "errand", "{}")
                self.tool_runs += 1
                yield ToolResult("a", "done")

    @property
    def whole(self) -> str:
        return "".join(f"{n} " for n in range(self.said))

    async def says(self, more: int) -> None:
        """Until it has said so many words more."""
        enough = self.said + more

        async def there() -> bool:
            return self.said >= enough

        await until(there, f"{more} words more")


async def test_an_answer_goes_on_after_the_database_was_away(start: Start, database: Database, away: Away) -> None:
    agent = Talking()
    here = await start(agent, lease_seconds=30.0)
    turn = await here.send(OWNER, "hi")
    await said(database, turn, "3 ")
    away.begin()
    await agent.says(100)  # more than a second
    away.end()
    view = await said(database, turn, f"{agent.said} ")
    assert agent.whole.startswith(view.content), "every word once, in order"
    agent.stop.set()
    view = await finished(database, turn)
    assert (view.status, view.attempt, view.content) == ("complete", 1, agent.whole)


async def test_an_answer_may_end_while_the_database_is_away(start: Start, database: Database, away: Away) -> None:
    agent = Talking()
    here = await start(agent, lease_seconds=30.0)
    turn = await here.send(OWNER, "hi")
    await said(database, turn, "3 ")
    away.begin()
    await agent.says(30)
    agent.stop.set()
    assert here.running == 1
    away.end()
    view = await finished(database, turn)
    assert (view.status, view.attempt, view.content) == ("complete", 1, agent.whole)


async def test_a_tool_is_not_run_before_it_is_on_record_and_then_once(
    start: Start, database: Database, away: Away
) -> None:
    agent = Talking()
    here = await start(agent, lease_seconds=30.0)
    turn = await here.send(OWNER, "hi")
    await said(database, turn, "3 ")
    away.begin()
    agent.use_tool.set()
    before = agent.said

    async def waits() -> bool:
        words = agent.said
        await asyncio.sleep(0.3)
        return agent.said == words > before - 1

    await until(waits, "the agent to wait for its call to be recorded")
    assert agent.tool_runs == 0
    away.end()

    async def ran() -> bool:
        return agent.tool_runs == 1

    await until(ran, "the tool to run")
    await agent.says(5)
    agent.stop.set()
    view = await finished(database, turn)
    assert (view.status, view.content) == ("complete", agent.whole)
    assert [(call.status, call.result) for call in view.tool_calls] == [("complete", "done")]


async def test_a_send_while_the_database_is_away_says_so_and_can_be_repeated(
    start: Start, database: Database, away: Away
) -> None:
    agent = Held()
    agent.go.set()
    here = await start(agent)
    away.begin()
    if away.admin is not None:
        with pytest.raises(Unavailable, match="Nothing was lost"):
            async with asyncio.timeout(10):
                await here.send(OWNER, "hi", key="k")
        away.end()
        turn = await here.send(OWNER, "hi", key="k")
    else:  # locked for a moment: the send waits for it
        sending = asyncio.create_task(here.send(OWNER, "hi", key="k"))
        await asyncio.sleep(0.1)
        assert not sending.done()
        away.end()
        turn = await sending
    assert (await finished(database, turn)).status == "complete"


def _refuse(database: Database, table: str, column: str) -> None:
    """Let the database refuse rows that hold the word `poison`."""
    with database.write() as session:
        if database.dialect == "postgresql":
            session.execute(text(f"ALTER TABLE {table} ADD CHECK ({column} NOT LIKE '%poison%')"))
        else:
            for moment in ("INSERT", "UPDATE"):
                session.execute(
                    text(
                        f"CREATE TRIGGER refuse_{moment} BEFORE {moment} ON {table} WHEN NEW.{column} LIKE '%poison%' "
                        "BEGIN SELECT RAISE(ABORT, 'refused'); END"
                    )
                )


async def test_one_answer_that_cannot_be_stored_does_not_hold_up_the_others(start: Start, database: Database) -> None:
    _refuse(database, "message", "content")
    fine, poisoned = Held(), Held(before="poi", after="son and more poison")

    def agent(history: list[Message], context: Context) -> AsyncIterator[Event | str]:
        return (poisoned if history[-1].content == "bad" else fine)(history, context)

    here = await start(agent)
    good = [await here.send(OWNER, str(n)) for n in range(3)]
    bad = await here.send(OWNER, "bad")
    for turn in (*good, bad):
        await said(database, turn, "[1] ")
    poisoned.go.set()
    view = await finished(database, bad)
    assert view.status == "failed" and view.error is not None and "could not be stored" in view.error
    fine.go.set()
    for turn in good:
        view = await finished(database, turn)
        assert (view.status, view.content) == ("complete", "[1] so far, and the rest [1]")

    async def idle() -> bool:
        return here.running == 0

    await until(idle, "everything to be let go")
    assert poisoned.closed == 1


async def test_an_agent_whose_words_cannot_be_stored_is_let_go(start: Start, database: Database) -> None:
    _refuse(database, "message_delta", "text")
    agent = Held(before="poison")
    here = await start(agent)
    turn = await here.send(OWNER, "hi")
    view = await finished(database, turn)
    assert (view.status, view.content) == ("failed", "[1] poison")

    async def idle() -> bool:
        return here.running == 0 and agent.closed == 1

    await until(idle, "the agent to be let go")
    assert (await answer_of(database, turn)) == view
