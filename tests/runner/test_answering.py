"""A send is answered: whatever the agent does, the row says how it ended and keeps what was said."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from convstore.agents.base import AgentError, Context, Event, Message, Reasoning, Text, ToolCall, ToolResult, Usage
from convstore.database import Database
from convstore.errors import Invalid
from tests.runner.conftest import Start
from tests.runner.scenes import OWNER, Held, Script, answer_of, echo, finished, said

pytestmark = pytest.mark.anyio


async def test_an_answer_is_written_whole(start: Start, database: Database) -> None:
    async def agent(history: list[Message], context: Context) -> AsyncIterator[Event | str]:
        yield Reasoning("Let me ")
        yield Reasoning("see.")
        yield Text("It is ")
        yield ToolCall("a", "calculator", '{"expression": "6*7"}')
        yield ToolResult("a", "42")
        yield "42."
        yield Usage(11, 22, "model-1")

    here = await start(agent)
    turn = await here.send(OWNER, "What is 6 * 7?")
    view = await finished(database, turn)
    assert (view.status, view.content, view.reasoning, view.error) == ("complete", "It is 42.", "Let me see.", None)
    assert (view.input_tokens, view.output_tokens, view.model, view.served_by) == (11, 22, "model-1", "here")
    assert [(c.name, c.status, c.result, c.text_offset) for c in view.tool_calls] == [
        ("calculator", "complete", "42", 6)
    ]


async def test_the_agent_reads_the_branch_and_the_system_prompt(start: Start, database: Database) -> None:
    read: list[list[tuple[str, str]]] = []

    async def agent(history: list[Message], context: Context) -> AsyncIterator[Event | str]:
        read.append([(m.role, m.content) for m in history])
        yield f"answer {len(history)}"

    here = await start(agent, system_prompt="Be brief.")
    first = await here.send(OWNER, "one")
    await finished(database, first)
    second = await here.send(OWNER, "two", conversation_id=first.conversation_id)
    await finished(database, second)
    system = ("system", "Be brief.")
    assert read == [
        [system, ("user", "one")],
        [system, ("user", "one"), ("assistant", "answer 2"), ("user", "two")],
    ]


async def test_a_retry_is_another_answer_to_the_same_question(start: Start, database: Database) -> None:
    here = await start(echo)
    turn = await here.send(OWNER, "one")
    first = await finished(database, turn)
    again = await here.retry(OWNER, turn.conversation_id, turn.answer_id)
    second = await finished(database, again)
    assert second.siblings == (first.id, second.id) and second.content == "You said: one"


def _raises(error: BaseException) -> Script:
    async def agent(history: list[Message], context: Context) -> AsyncIterator[Event | str]:
        yield "so far"
        raise error

    return agent


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AgentError("The model is overloaded. Try again."), "The model is overloaded. Try again."),
        (AgentError("odd \x00 and \ud800"), "odd \ufffd and \ufffd"),
        (ValueError("a bug, with a secret in it"), "broke off"),
        (TimeoutError("of the agent's own"), "broke off"),
        (asyncio.CancelledError(), "broke off"),
    ],
    ids=["says why", "says why oddly", "bug", "own time-out", "own cancellation"],
)
@pytest.mark.parametrize("dialect", ["postgresql"])  # the pickier of the two
async def test_an_agent_that_fails_leaves_a_reason_and_its_text(
    start: Start, database: Database, error: BaseException, reason: str
) -> None:
    here = await start(_raises(error))
    turn = await here.send(OWNER, "hi")
    view = await finished(database, turn)
    assert (view.status, view.content, view.attempt) == ("failed", "so far", 1)
    assert view.error is not None and reason in view.error and "secret" not in view.error
    assert (await finished(database, await here.retry(OWNER, turn.conversation_id, turn.answer_id))).status == "failed"


async def _says(*values: Any) -> AsyncIterator[Any]:
    for value in values:
        yield value


@pytest.mark.parametrize(
    ("values", "status", "content"),
    [
        ((), "failed", ""),
        ((" \n",), "failed", " \n"),
        (("fine", 7), "failed", "fine"),
        (("fine", None), "failed", "fine"),
        (("fine", Text(None)), "failed", "fine"),  # type: ignore[arg-type]
        (("fine", Usage(None, None)), "failed", "fine"),  # type: ignore[arg-type]
        (("fine", Usage(2**40, -3, "m\x00")), "complete", "fine"),
        (("a\x00", "b\ud83d", "c"), "complete", "a\ufffdb\ufffdc"),
        (("fine", ToolResult("nobody asked", "x")), "complete", "fine"),
    ],
    ids=["nothing", "blanks", "a number", "None", "no text", "no usage", "odd usage", "odd text", "a stray result"],
)
@pytest.mark.parametrize("dialect", ["postgresql"])
async def test_whatever_an_agent_yields_the_answer_ends(
    start: Start, database: Database, values: tuple[Any, ...], status: str, content: str
) -> None:
    here = await start(lambda history, context: _says(*values))
    view = await finished(database, await here.send(OWNER, "hi"))
    assert (view.status, view.content, view.attempt) == (status, content, 1)
    assert bool(view.error) == (status == "failed")


async def test_an_answer_that_takes_too_long_is_ended_with_its_text(start: Start, database: Database) -> None:
    agent = Held()
    here = await start(agent, answer_seconds=0.3)
    view = await finished(database, await here.send(OWNER, "hi"))
    assert (view.status, view.content) == ("failed", "[1] so far")
    assert view.error is not None and "longer than" in view.error and agent.closed == 1


async def test_an_answer_that_grows_without_end_is_ended(start: Start, database: Database) -> None:
    async def agent(history: list[Message], context: Context) -> AsyncIterator[Event | str]:
        while True:
            yield "x" * 100
            await asyncio.sleep(0)

    here = await start(agent, answer_characters=5000)
    view = await finished(database, await here.send(OWNER, "hi"))
    assert view.status == "failed" and 5000 < len(view.content) <= 5100 and "5,000" in (view.error or "")


async def test_any_iterator_is_an_agent(start: Start, database: Database) -> None:
    class Plain:
        def __init__(self) -> None:
            self.left = ["a", "b"]

        def __aiter__(self) -> "Plain":
            return self

        async def __anext__(self) -> str:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop(0)

    here = await start(lambda history, context: Plain())
    assert (await finished(database, await here.send(OWNER, "hi"))).content == "ab"


async def test_the_text_can_be_read_while_it_is_written(start: Start, database: Database) -> None:
    agent = Held()
    here = await start(agent)
    turn = await here.send(OWNER, "hi")
    view = await said(database, turn, "so far")
    assert view.status == "streaming" and here.running == 1
    agent.go.set()
    assert (await finished(database, turn)).content == "[1] so far, and the rest [1]"


async def test_a_client_that_leaves_while_it_sends_gets_its_answer_all_the_same(
    start: Start, database: Database
) -> None:
    here = await start(echo)
    for moment in range(40):
        key = f"key {moment}"
        sending = asyncio.create_task(here.send(OWNER, "hi", key=key))
        for _ in range(moment):
            await asyncio.sleep(0.0005)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        turn = await here.send(OWNER, "hi", key=key)
        view = await finished(database, turn)
        assert (view.status, view.attempt) == ("complete", 1), f"left after {moment} steps"


async def test_a_send_that_is_refused_leaves_nothing_running(start: Start, database: Database) -> None:
    here = await start(echo, message_characters=10, answers=1)
    for text in ("", "x" * 11):
        with pytest.raises(Invalid):
            await here.send(OWNER, text)
    assert (await finished(database, await here.send(OWNER, "ok"))).status == "complete"


async def test_the_same_send_twice_is_answered_once(start: Start, database: Database) -> None:
    agent = Held()
    here, there = await start(agent), await start(agent, "there")
    sent = await asyncio.gather(*(r.send(OWNER, "hi", key="k") for r in (here, there) * 5))
    assert len({turn.answer_id for turn in sent}) == 1
    agent.go.set()
    view = await finished(database, sent[0])
    assert view.attempt == 1 and agent.begun == 1
    assert (await answer_of(database, sent[0])).content == "[1] so far, and the rest [1]"
