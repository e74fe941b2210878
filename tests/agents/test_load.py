"""AGENT: what it may name, and what a person reads who named something else."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from convstore.agents import AgentError, Context, Message, load
from convstore.agents.demo import Demo
from convstore.agents.openai_chat import OpenAIChat
from tests.agents.conftest import answer

pytestmark = pytest.mark.anyio
HERE = "tests.agents.test_load"


async def echo(messages: list[Message], context: Context) -> AsyncIterator[str]:
    yield f"You said: {messages[-1].content}"


class Shouting:
    async def __call__(self, messages: list[Message], context: Context) -> AsyncIterator[str]:
        yield messages[-1].content.upper()


shouting = Shouting()
number = 7


def make() -> Any:
    return echo


def make_nothing() -> None:
    return None


def make_trouble() -> Any:
    raise RuntimeError("no licence")


async def returns_once(messages: list[Message], context: Context) -> str:
    return "all"


async def test_without_a_setting_a_key_or_address_decides() -> None:
    assert isinstance(load(), Demo)
    assert isinstance(load(""), Demo)
    assert isinstance(load("demo", api_key="k"), Demo)
    for options in ({"api_key": "k"}, {"base_url": "http://127.0.0.1:1/v1"}):
        agent = load(None, model="m-1", timeout_seconds=3, **options)
        assert isinstance(agent, OpenAIChat)
        assert (agent.model, agent.limits.timeout_seconds) == ("m-1", 3)
        await agent.close()


@pytest.mark.parametrize("name", ["echo", "Shouting", "shouting", "make"])
async def test_a_teams_own_agent_is_found_in_whatever_form(name: str) -> None:
    events = [event async for event in load(f"{HERE}:{name}")([Message("user", "hi")], None)]  # type: ignore[arg-type]
    assert events in (["You said: hi"], ["HI"])


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("nonsense", "write package.module:name"),
        ("no_such_module_here:agent", "there is no module no_such_module_here"),
        (f"{HERE}:missing", "has no missing"),
        (f"{HERE}:number", "is not an agent"),
        (f"{HERE}:make_nothing", "is not an agent"),
        (f"{HERE}:make_trouble", "no licence"),
        (f"{HERE}:returns_once", "async generator"),
        ("openai_chat", "OPENAI_API_KEY"),
    ],
)
async def test_what_is_no_agent_is_refused_by_the_name_of_the_setting(spec: str, reason: str) -> None:
    with pytest.raises(ValueError, match="AGENT") as refused:
        load(spec)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"base_url": "localhost:8000"}, "OPENAI_BASE_URL"),
        ({"api_key": "sk-…copied"}, "OPENAI_API_KEY"),
        ({"api_key": "k", "timeout_seconds": 0}, "time-outs"),
    ],
)
async def test_settings_that_cannot_work_fail_at_the_door(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        load(**options)


async def test_an_agent_error_keeps_its_reason() -> None:
    async def broken(messages: list[Message], context: Context) -> AsyncIterator[str]:
        raise AgentError("Out of tea.")
        yield ""

    got = await answer(broken, "hi")
    assert str(got.error) == "Out of tea."
