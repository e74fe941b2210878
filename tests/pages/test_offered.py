"""The models to choose from: named in the settings, or asked of the agent now and then, and never a reason to wait."""

import asyncio

import pytest

from pages import offered
from pages.offered import Offered

pytestmark = pytest.mark.anyio


class Agent:
    """An agent with a server that is asked for its models."""

    def __init__(self, *answers: object, seconds: float = 0.0) -> None:
        self.answers, self.seconds, self.asked = list(answers), seconds, 0

    async def models(self) -> object:
        self.asked += 1
        await asyncio.sleep(self.seconds)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_named_models_are_offered_without_asking_anybody() -> None:
    agent = Agent(["theirs"])
    assert await Offered(agent, [" big ", "small", "", "big"])() == ["big", "small"]
    assert agent.asked == 0


async def test_the_agent_is_asked_once_for_many_dialogs() -> None:
    agent = Agent(["a", "b"])
    models = Offered(agent, [""])
    assert await asyncio.gather(*(models() for _ in range(10))) == [["a", "b"]] * 10
    assert agent.asked == 1


async def test_an_agent_without_models_offers_none() -> None:
    assert await Offered(object())() == []


async def test_a_failure_is_an_empty_list_and_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offered, "TRIED_AGAIN_SECONDS", 0.0)
    models = Offered(Agent(RuntimeError("no server"), ["a"]))
    assert await models() == []
    assert await models() == ["a"]


async def test_a_slow_server_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offered, "PATIENCE_SECONDS", 0.05)
    assert await Offered(Agent(["late"], seconds=60))() == []


async def test_whatever_the_server_says_the_list_is_bounded_and_of_names() -> None:
    names = await Offered(Agent(["x" * 1000, None, 7, *(f"model {n}" for n in range(10_000))]))()
    assert len(names) == offered.MOST
    assert names[0] == "model 0"
