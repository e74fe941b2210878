"""A stop, through any instance: the agent is let go, and what it has said stays."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from convstore.agents.base import Context, Event, Message, ToolCall
from convstore.database import Database
from convstore.errors import NotFound
from tests.runner.conftest import Start
from tests.runner.scenes import OWNER, Held, answer_of, finished, said, until

pytestmark = pytest.mark.anyio


async def test_a_stop_through_another_instance_keeps_the_text(start: Start, database: Database) -> None:
    agent = Held()
    here, there = await start(agent), await start(Held(), "there")
    turn = await here.send(OWNER, "hi")
    await said(database, turn, "so far")
    assert await there.stop(OWNER, turn.conversation_id) == 1
    view = await finished(database, turn, seconds=2.0)
    assert (view.status, view.content, view.error, view.served_by) == ("stopped", "[1] so far", None, "here")

    async def idle() -> bool:
        return here.running == 0

    await until(idle, "the writer to end")
    assert agent.closed == 1


async def test_what_was_said_after_the_last_flush_is_kept_too(start: Start, database: Database) -> None:
    spoken: list[str] = []

    async def agent(history: list[Message], context: Context) -> AsyncIterator[Event | str]:
        for n in range(100_000):
            spoken.append(f"{n} ")
            yield spoken[-1]
            await asyncio.sleep(0.001)

    here = await start(agent)
    turn = await here.send(OWNER, "hi")
    await said(database, turn, "0 ")
    await here.stop(OWNER, turn.conversation_id, turn.answer_id)
    view = await finished(database, turn)
    assert view.status == "stopped"
    assert view.content in ("".join(spoken), "".join(spoken[:-1]))


async def test_an_answer_that_waits_stops_at_once_and_is_never_written(start: Start, database: Database) -> None:
    agent = Held()
    here = await start(agent)
    first = await here.send(OWNER, "one")
    behind = await here.send(OWNER, "two", conversation_id=first.conversation_id)
    await here.stop(OWNER, first.conversation_id, behind.answer_id)
    assert (await answer_of(database, behind)).status == "stopped"
    agent.go.set()
    assert (await finished(database, first)).status == "complete"
    assert (await answer_of(database, behind)).status == "stopped" and agent.begun == 1


async def test_an_agent_that_swallows_the_cancellation_is_stopped_all_the_same(
    start: Start, database: Database
) -> None:
    async def agent(history: list[Message], context: Context) -> AsyncIterator[Event | str]:
        yield "so far"
        for n in range(10_000):
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                pass
            yield f" {n}"

    here = await start(agent)
    turn = await here.send(OWNER, "hi")
    await said(database, turn, "so far")
    await here.stop(OWNER, turn.conversation_id)
    assert (await finished(database, turn, seconds=3.0)).status == "stopped"


async def test_a_stop_while_a_tool_runs_leaves_no_call_running(start: Start, database: Database) -> None:
    cleaned = asyncio.Event()

    async def agent(history: list[Message], context: Context) -> AsyncIterator[Event | str]:
        yield "so far"
        yield ToolCall("a", "errand", "{}")
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    here = await start(agent)
    turn = await here.send(OWNER, "hi")

    async def called() -> bool:
        return bool((await answer_of(database, turn)).tool_calls)

    await until(called, "the call to be on record")
    await here.stop(OWNER, turn.conversation_id)
    view = await finished(database, turn)
    assert (view.status, view.content) == ("stopped", "so far")
    assert [call.status for call in view.tool_calls] == ["interrupted"] and cleaned.is_set()


async def test_the_next_message_is_answered_after_a_stop(start: Start, database: Database) -> None:
    agent = Held()
    here = await start(agent)
    first = await here.send(OWNER, "one")
    await said(database, first, "so far")
    second = await here.send(OWNER, "two", conversation_id=first.conversation_id)
    await here.stop(OWNER, first.conversation_id, first.answer_id)
    assert (await finished(database, first)).status == "stopped"
    agent.go.set()
    assert (await finished(database, second)).status == "complete"
    assert [m.content for m in agent.read[1]] == ["one", "[1] so far", "two"]


async def test_nobody_stops_what_is_not_theirs(start: Start, database: Database) -> None:
    agent = Held()
    here = await start(agent)
    turn = await here.send(OWNER, "hi")
    with pytest.raises(NotFound):
        await here.stop("mallory", turn.conversation_id, turn.answer_id)
    agent.go.set()
    assert (await finished(database, turn)).status == "complete"
