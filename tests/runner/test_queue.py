"""The queue is rows: what one instance has no room for waits there, for itself or for any other."""

import asyncio

import pytest

from convstore.database import Database
from tests.runner.conftest import Start
from tests.runner.scenes import OWNER, Held, answer_of, echo, finished, said, until

pytestmark = pytest.mark.anyio


async def test_over_its_cap_an_instance_lets_answers_wait(start: Start, database: Database) -> None:
    agent = Held()
    here = await start(agent, answers=3)
    turns = await asyncio.gather(*(here.send(OWNER, str(n)) for n in range(8)))
    assert sum(turn.claimed for turn in turns) == 3 and here.running == 3
    for turn in turns:
        if turn.claimed:
            await said(database, turn, "so far")
    assert here.running == agent.begun == 3
    agent.go.set()
    for turn in turns:
        view = await finished(database, turn)
        assert (view.status, view.attempt) == ("complete", 1)
    assert agent.begun == 8


async def test_what_waits_goes_to_the_instance_that_has_room(start: Start, database: Database) -> None:
    busy = Held()
    here = await start(busy, answers=1)
    first = await here.send(OWNER, "first")
    second = await here.send(OWNER, "second")
    await said(database, first, "so far")
    assert not second.claimed
    await start(echo, "there")
    view = await finished(database, second)
    assert (view.served_by, view.content) == ("there", "You said: second")
    busy.go.set()


async def test_a_message_behind_a_running_answer_is_answered_when_that_ends(start: Start, database: Database) -> None:
    agent = Held()
    here = await start(agent, sweep_seconds=60.0)  # it is the end of the first that starts the second, not a sweep
    first = await here.send(OWNER, "one")
    await said(database, first, "so far")
    second = await here.send(OWNER, "two", conversation_id=first.conversation_id)
    third = await here.send(OWNER, "three", conversation_id=first.conversation_id)
    assert not second.claimed and (await answer_of(database, second)).status == "queued" and agent.begun == 1
    agent.go.set()
    await finished(database, third)
    assert [m.content for m in agent.read[1]] == ["one", "[1] so far, and the rest [1]", "two"]
    assert [m.content for m in agent.read[2]][-2:] == ["[1] so far, and the rest [1]", "three"]


async def test_many_instances_answer_each_of_many_sends_once(start: Start, database: Database) -> None:
    runners = [await start(echo, f"instance {n}", answers=2) for n in range(3)]
    turns = await asyncio.gather(*(runners[n % 3].send(OWNER, str(n)) for n in range(30)))
    for n, turn in enumerate(turns):
        view = await finished(database, turn)
        assert (view.status, view.content, view.attempt) == ("complete", f"You said: {n}", 1)


async def test_an_idle_instance_only_looks(start: Start, database: Database) -> None:
    here = await start(echo)
    await finished(database, await here.send(OWNER, "hi"))

    async def idle() -> bool:
        return here.running == 0

    await until(idle, "the runner to be idle")
    commits = here.flusher.commits
    # Twenty sweeps later.
    other = await start(echo, "there")
    for _ in range(3):
        await finished(database, await other.send(OWNER, "hi"))
    assert here.flusher.commits == commits
