"""Runners in this process, each on a `Database` of its own; none outlives its test. Leases that pass are made to."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from convstore.agents.base import Agent
from convstore.database import Database
from convstore.runner import Limits, Runner

Start = Callable[..., Awaitable[Runner]]
SCALED: dict[str, Any] = {"sweep_seconds": 0.05}


@pytest.fixture
async def start(database_url: str) -> AsyncIterator[Start]:
    """`await start(agent, name="here", **limits)`: a runner that looks for answers on the test's database."""
    runners: list[Runner] = []

    async def begin(agent: Agent, name: str = "here", **limits: Any) -> Runner:
        runner = Runner(Database(database_url), agent, name, Limits(**(SCALED | limits)))
        await runner.start()
        runners.append(runner)
        return runner

    yield begin
    for runner in runners:
        await runner.drain(0)
        runner.db.close()
