"""An instance that leaves: it takes nothing new, lets answers finish for a while, then hands the rest over."""

import asyncio

import pytest

from convstore import claims
from convstore.database import Database
from tests.runner.conftest import Start
from tests.runner.scenes import OWNER, Held, answer_of, echo, finished, said

pytestmark = pytest.mark.anyio


async def test_what_is_nearly_done_is_finished_here(start: Start, database: Database) -> None:
    agent = Held()
    here = await start(agent)
    turn = await here.send(OWNER, "hi")
    await said(database, turn, "so far")
    leaving = asyncio.create_task(here.drain(20))
    while not here.draining:
        await asyncio.sleep(0)
    agent.go.set()
    await leaving
    view = await answer_of(database, turn)
    assert (view.status, view.attempt) == ("complete", 1) and here.running == 0


async def test_the_rest_is_handed_over_and_goes_on_elsewhere_at_once(start: Start, database: Database) -> None:
    leaving, staying = Held(), Held()
    here = await start(leaving, lease_seconds=300.0)
    turns = [await here.send(OWNER, str(n)) for n in range(3)]
    for turn in turns:
        await said(database, turn, "so far")
    await here.drain(0)
    assert leaving.closed == 3 and here.running == 0
    assert {(await answer_of(database, turn)).status for turn in turns} == {"queued"}
    staying.go.set()
    await start(staying, "there")
    for turn in turns:
        view = await finished(database, turn, seconds=5.0)  # far below the lease
        assert (view.content, view.attempt, view.served_by) == ("[2] so far, and the rest [2]", 2, "there")


@pytest.mark.parametrize("trouble", [None, RuntimeError("it was closed before"), "hangs"])
async def test_the_agent_is_closed_last_and_cannot_keep_the_instance(
    start: Start, database: Database, trouble: Exception | str | None
) -> None:
    agent = Held()
    closed: list[int] = []

    async def close() -> None:
        closed.append(agent.closed)
        if isinstance(trouble, Exception):
            raise trouble
        if trouble:
            await asyncio.Event().wait()

    agent.close = close  # type: ignore[attr-defined]
    here = await start(agent)
    turn = await here.send(OWNER, "hi")
    await said(database, turn, "so far")
    async with asyncio.timeout(10):
        await here.drain(0)
    assert closed == [1]  # after the answer was given back


async def test_a_send_to_an_instance_that_leaves_waits_for_another(start: Start, database: Database) -> None:
    here = await start(echo)
    await here.drain(0)
    turn = await here.send(OWNER, "hi")
    assert not turn.claimed and (await answer_of(database, turn)).status == "queued"
    await start(echo, "there")
    assert (await finished(database, turn)).served_by == "there"


@pytest.mark.parametrize("moment", range(0, 24, 3))
async def test_what_is_taken_in_the_moment_of_leaving_is_not_left_to_its_lease(
    start: Start, database: Database, moment: int
) -> None:
    agent = Held()
    here = await start(agent, lease_seconds=300.0, sweep_seconds=0.001)
    sending = [asyncio.create_task(here.send(OWNER, str(n))) for n in range(4)]
    for _ in range(moment):
        await asyncio.sleep(0.0005)
    await here.drain(0)
    turns = await asyncio.gather(*sending)
    for turn in turns:
        assert (await answer_of(database, turn)).status == "queued"
    assert await database.reading(claims.any_waiting)


async def test_leaving_with_nothing_to_do_is_quick(start: Start, database: Database) -> None:
    here = await start(echo)
    async with asyncio.timeout(1.0):
        await here.drain(10)
    async with asyncio.timeout(1.0):
        await here.drain(10)  # twice does no harm
