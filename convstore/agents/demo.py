"""The demo model: offline, deterministic, and says what it is. It is also the test double of the whole project.

A message that starts with one of these chooses a scenario; the same messages always get the same answer:

    /plain               two short sentences
    /slow 5              numbered words spread over so many seconds (at most 600)
    /long 2000           so many numbered words in paragraphs (at most 20,000)
    /markdown            headings, lists, code, a wide table, a quote, links
    /reasoning           thinks first, then answers
    /tool 6 * 7          calls the calculator, then answers with the result
    /tools               calls two tools at once
    /tool_slow 2         calls a tool that takes so many seconds (at most 60) and is not safe to repeat; its result
                         holds a fresh random number, so a second run would show
    /tool_fails          a tool call that fails, and an answer all the same
    /breaks_midway       half an answer, then the model's server is gone
    /error 429           an error before any text: 401, 404, 429 or 500
    /bug                 the agent itself raises
    /empty               ends without a word
    /hostile             text that would do harm if a page ran it

Anything else gets a friendly answer that repeats the message and counts the earlier ones it was given, so that one can
see the history was loaded. A few questions are answered with the real tools (the time in a city, arithmetic, percent,
"my conversations") or with a text it knows by heart (`demo_answers`, markdown). After a takeover, tool calls that are
settled are taken from the context and not run again.
"""

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

from convstore.agents import demo_answers
from convstore.agents import demo_texts as texts
from convstore.agents.base import AgentError, Context, Event, Message, PastCall, Reasoning, Text, ToolResult, Usage
from convstore.agents.standard_tools import STANDARD_TOOLS, find_zone
from convstore.agents.tools import Toolbox, tool

LONG_PIECES = 400  # however long, /long comes in about so many pieces


@tool(timeout_seconds=90)
async def run_errand(seconds: float) -> str:
    """Takes a while and must not be done twice: every run has its own number."""
    await asyncio.sleep(min(max(seconds, 0.0), 60.0))
    return f"errand {secrets.token_hex(4)} is done"


class Demo:
    """The demo model. `delay_seconds`: the pause after each piece (about a word)."""

    label = "Demo model"

    def __init__(self, delay_seconds: float = 0.02) -> None:
        self.delay_seconds = delay_seconds
        self.tools = Toolbox([*STANDARD_TOOLS, run_errand])

    async def models(self) -> list[str]:
        """The one model there is."""
        return ["demo"]

    async def __call__(self, messages: list[Message], context: Context) -> AsyncIterator[Event]:
        written = 0
        async for event in _Answer(self, messages, context).events():
            if isinstance(event, Text | Reasoning):
                written += len(event.text.split())
            yield event
        read = sum(len(message.content.split()) for message in messages)
        yield Usage(input_tokens=read, output_tokens=written, model="demo")


class _Answer:
    """One answer being written. The methods that start with `on_` are the scenarios."""

    def __init__(self, demo: Demo, messages: list[Message], context: Context) -> None:
        self.delay_seconds = demo.delay_seconds
        self.tools = demo.tools
        self.messages = messages
        self.context = context
        self.calls = 0

    def events(self) -> AsyncIterator[Event]:
        """The scenario that the newest message of the person chooses."""
        asked = next((message.content.strip() for message in reversed(self.messages) if message.role == "user"), "")
        if command := re.match(r"/([a-z_]+)(?:\s+(.*))?$", asked, re.DOTALL):
            scenario: Callable[[str], AsyncIterator[Event]] | None = getattr(self, f"on_{command[1]}", None)
            if scenario is not None:
                return scenario((command[2] or "").strip())
        if len(asked) > texts.QUESTION_CHARS:
            return self.say(texts.reply(asked, self.messages))
        if found := texts.TIME_QUESTION.search(asked):
            return self.on_time(found["place"])
        if found := texts.PERCENT_QUESTION.search(asked):
            return self.percent(found["part"], found["whole"])
        if found := texts.SUM_QUESTION.search(asked):
            return self.on_tool(texts.without_commas(found["sum"]))
        if text := demo_answers.known(asked):
            return self.say(text)
        if texts.CONVERSATIONS_QUESTION.search(asked):
            return self.on_conversations("")
        if texts.MARKDOWN_QUESTION.search(asked):
            return self.on_markdown("")
        return self.say(texts.reply(asked, self.messages))

    async def say(self, text: str) -> AsyncIterator[Event]:
        for piece in texts.pieces(text):
            yield Text(piece)
            await asyncio.sleep(self.delay_seconds)

    async def use(self, name: str, arguments: dict[str, Any]) -> AsyncIterator[Event]:
        """Call a tool, unless an earlier attempt of this answer has settled that call."""
        if self.settled(name, arguments) is not None:
            return
        self.calls += 1
        # The attempt is part of the id: a call that was lost on the way is another call than this one.
        call = self.tools.call(f"demo_{self.context.attempt}_{self.calls}", name, json.dumps(arguments))
        yield call
        yield await self.tools.run(call, self.context)

    def settled(self, name: str, arguments: dict[str, Any]) -> PastCall | None:
        """This call as an earlier attempt left it."""
        same = json.dumps(arguments)
        return next((call for call in self.context.tool_calls if (call.name, call.arguments) == (name, same)), None)

    async def ask(
        self, before: str, name: str, arguments: dict[str, Any], after: Callable[[str], str]
    ) -> AsyncIterator[Event]:
        """Say something, use one tool, say what came of it."""
        async for event in self.say(before):
            yield event
        past = self.settled(name, arguments)
        result, well = (past.result, past.status == "complete") if past else ("", False)
        async for event in self.use(name, arguments):
            yield event
            if isinstance(event, ToolResult):
                result, well = event.result, not event.failed
        said = after(result) if well else f"That did not work: {result}"
        async for event in self.say(f"\n\n{said}"):
            yield event

    def on_plain(self, rest: str) -> AsyncIterator[Event]:
        return self.say(texts.PLAIN)

    def on_markdown(self, rest: str) -> AsyncIterator[Event]:
        return self.say(texts.MARKDOWN)

    def on_hostile(self, rest: str) -> AsyncIterator[Event]:
        return self.say(texts.HOSTILE)

    async def on_slow(self, rest: str) -> AsyncIterator[Event]:
        seconds = texts.number(rest, 5.0, 600.0)
        parts = texts.slow_parts(seconds)
        for part in parts:
            yield Text(part)
            await asyncio.sleep(seconds / len(parts))

    async def on_long(self, rest: str) -> AsyncIterator[Event]:
        text = texts.numbered_words(int(texts.number(rest, 2000, 20_000)))
        step = max(1, len(text) // LONG_PIECES)
        for start in range(0, len(text), step):
            yield Text(text[start : start + step])
            await asyncio.sleep(self.delay_seconds)

    async def on_reasoning(self, rest: str) -> AsyncIterator[Event]:
        for piece in texts.pieces(texts.REASONING):
            yield Reasoning(piece)
            await asyncio.sleep(self.delay_seconds)
        async for event in self.say(texts.REASONED):
            yield event

    def on_time(self, rest: str) -> AsyncIterator[Event]:
        place = rest.strip(" ?.!") or "UTC"
        arguments = {"zone": find_zone(place) or place}
        before = f"Let me look at the clock in {place}."
        return self.ask(before, "current_time", arguments, lambda result: f"It is **{result}**.")

    def on_tool(self, rest: str) -> AsyncIterator[Event]:
        expression = rest.strip(" ?!=.") or "6 * 7"
        arguments = {"expression": expression}
        shown = f"`{expression}`"
        return self.ask("Let me work that out.", "calculator", arguments, lambda result: f"{shown} is **{result}**.")

    def percent(self, part: str, whole: str) -> AsyncIterator[Event]:
        arguments = {"expression": f"{part} * {texts.without_commas(whole)} / 100"}
        said = f"{part} % of {whole}"
        return self.ask("Let me work that out.", "calculator", arguments, lambda result: f"{said} is **{result}**.")

    def on_tool_fails(self, rest: str) -> AsyncIterator[Event]:
        return self.on_tool("1 / 0")

    def on_tool_slow(self, rest: str) -> AsyncIterator[Event]:
        arguments = {"seconds": texts.number(rest, 2.0, 60.0)}
        return self.ask("This takes a moment.", "run_errand", arguments, lambda result: f"The {result}.")

    def on_conversations(self, rest: str) -> AsyncIterator[Event]:
        return self.ask("Let me look them up.", "my_conversations", {"limit": 10}, texts.listed)

    async def on_tools(self, rest: str) -> AsyncIterator[Event]:
        wanted: list[tuple[str, dict[str, Any]]] = [("calculator", {"expression": "2 ** 10"}), ("current_time", {})]
        results = [past.result for name, arguments in wanted if (past := self.settled(name, arguments))]
        calls = []
        for name, arguments in wanted:
            if self.settled(name, arguments) is None:
                calls.append(self.tools.call(f"demo_{self.context.attempt}_{name}", name, json.dumps(arguments)))
                yield calls[-1]
        for call in calls:
            result = await self.tools.run(call, self.context)
            results.append(result.result)
            yield result
        async for event in self.say("Two tools at once:\n\n" + "".join(f"- {result}\n" for result in results)):
            yield event

    async def on_breaks_midway(self, rest: str) -> AsyncIterator[Event]:
        async for event in self.say(texts.HALF):
            yield event
        raise AgentError("The model's server closed the connection in the middle of the answer. Press Retry.")

    async def on_error(self, rest: str) -> AsyncIterator[Event]:
        await asyncio.sleep(self.delay_seconds)
        reason, retry_after = texts.ERRORS.get(rest, texts.ERRORS["500"])
        raise AgentError(reason, retry_after)
        yield  # what makes this a generator

    async def on_bug(self, rest: str) -> AsyncIterator[Event]:
        yield Text("The agent says this and then ")
        raise RuntimeError("a bug in the agent, on purpose")

    async def on_empty(self, rest: str) -> AsyncIterator[Event]:
        await asyncio.sleep(self.delay_seconds)
        return
        yield  # what makes this a generator
