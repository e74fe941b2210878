"""Server-sent events as this server sends them: a comment at once, keep-alives, an end for readers who do not read."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from convstore.errors import Unavailable
from convstore.follow import Event

log = logging.getLogger(__name__)

PING_SECONDS = 15
SLOW_READER_SECONDS = 20.0  # one event may wait this long for a reader's full buffers
# sse-starlette cuts streams off at the signal; ours end by themselves a moment later, whole. It stays as the last word
# for servers that do not close the hub.
HUB_CLOSES_SECONDS = 1.0
RETRY_MILLISECONDS = 1000  # how long a browser waits before it connects again

# Some clients take these for the end of a line, too.
_SEPARATORS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


class Stream(EventSourceResponse):
    """An event stream that drops a reader who stopped reading, without an error in the log."""

    def __init__(self, content: AsyncIterator[ServerSentEvent], send_timeout: float = SLOW_READER_SECONDS) -> None:
        super().__init__(
            content,
            ping=PING_SECONDS,
            ping_message_factory=lambda: ServerSentEvent(comment="still here", sep="\n"),
            send_timeout=send_timeout,
            shutdown_grace_period=HUB_CLOSES_SECONDS,
            sep="\n",
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            log.info("a reader did not read for %g s and was cut off", SLOW_READER_SECONDS)


async def opened(following: AsyncIterator[Event], until: float | None = None) -> Stream:
    """The stream of these events, until that moment (seconds since 1970) at most. Raises what the first one raises.

    A stream's status goes out before its first event, so that one has to be waited for: it says whether there is
    anything to follow. It comes with the hub's next look at the database.
    """
    try:
        first = await anext(following, None)
    except BaseException:
        await close(following)
        raise
    if first is None:
        raise Unavailable("This instance is on its way out. Connect again.")
    return Stream(lines(first, following, until))


async def lines(
    first: Event, following: AsyncIterator[Event], until: float | None = None
) -> AsyncIterator[ServerSentEvent]:
    """What is sent: a comment at once, that first event, then the others. Closes `following` in any case."""
    try:
        yield hello()
        event: Event | None = first
        while event is not None:
            yield line(event.name, event.id, event.data)
            try:
                async with asyncio.timeout(None if until is None else until - time.time()):
                    event = await anext(following, None)
            except TimeoutError:
                return
    finally:
        await close(following)


async def close(following: AsyncIterator[Event]) -> None:
    """The reader has left: the hub forgets it."""
    if isinstance(following, AsyncGenerator):  # it is
        await following.aclose()


def hello() -> ServerSentEvent:
    """What is sent at once, so that the client sees an open stream before anything happens in it."""
    return ServerSentEvent(comment="open", retry=RETRY_MILLISECONDS, sep="\n")


def line(name: str, event_id: str, data: dict[str, Any]) -> ServerSentEvent:
    """One event."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str)
    return ServerSentEvent(text.translate(_SEPARATORS), event=name, id=event_id, sep="\n")
