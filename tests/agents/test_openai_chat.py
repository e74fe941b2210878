"""The chat agent over the real wire: what a person sees of a model that answers, calls tools, or was taken over."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Any

import pytest

from convstore.agents import Message, PastCall, Text, ToolCall, ToolResult
from convstore.agents.limits import Limits
from convstore.agents.openai_chat import OpenAIChat
from convstore.agents.tools import tool
from tests.agents.conftest import answer, context
from tests.services.scripted_model import ScriptedModel

pytestmark = pytest.mark.anyio
LIMITS = Limits(timeout_seconds=5, pause_seconds=0.01)


Chat = Callable[..., OpenAIChat]


@pytest.fixture
async def chat(scripted: ScriptedModel) -> AsyncIterator[Chat]:
    """`chat(**options)`: an agent that asks the scripted server."""
    async with AsyncExitStack() as stack:

        def make(**options: Any) -> OpenAIChat:
            agent = OpenAIChat(api_key="sk-secret", base_url=scripted.base_url, **({"limits": LIMITS} | options))
            stack.push_async_callback(agent.close)
            return agent

        yield make


async def test_the_text_comes_in_pieces_with_tokens_and_the_models_name(chat: Chat, scripted: ScriptedModel) -> None:
    got = await answer(chat(), "ok:5:200")
    assert got.text == "t0 t1 t2 t3 t4 "
    assert got.error is None
    assert got.usage is not None
    assert (got.usage.input_tokens, got.usage.output_tokens, got.usage.model) == (11, 5, "scripted-1")


@pytest.mark.parametrize("script", ["reasoning", "reasoning2"])
async def test_reasoning_is_kept_apart_from_the_answer(chat: Chat, script: str) -> None:
    got = await answer(chat(), script)
    assert (got.reasoning, got.text) == ("I think so.", "Yes.")


async def test_a_tool_call_in_fragments_is_announced_run_and_answered(chat: Chat) -> None:
    got = await answer(chat(), "tool")
    assert [type(event) for event in got.events if isinstance(event, ToolCall | ToolResult)] == [ToolCall, ToolResult]
    assert got.calls == [ToolCall("call_1", "calculator", '{"expression": "6 * 7"}', repeatable=True)]
    assert got.text == "Let me see.\n\nThe tools said: 42"
    assert got.usage is not None and (got.usage.input_tokens, got.usage.output_tokens) == (30, 12)


@pytest.mark.parametrize("script", ["parallel", "no_index", "whole", "rounds", "same_id"])
async def test_two_calls_each_get_their_own_result_however_the_server_sends_them(chat: Chat, script: str) -> None:
    got = await answer(chat(), script)
    assert [got.results[call.id].result for call in got.calls] == ["2", "4"]
    assert got.text == "The tools said: 2 and 4"
    assert len({call.id for call in got.calls}) == 2


async def test_calls_made_together_run_together(chat: Chat) -> None:
    both = asyncio.Barrier(2)

    @tool(name="calculator")
    async def meet(expression: str) -> str:
        """Ends only when another one runs at the same time."""
        await both.wait()
        return "met"

    got = await answer(chat(tools=[meet]), "parallel")
    assert got.text == "The tools said: met and met"


@pytest.mark.parametrize(("script", "complaint"), [("bad_json", "Invalid JSON"), ("unknown", "no tool called")])
async def test_a_call_that_cannot_be_run_is_told_to_the_model(
    chat: Chat, scripted: ScriptedModel, script: str, complaint: str
) -> None:
    got = await answer(chat(), script)
    assert got.results["call_1"].failed
    assert complaint in got.text
    assert got.error is None
    sent = scripted.requests[-1]["messages"][-2]["tool_calls"][0]["function"]["arguments"]
    assert sent == "{}"  # servers that read the arguments refuse what is no JSON


async def test_a_model_that_only_calls_tools_is_ended_after_its_rounds(chat: Chat, scripted: ScriptedModel) -> None:
    got = await answer(chat(limits=Limits(timeout_seconds=5, max_rounds=3)), "loop")
    assert len(got.calls) == 3
    assert got.error is not None and "only called tools" in str(got.error)
    assert scripted.requests[-1]["tool_choice"] == "none"
    assert "tool_choice" not in scripted.requests[0]


async def test_after_a_takeover_settled_calls_are_sent_and_not_run_again(chat: Chat, scripted: ScriptedModel) -> None:
    settled = (
        PastCall("call_1", "calculator", '{"expression": "1 + 1"}', "2", "complete"),
        PastCall("call_2", "send_mail", "{}", "", "interrupted"),
    )
    got = await answer(chat(), "tool", tool_calls=settled)
    assert got.calls == []
    assert got.text == "The tools said: 2 and interrupted, outcome unknown"
    asked, first, second = scripted.requests[0]["messages"][1:]
    assert [call["id"] for call in asked["tool_calls"]] == ["call_1", "call_2"]
    assert (first["tool_call_id"], first["content"]) == ("call_1", "2")
    assert (second["tool_call_id"], second["content"]) == ("call_2", "interrupted, outcome unknown")


async def test_the_history_is_sent_with_its_tool_calls_in_an_order_servers_accept(
    chat: Chat, scripted: ScriptedModel
) -> None:
    past = PastCall("a", "calculator", '{"expression": "1+1"}', "2", "complete")
    history = [
        Message("system", "Be kind."),
        Message("user", "1+1?"),
        Message("assistant", "It is 2.", (past,)),
        Message("user", "And then?"),
        Message("assistant", ""),  # failed before its first word
        Message("user", "ok:1"),
    ]
    await answer(chat(), history, model="other", temperature=0.5)
    request = scripted.requests[0]
    assert [message["role"] for message in request["messages"]] == [
        *("system", "user", "assistant", "tool", "assistant", "user", "user")
    ]
    assert (request["model"], request["temperature"]) == ("other", 0.5)
    assert [offered["function"]["name"] for offered in request["tools"]] == [
        *("current_time", "calculator", "my_conversations")
    ]


async def test_a_server_that_refuses_usage_is_asked_without_and_remembered(chat: Chat, scripted: ScriptedModel) -> None:
    agent = chat()
    assert (await answer(agent, "no_usage:2")).text == "t0 t1 "
    assert (await answer(agent, "no_usage:2")).text == "t0 t1 "
    assert ["stream_options" in request for request in scripted.requests] == [True, False, False]


async def test_a_server_that_does_not_stream_is_understood(chat: Chat) -> None:
    assert (await answer(chat(), "plain_json")).text == "All at once."


async def test_a_stop_closes_the_connection_to_the_model(chat: Chat, scripted: ScriptedModel) -> None:
    agent = chat()
    async with aclosing(agent([Message("user", "hang_midway")], context())) as events:  # type: ignore[type-var]
        async for event in events:
            assert isinstance(event, Text)
            break
    await _until_closed(scripted)


async def test_cancelling_an_answer_closes_the_connection_to_the_model(chat: Chat, scripted: ScriptedModel) -> None:
    task = asyncio.create_task(answer(chat(), "hang"))
    async with asyncio.timeout(5):
        while not scripted.open_streams:
            await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _until_closed(scripted)


async def test_the_servers_models_can_be_listed(chat: Chat, scripted: ScriptedModel) -> None:
    assert await chat().models() == ["ok", "reasoning", "scripted"]


async def _until_closed(scripted: ScriptedModel) -> None:
    async with asyncio.timeout(5):
        while scripted.open_streams:
            await asyncio.sleep(0.005)
