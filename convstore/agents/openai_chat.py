"""The agent for OpenAI and every server that speaks its chat completions, chosen by `OPENAI_BASE_URL`.

Rounds: ask the model, show what it writes; if it calls tools, yield the calls, run them together, ask again with the
results. The last round it is allowed must do without tools. Every wait is bounded. A request is repeated only as long
as it has produced nothing; what was shown is never asked for again. This is the only module that imports `openai`.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import AsyncExitStack, aclosing
from typing import Any
from urllib.parse import urlsplit

import httpx2
from openai import AsyncOpenAI, OpenAIError

from convstore.agents.base import (
    AgentError,
    Context,
    Event,
    Message,
    PastCall,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from convstore.agents.limits import Limits
from convstore.agents.model_errors import Server, describe
from convstore.agents.rounds import CUT_OFF_NOTE, Round
from convstore.agents.standard_tools import STANDARD_TOOLS
from convstore.agents.tools import Toolbox
from convstore.agents.wire import Json, Malformed, ServerError, calls_with_results, read_batches, request_messages

OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-5.4-mini"

TITLE_PROMPT = (
    "Name this conversation in three to six words, in its own language. Answer with the name only: no quotes, no label."
)
TITLE_CHARACTERS = 2_000  # of the question and of the answer: enough to know what it is about

PACE_SECONDS = 0.04  # below what a reader notices, and below the runner's flush
WAITED_SECONDS = 0.002  # what takes longer to get was not in a buffer

# What a request can do without, and the words by which a server that refuses it says so.
_OPTIONAL = {"stream_options": ("stream_options", "include_usage"), "temperature": ("temperature",), "tools": ("tool",)}
_FAILURES = (OpenAIError, httpx2.HTTPError, TimeoutError, OSError, Malformed, ServerError)


class OpenAIChat:
    """Streams chat completions. `tools`: typed functions the model may call."""

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        model: str | None = None,
        tools: Iterable[Any] = STANDARD_TOOLS,
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> None:
        url = (base_url or OPENAI_URL).strip()
        key = (api_key or "").strip()
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ValueError("OPENAI_BASE_URL must look like https://host/v1")
        if not (key.isascii() and key.isprintable()):
            raise ValueError("OPENAI_API_KEY has characters that no key has; was it copied whole?")
        self.model = model or DEFAULT_MODEL
        self.label = self.model
        self.tools = Toolbox(tools)
        self.limits = limits
        self._tools = [
            {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": t.parameters}}
            for t in self.tools
        ]
        self._url, self._key = url, key
        self._refused: dict[str, set[str]] = {}  # per model: optional parts its server does not take
        silence = httpx2.Timeout(limits.timeout_seconds, connect=min(limits.connect_seconds, limits.timeout_seconds))
        # Its own retries are off: they wait two minutes where a server says so, and know nothing of our deadline.
        self._client = AsyncOpenAI(api_key=key or "none", base_url=url, timeout=silence, max_retries=0)

    async def models(self) -> list[str]:
        """The names of the models the server offers. Raises `AgentError`."""
        try:
            async with asyncio.timeout(self.limits.timeout_seconds):
                return sorted([found.id async for found in self._client.models.list()])
        except _FAILURES as error:
            raise AgentError(describe(error, self._server(self.model)).reason) from None

    async def title(self, question: str, answer: str) -> str:
        """What the model calls a conversation that began like this. Raises `AgentError`."""
        begun = f"{question[:TITLE_CHARACTERS]}\n\n---\n\n{answer[:TITLE_CHARACTERS]}"
        sent = [{"role": "system", "content": TITLE_PROMPT}, {"role": "user", "content": begun}]
        written = Round()
        async with aclosing(self._ask({"model": self.model, "messages": sent, "stream": True}, written)) as events:
            async for _ in events:
                pass
        return written.text

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def __call__(self, messages: list[Message], context: Context) -> AsyncIterator[Event]:
        sent = request_messages(messages, context.tool_calls)
        taken_ids = {call.id for call in context.tool_calls}
        spent = Usage(model=context.model or self.model)
        spoke, last_piece = False, "\n"
        for rounds_left in range(self.limits.max_rounds, -1, -1):
            answer = Round()
            begins = True
            async with aclosing(self._ask(self._request(sent, context, rounds_left > 0), answer)) as events:
                async for event in events:
                    if isinstance(event, Text):
                        if begins and not last_piece.endswith("\n"):
                            event = Text(f"\n\n{event.text}")  # what follows a tool is a new paragraph
                        begins, last_piece, spoke = False, event.text, spoke or not event.text.isspace()
                    yield event
            spent = _sum(spent, answer)
            yield spent
            calls = [self.tools.call(call.id, call.name, call.arguments) for call in answer.finish(taken_ids)]
            if not calls:
                break
            if rounds_left == 0:
                raise AgentError(f"The model only called tools, {self.limits.max_rounds} times over. Press Retry.")
            for call in calls:
                yield call
            done: dict[str, ToolResult] = {}
            async with aclosing(self._use(calls, context)) as results:
                async for result in results:
                    done[result.id] = result
                    yield result
            sent += calls_with_results([_past(call, done[call.id]) for call in calls], answer.text)
        if not spoke:
            raise AgentError("The model ended without an answer. Press Retry, or put the question differently.")
        if answer.finish_reason == "length":
            yield Text(CUT_OFF_NOTE)

    def _server(self, model: str) -> Server:
        return Server(self._url, model, self._key or None, self.limits.timeout_seconds)

    def _request(self, sent: list[Json], context: Context, may_call: bool) -> Json:
        model = context.model or self.model
        request: Json = {"model": model, "messages": sent, "stream": True, "stream_options": {"include_usage": True}}
        if context.temperature is not None:
            request["temperature"] = context.temperature
        if self._tools:
            request["tools"] = self._tools
            if not may_call:
                request["tool_choice"] = "none"
        return _without(request, self._refused.get(model, set()))

    async def _ask(self, request: Json, answer: Round) -> AsyncGenerator[Text | Reasoning]:
        """One round into `answer`, with retries as long as the server has sent nothing of it. Raises `AgentError`."""
        started = False
        refused: set[str] = set()
        retries = 0
        deadline = asyncio.get_running_loop().time() + self.limits.timeout_seconds
        while True:
            try:
                async with aclosing(self._batches(_without(request, refused), deadline)) as batches:
                    async for batch in batches:
                        started = True
                        for event in answer.take(batch):
                            yield event
                self._refused.setdefault(request["model"], set()).update(refused)  # known from now on
                return
            except _FAILURES as error:
                if answer.finish_reason is not None:  # it was whole; what broke after that is nobody's loss
                    return
                if more := _refuses(error, request, refused):
                    refused |= more
                    continue
                failure = describe(error, self._server(request["model"]))
            pause = failure.retry_after_seconds
            if pause is None:
                pause = self.limits.pause_seconds * 2**retries * random.uniform(0.75, 1.0)  # not all in step
            in_time = (
                asyncio.get_running_loop().time() + pause < deadline and pause <= self.limits.longest_pause_seconds
            )
            if started or not failure.passing or retries >= self.limits.retries or not in_time:
                raise AgentError(failure.reason, failure.retry_after_seconds)
            retries += 1
            await asyncio.sleep(pause)

    async def _batches(self, request: Json, deadline: float) -> AsyncGenerator[list[Json]]:
        """Chunks as they arrive: the first by `deadline`, each next one before the silence is too long."""
        async with AsyncExitStack() as stack:
            async with asyncio.timeout_at(deadline):
                opened = self._client.chat.completions.with_streaming_response.create(**request)
                response = await stack.enter_async_context(opened)
            content_type = response.headers.get("content-type", "").lower()
            reading = read_batches(content_type, _paced(response.iter_bytes()), self.limits.timeout_seconds)
            batches = await stack.enter_async_context(aclosing(reading))
            async with asyncio.timeout_at(deadline):
                batch = await anext(batches, None)
            while batch is not None:
                yield batch
                batch = await anext(batches, None)

    async def _use(self, calls: list[ToolCall], context: Context) -> AsyncGenerator[ToolResult]:
        """Run calls together; results as they come. Leaving early ends those that still run."""
        running = [asyncio.create_task(self.tools.run(call, context)) for call in calls]
        try:
            for finished in asyncio.as_completed(running):
                yield await finished
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def _paced(received: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """What arrives, at once; but after each wait for the network a pause, so that the next read finds several tokens.

    Reading every token by itself costs the HTTP client about 90 µs each: 200 answers at 50 tokens a second would fill
    a core. What is already in its buffers comes without waiting, and is never held back."""
    asked_at = time.monotonic()
    async for data in received:
        waited = time.monotonic() - asked_at > WAITED_SECONDS
        yield data
        if waited:
            await asyncio.sleep(PACE_SECONDS)
        asked_at = time.monotonic()


def _without(request: Json, refused: set[str]) -> Json:
    if "tools" in refused:
        refused = refused | {"tool_choice"}
    return {name: value for name, value in request.items() if name not in refused}


def _refuses(error: BaseException, request: Json, refused: set[str]) -> set[str]:
    """The optional part of the request that this error is about, if there is one left to leave out."""
    if getattr(error, "status_code", None) not in (400, 422) or "context" in str(error).lower():
        return set()
    for name, words in _OPTIONAL.items():
        if name in request and name not in refused and any(word in str(error).lower() for word in words):
            return {name}
    return set()


def _sum(spent: Usage, answer: Round) -> Usage:
    return Usage(
        spent.input_tokens + answer.input_tokens,
        spent.output_tokens + answer.output_tokens,
        answer.model or spent.model,
    )


def _past(call: ToolCall, result: ToolResult) -> PastCall:
    return PastCall(call.id, call.name, call.arguments, result.result, "failed" if result.failed else "complete")
