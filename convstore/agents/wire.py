"""What goes over the wire: the history as a chat completions request, and the answer's server-sent events.

The events are read here rather than by the client's typed stream: servers that call themselves compatible leave fields
out that its types demand, and with hundreds of answers at once building a validated object per token costs more than
everything else together. All events that arrived together come as one batch.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import suppress
from typing import Any

from pydantic_core import from_json

from convstore.agents.base import Message, PastCall

MAX_LINE_BYTES = 4_000_000  # a server that never ends a line must not fill our memory
DRAIN_SECONDS = 0.2
INTERRUPTED = "interrupted, outcome unknown"

Json = dict[str, Any]


class Malformed(Exception):
    """What the server sent is not the chat completions format."""


class WebPage(Malformed):
    """The server sent a page for people."""


class NothingSent(Malformed):
    """The answer ended before it began."""


class ServerError(Exception):
    """An error the server reported inside the stream, after a status of 200."""

    def __init__(self, error: Any) -> None:
        self.body = error if isinstance(error, dict) else {"message": str(error)}
        code = self.body.get("code", self.body.get("status"))
        self.status_code = int(str(code)) if re.fullmatch("[45][0-9][0-9]", str(code)) else None
        super().__init__(str(self.body.get("message") or ""))


def request_messages(messages: Iterable[Message], settled: Iterable[PastCall] = ()) -> list[Json]:
    """The history in the request's words. `settled`: calls of this very answer; the model carries on after them."""
    sent: list[Json] = []
    for message in messages:
        if message.tool_calls:
            sent += calls_with_results(message.tool_calls)
        # An answer that failed before its first word says nothing, and several servers refuse an empty message.
        if message.content or message.role != "assistant":
            sent.append({"role": message.role, "content": message.content})
    return sent + calls_with_results(settled)


def calls_with_results(calls: Iterable[PastCall], text: str = "") -> list[Json]:
    """Tool calls as an assistant message, and their results as the messages that must follow it."""
    listed = list(calls)
    if not listed:
        return []
    asked = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _object(call.arguments)}}
        for call in listed
    ]
    results = [{"role": "tool", "tool_call_id": call.id, "content": _result(call)} for call in listed]
    return [{"role": "assistant", "content": text or None, "tool_calls": asked}, *results]


def _object(arguments: str) -> str:
    """Arguments that are no JSON object are refused by servers that read them; the result says what was wrong."""
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except ValueError:
        return "{}"


def _result(call: PastCall) -> str:
    if call.status == "interrupted":
        return call.result or INTERRUPTED
    return f"Error: {call.result}" if call.status == "failed" else call.result


async def read_batches(
    content_type: str, received: AsyncIterator[bytes], silence_seconds: float
) -> AsyncGenerator[list[Json]]:
    """The answer's chunks, all that arrived together in one list. A server that ignores `stream` gives one chunk.

    `silence_seconds`: how long a server may send comments only; the client's own time-out sees no silence there.
    Raises `Malformed`, `ServerError` or `TimeoutError`."""
    if "html" in content_type:
        raise WebPage
    if "application/json" in content_type:
        body = bytearray()
        async for data in received:
            body += data
            if len(body) > MAX_LINE_BYTES:
                raise Malformed
        yield [_chunk(bytes(body))]
        return
    rest = b""
    unknown_lines = chunks = 0
    done = False
    broken: Exception | None = None
    heard_at = time.monotonic()
    async for data in received:
        *lines, rest = (rest + data).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise Malformed
        batch = []
        for line in lines:
            field, _, value = line.partition(b":")
            value = value.strip()
            if field == b"data" and value == b"[DONE]":
                done = True
            elif field == b"data" and value:
                try:
                    batch.append(_chunk(value))
                except (Malformed, ServerError) as error:
                    broken = error  # what came before it in this batch is shown first
                    break
            elif field.strip() not in (b"", b"data", b"event", b"id", b"retry"):
                unknown_lines += 1
        chunks += len(batch)
        if batch:
            yield batch
            heard_at = time.monotonic()
        if broken is not None:
            raise broken
        if not batch and time.monotonic() - heard_at > silence_seconds:
            raise TimeoutError
        if done:
            await _drain(received)
            break
    if not chunks:
        raise Malformed if unknown_lines or rest.strip() else NothingSent


async def _drain(received: AsyncIterator[bytes]) -> None:
    """A connection read to its end can be used again; a server that leaves it open is not waited for."""
    with suppress(Exception):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for _ in received:
                pass


def _chunk(data: bytes) -> Json:
    try:
        chunk = from_json(data)
    except ValueError:
        raise Malformed from None
    if not isinstance(chunk, dict):
        raise Malformed
    if chunk.get("error"):
        raise ServerError(chunk["error"])
    return chunk
