"""Every way a model's server can fail: a person gets a reason that says what to do, and keeps the text so far."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from convstore.agents.limits import Limits
from convstore.agents.openai_chat import OpenAIChat
from tests.agents.conftest import Answer, answer
from tests.services.scripted_model import ScriptedModel

pytestmark = pytest.mark.anyio
KEY = "sk-secret-0123456789abcdef"
LIMITS = Limits(timeout_seconds=0.3, connect_seconds=0.3, pause_seconds=0.01)


async def ask(url: str, script: str, limits: Limits = LIMITS) -> Answer:
    agent = OpenAIChat(api_key=KEY, base_url=url, model="m-1", limits=limits)
    got = await answer(agent, script)
    await agent.close()
    return got


@pytest.mark.parametrize(
    ("script", "text", "reason", "requests"),
    [
        ("401", "", "Check OPENAI_API_KEY", 1),
        ("403", "", "Check OPENAI_API_KEY", 1),
        ("404", "", "does not know the model m-1", 1),
        ("500", "", "problem of its own (500)", 3),
        ("503", "", "problem of its own (503)", 3),
        ("context", "", "too long for the model", 1),
        ("quota", "", "no credit left", 1),
        ("429:60", "", "Try again in 60 seconds", 1),
        ("cut:3", "t0 t1 t2 ", "broke off", 1),
        ("cut_first", "", "broke off", 3),
        ("malformed", "fine so far ", "not the chat completions format", 1),
        ("error_event", "fine so far ", "problem of its own (500)", 1),
        ("html", "", "web page", 1),
        ("empty", "", "without an answer", 1),
        ("silent", "", "without an answer", 3),
        ("filter", "I would ", "content filter", 1),
        ("length_tool", "", "length limit", 1),
        ("hang", "", "silent for 0.3 seconds", 1),
        ("hang_midway", "one word ", "silent for 0.3 seconds", 1),
        ("drip:0.05", "", "silent for 0.3 seconds", 1),
    ],
)
async def test_a_failure_says_what_to_do_and_keeps_the_text(
    scripted: ScriptedModel, script: str, text: str, reason: str, requests: int
) -> None:
    begun = time.monotonic()
    got = await ask(scripted.base_url, script)
    assert got.text == text
    assert got.error is not None and reason in str(got.error)
    assert len(scripted.requests) == requests, "asked again only while nothing was shown, and only if it may help"
    assert time.monotonic() - begun < 3
    assert "sk-" not in str(got.error) and "<" not in str(got.error)


@pytest.mark.parametrize("script", ["429:0.02", "flaky"])
async def test_a_passing_fault_is_not_even_noticed(scripted: ScriptedModel, script: str) -> None:
    got = await ask(scripted.base_url, script)
    assert got.error is None
    assert got.text.startswith("t0 t1 ")
    assert len(scripted.requests) == 2


async def test_a_long_retry_after_is_told_instead_of_waited_for(scripted: ScriptedModel) -> None:
    got = await ask(scripted.base_url, "429:60")
    assert got.error is not None and got.error.retry_after_seconds == 60


async def test_an_answer_at_its_length_limit_is_kept_and_says_so(scripted: ScriptedModel) -> None:
    got = await ask(scripted.base_url, "length")
    assert got.error is None
    assert got.text.startswith("As long as it gets\n\n*The answer was cut off here")


async def test_a_refused_connection_names_the_setting() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        got = await ask(f"http://127.0.0.1:{unused.getsockname()[1]}/v1", "ok")
    assert got.error is not None and "Nothing answers" in str(got.error) and "OPENAI_BASE_URL" in str(got.error)


async def test_an_unknown_host_is_named() -> None:
    limits = Limits(timeout_seconds=10, pause_seconds=0.01, retries=0)
    got = await ask("http://no-such-host.invalid/v1", "ok", limits)
    assert got.error is not None and "no-such-host.invalid cannot be found" in str(got.error)


async def test_https_to_a_server_without_it_is_told() -> None:
    async with _speaking(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        got = await ask(f"https://127.0.0.1:{port}/v1", "ok", Limits(timeout_seconds=5))
    assert got.error is not None and "No secure connection" in str(got.error)


async def test_something_that_is_no_web_server_is_told() -> None:
    async with _speaking(b"220 mail ready\r\n") as port:
        got = await ask(f"http://127.0.0.1:{port}/v1", "ok")
    assert got.error is not None and "broke off" in str(got.error)


async def test_a_password_in_the_address_is_never_shown() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        got = await ask(f"http://ada:hunter2@127.0.0.1:{port}/secret-path/v1?token=t0k3n", "ok")
    assert got.error is not None
    assert not any(secret in str(got.error) for secret in ("hunter2", "ada", "secret-path", "t0k3n"))


async def test_listing_models_fails_with_a_reason_too(scripted: ScriptedModel) -> None:
    agent = OpenAIChat(base_url=f"{scripted.base_url}/wrong", limits=LIMITS)
    with pytest.raises(Exception, match="usually ends in /v1"):
        await agent.models()
    await agent.close()


@asynccontextmanager
async def _speaking(line: bytes) -> AsyncIterator[int]:
    """A server that says one thing to everybody and hangs up."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(line)
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
