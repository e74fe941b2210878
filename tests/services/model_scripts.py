"""The scripts of the scripted model: which one a request asks for, and what it sends. `scripted_model` lists them."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from typing import Any

Json = dict[str, Any]
Refusal = tuple[int, dict[str, str], bytes]

MODELS = {"object": "list", "data": [{"id": name, "object": "model"} for name in ("scripted", "ok", "reasoning")]}
NAMES = frozenset(
    re.findall(
        r"\w+",
        """ok reasoning reasoning2 tool parallel rounds bad_json unknown loop same_id no_index whole 401 403 404 500 503
        context quota 429 flaky cut cut_first malformed error_event html empty silent filter length length_tool hang
        hang_midway drip no_usage plain_json""",
    )
)
KEY_IN_WORDS = "Incorrect API key provided: sk-secr*****3456. Find yours in your account."
_SCRIPT = re.compile(r"/?([a-z0-9_]+)((?:[: ][0-9.]+)*)(?:\s|$)")


def choose(request: Json) -> tuple[str, list[float]]:
    """The script a request asks for by its last user message or its model, and the numbers with it."""
    users = [message for message in request["messages"] if message["role"] == "user"]
    for text in (str(users[-1]["content"]) if users else "", str(request.get("model"))):
        if (found := _SCRIPT.match(text)) and found[1] in NAMES:
            return found[1], [float(number) for number in re.findall(r"[0-9.]+", found[2])]
    return "ok", []


def refusal(name: str, numbers: list[float], times: int, request: Json) -> Refusal | None:
    """The answer of a script that sends no stream at all."""
    if name in ("401", "403", "404", "500", "503"):
        return _error(int(name), KEY_IN_WORDS if name == "401" else f"This is error {name}.")
    if name == "context":
        return _error(400, "This model's maximum context length is 8192 tokens, your messages have 9000 tokens.")
    if name == "quota":
        return _error(429, "You exceeded your current quota.", code="insufficient_quota")
    if name == "429" and times == 1:
        return _error(429, "Slow down.", retry_after=f"{numbers[0] if numbers else 0.05:g}")
    if name == "flaky" and times == 1:
        return _error(500, "A passing fault.")
    if name == "no_usage" and "stream_options" in request:
        return _error(400, "Unknown parameter: 'stream_options'.")
    if name == "html":
        return 200, {"Content-Type": "text/html"}, b"<!doctype html><title>Welcome</title>"
    if name == "plain_json":
        choice = {"index": 0, "message": {"role": "assistant", "content": "All at once."}, "finish_reason": "stop"}
        body = {"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
        return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()
    return None


async def stream(name: str, numbers: list[float], request: Json) -> AsyncIterator[bytes | None]:
    """The pieces of a stream; None where the connection breaks."""
    if name == "cut_first":
        yield None
        return
    if name in ("empty", "silent"):
        if name == "empty":
            yield _event({"role": "assistant", "content": ""}) + _event({}, "stop")
        yield b"data: [DONE]\n\n"
        return
    yield _event({"role": "assistant", "content": ""})
    results = _results(request)
    if name in CALLS and len(results) < len(CALLS[name]):
        for delta in CALLS[name][len(results)]:
            yield _event(delta)
        yield _event({}, "tool_calls") + _usage(10, 5)
    elif name in CALLS:
        last = " and ".join(result for results_of_round in results for result in results_of_round)
        yield _event({"content": f"The tools said: {last}"}) + _event({}, "stop") + _usage(20, 7)
    else:
        async for piece in _text(name, numbers):
            yield piece
            if piece is None:
                return
    yield b"data: [DONE]\n\n"


async def _text(name: str, numbers: list[float]) -> AsyncIterator[bytes | None]:
    if name in ("reasoning", "reasoning2"):
        for word in ("I ", "think ", "so."):
            yield _event({"reasoning_content" if name == "reasoning" else "reasoning": word})
        yield _event({"content": "Yes."}) + _event({}, "stop")
    elif name == "cut":
        for n in range(int(numbers[0]) if numbers else 5):
            yield _event({"content": f"t{n} "})
        yield None
    elif name == "malformed":
        yield _event({"content": "fine so far "}) + b'data: {"choices": [{"delta": {"conte\n\n'
    elif name == "error_event":
        yield _event({"content": "fine so far "}) + b'data: {"error": {"message": "out of memory", "code": 500}}\n\n'
    elif name == "filter":
        yield _event({"content": "I would "}) + _event({}, "content_filter")
    elif name == "length":
        yield _event({"content": "As long as it gets"}) + _event({}, "length")
    elif name == "length_tool":
        yield _event(_call(0, "a", "calculator", '{"expr')) + _event({}, "length")
    elif name == "hang_midway":
        yield _event({"content": "one word "})
        await asyncio.Event().wait()
    elif name == "drip":
        while True:
            yield b": still here\n\n"
            await asyncio.sleep(numbers[0] if numbers else 0.05)
    else:
        given = numbers if name in ("ok", "no_usage") else []  # the number of 429 is its wait
        count, rate = int(given[0]) if given else 20, given[1] if len(given) > 1 else 0.0
        begun = time.monotonic()
        for n in range(count):
            yield _event({"content": f"t{n} "})
            if rate and (wait := begun + (n + 1) / rate - time.monotonic()) > 0:
                await asyncio.sleep(wait)
        yield _event({}, "stop") + (b"" if name == "no_usage" else _usage(11, count))


def _call(index: int | None, call_id: str | None, name: str | None, arguments: str) -> Json:
    call: Json = {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"tool_calls": [{key: value for key, value in call.items() if value is not None}]}


def _calculate(call_id: str, expression: str) -> Json:
    return _call(0, call_id, "calculator", json.dumps({"expression": expression}))


# Per script: its rounds, each a list of deltas.
CALLS: dict[str, list[list[Json]]] = {
    "tool": [
        [
            {"content": "Let me see."},
            _call(0, "call_1", "calculator", ""),
            _call(0, None, None, '{"expre'),
            _call(0, None, None, 'ssion": "6 '),
            _call(0, None, None, '* 7"}'),
        ]
    ],
    "parallel": [
        [
            _call(0, "call_1", "calculator", '{"expression":'),
            _call(1, "call_2", "calculator", '{"expression":'),
            _call(1, None, None, ' "2 + 2"}'),
            _call(0, None, None, ' "1 + 1"}'),
        ]
    ],
    "rounds": [[_calculate("call_1", "1 + 1")], [_calculate("call_2", "2 + 2")]],
    "same_id": [[_calculate("call_0", "1 + 1")], [_calculate("call_0", "2 + 2")]],
    "bad_json": [[_call(0, "call_1", "calculator", '{"expression": ')]],
    "unknown": [[_call(0, "call_1", "launch_rocket", "{}")]],
    "loop": [[_calculate(f"call_{n}", f"{n} + 1")] for n in range(50)],
    "no_index": [
        [
            _call(None, "call_1", "calculator", '{"expression":'),
            _call(None, None, None, ' "1 + 1"}'),
            _call(None, "call_2", "calculator", '{"expression": "2 + 2"}'),
        ]
    ],
    "whole": [[_calculate("call_1", "1 + 1"), _calculate("call_2", "2 + 2")]],
}


def _results(request: Json) -> list[list[str]]:
    """What the tools returned since the last user message, by round."""
    rounds: list[list[str]] = []
    for message in request["messages"]:
        if message["role"] == "user":
            rounds = []
        elif message.get("tool_calls"):
            rounds.append([])
        elif message["role"] == "tool":
            rounds[-1].append(message["content"])
    return rounds


def _event(delta: Json, finish_reason: str | None = None) -> bytes:
    return _data({"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})


def _usage(prompt: int, completion: int) -> bytes:
    total = prompt + completion
    used = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
    return _data({"choices": [], "usage": used})


def _data(body: Json) -> bytes:
    whole = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted-1", **body}
    return b"data: %b\n\n" % json.dumps(whole).encode()


def _error(status: int, message: str, *, code: str | None = None, retry_after: str | None = None) -> Refusal:
    headers = {"Content-Type": "application/json"} | ({"Retry-After": retry_after} if retry_after else {})
    return status, headers, json.dumps({"error": {"message": message, "code": code}}).encode()
