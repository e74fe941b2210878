"""An instance that dies or sleeps costs seconds, never the answer, and never leaves a character of its own in it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from convstore.agents.base import Context, Event, Message, ToolCall, ToolResult
from convstore.database import Database
from convstore.turns import Lease, Turn
from tests.runner.conftest import Start
from tests.runner.scenes import OWNER, Held, answer_of, finished, said, until
from tests.store import scenes

pytestmark = pytest.mark.anyio

GONE = Lease("gone/1", "gone", 0.2)  # an instance that claims and is never heard of again


async def _overtaken(database: Database, turn: Turn) -> None:
    """The lease of this attempt passes, again if its owner was quick to renew it, until another one has begun."""
    before = (await answer_of(database, turn)).attempt

    async def again() -> bool:
        await asyncio.to_thread(scenes.let_lease_pass, database, turn, before)
        return (await answer_of(database, turn)).attempt > before

    await until(again, "the answer to be taken over")


async def test_the_answer_of_a_dead_instance_is_written_by_another(start: Start, database: Database) -> None:
    turn = await asyncio.to_thread(scenes.ask, database, "hi", lease=GONE)
    await asyncio.to_thread(scenes.say, database, scenes.fence_of(turn, GONE), "from the dead", lease=GONE)
    agent = Held()
    agent.go.set()
    here = await start(agent)
    taken = 0

    def count() -> None:
        nonlocal taken
        taken += 1

    here.on_takeover = count
    view = await finished(database, turn)
    assert (view.status, view.content, view.attempt) == ("complete", "[2] so far, and the rest [2]", 2)
    assert view.served_by == "here" and taken == 1


async def test_a_worker_that_slept_through_its_lease_leaves_no_character(start: Start, database: Database) -> None:
    sleeper, awake = Held(), Held()
    here = await start(sleeper)
    turn = await here.send(OWNER, "hi")
    await said(database, turn, "[1] so far")
    there = await start(awake, "there")
    await _overtaken(database, turn)
    sleeper.go.set()
    awake.go.set()
    view = await finished(database, turn)
    assert view.attempt >= 2
    assert view.content == f"[{view.attempt}] so far, and the rest [{view.attempt}]"

    async def let_go() -> bool:
        return here.running == there.running == 0 and sleeper.begun == sleeper.closed and awake.begun == awake.closed

    await until(let_go, "the old worker to notice")


async def test_an_instance_that_overtakes_itself_forgets_its_old_attempt(start: Start, database: Database) -> None:
    """A laptop that slept: the only instance finds its own lease passed."""
    agent = Held()
    here = await start(agent)
    turn = await here.send(OWNER, "hi")
    await said(database, turn, "[1] so far")
    await _overtaken(database, turn)
    await said(database, turn, "[2] so far")
    agent.go.set()
    view = await finished(database, turn)
    assert (view.content, view.attempt) == ("[2] so far, and the rest [2]", 2)

    async def idle() -> bool:
        return here.running == 0

    await until(idle, "the first attempt to end")
    assert agent.begun == agent.closed == 2


async def test_after_so_many_instances_an_answer_is_given_up_with_its_text(start: Start, database: Database) -> None:
    turn = await asyncio.to_thread(scenes.ask, database, "hi", lease=GONE)
    await asyncio.to_thread(scenes.say, database, scenes.fence_of(turn, GONE), "all there is", lease=GONE)
    ended: list[str] = []
    here = await start(Held(), attempts=1)
    here.on_end = lambda end: ended.append(end.outcome)
    view = await finished(database, turn)
    assert (view.status, view.content, ended) == ("interrupted", "all there is", ["interrupted"])


class Errands:
    """Calls two tools one after the other, unless they are settled already, and counts how often each has run."""

    def __init__(self, repeatable: bool) -> None:
        self.repeatable = repeatable
        self.runs: list[str] = []
        self.go = asyncio.Event()

    async def __call__(self, history: list[Message], context: Context) -> AsyncIterator[Event | str]:
        settled = {call.name: call for call in context.tool_calls}
        for name in ("first", "second"):
            if name not in settled:
                yield ToolCall(f"{name} {context.attempt}", name, "{}", self.repeatable)
                self.runs.append(name)
                if name == "second":
                    await self.go.wait()
                yield ToolResult(f"{name} {context.attempt}", f"{name} done")
        yield ", ".join(f"{call.name} {call.status}" for call in context.tool_calls) or "nothing was settled"


@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_finished_tool_call_is_not_run_twice(start: Start, database: Database, repeatable: bool) -> None:
    agent = Errands(repeatable)
    here = await start(agent)
    turn = await here.send(OWNER, "hi")

    async def second_runs() -> bool:
        return agent.runs == ["first", "second"] and len((await answer_of(database, turn)).tool_calls) == 2

    await until(second_runs, "the second tool to run")
    await _overtaken(database, turn)
    agent.go.set()
    view = await finished(database, turn)
    calls = [(call.name, call.status) for call in view.tool_calls]
    if repeatable:
        assert agent.runs == ["first", "second", "second"]
        assert calls == [("first", "complete"), ("second", "complete")]
        assert view.content == "first complete"
    else:
        assert agent.runs == ["first", "second"]
        assert calls == [("first", "complete"), ("second", "interrupted")]
        assert view.content == "first complete, second interrupted"


async def test_an_instance_keeps_its_answer_for_as_long_as_it_lives(start: Start, database: Database) -> None:
    """A silent model: nothing is written for longer than the lease, and nobody takes the answer away."""
    agent = Held()
    here = await start(agent, lease_seconds=2.0)
    await start(Held(), "there", lease_seconds=2.0)
    turn = await here.send(OWNER, "hi")
    await said(database, turn, "so far")
    commits = here.flusher.commits

    async def many_heartbeats() -> bool:
        return here.flusher.commits >= commits + 12  # a quarter of a second each

    await until(many_heartbeats, "twelve heartbeats")
    agent.go.set()
    view = await finished(database, turn)
    assert (view.attempt, view.served_by) == (1, "here")
