"""`GET /events/{conversation_id}`: a conversation's changes as server-sent events, for the page.

Any instance serves any conversation. What is missing, someone else's, or no ID at all gets one and the same 404.
A reader that does not read is cut off; the browser connects again, and `Last-Event-ID` says where it was.
"""

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from convstore.api import errors
from convstore.api.identity import viewer
from convstore.api.origin import is_ours
from convstore.errors import Unavailable
from convstore.follow import Event, Hub

log = logging.getLogger(__name__)

PING_SECONDS = 15
SLOW_READER_SECONDS = 20.0  # one event may wait this long for a reader's full buffers
# sse-starlette cuts streams off at the signal; ours end by themselves a moment later, whole. It stays as the last word
# for servers that do not close the hub.
HUB_CLOSES_SECONDS = 1.0
RETRY_MILLISECONDS = 1000  # how long a browser waits before it connects again
LAST_EVENT_ID_CHARACTERS = 2000


class Stream(EventSourceResponse):
    """An event stream that drops a reader who stopped reading, without an error in the log."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            log.info("a reader did not read for %g s and was cut off", SLOW_READER_SECONDS)


def routes(hub: Hub) -> APIRouter:
    """The route, over this hub."""
    router = APIRouter()

    @router.get("/events/{conversation_id}", include_in_schema=False)
    async def events(
        request: Request,
        conversation_id: str,
        last_event_id: str | None = None,
        last_event_id_header: str | None = Header(default=None, alias="Last-Event-ID"),
    ) -> Response:
        if not is_ours(request.scope, silence=True):
            return JSONResponse({"detail": "Only this site's own pages may follow a conversation here"}, 403)
        person, key = viewer(request), canonical_id(conversation_id)
        if person is None or key is None:
            return errors.not_found()
        since = last_event_id_header or last_event_id
        if since and len(since) > LAST_EVENT_ID_CHARACTERS:
            since = None
        following = hub.follow(key, person, since)
        # A stream's status goes out before its first event, so that one has to be waited for: it says whether there is
        # anything to follow. It comes with the hub's next look at the database.
        try:
            first = await anext(following, None)
        except BaseException:
            await _close(following)
            raise
        if first is None:
            raise Unavailable("This instance is on its way out. Connect again.")
        return Stream(
            lines(first, following),
            ping=PING_SECONDS,
            ping_message_factory=lambda: ServerSentEvent(comment="still here", sep="\n"),
            send_timeout=SLOW_READER_SECONDS,
            shutdown_grace_period=HUB_CLOSES_SECONDS,
            sep="\n",
        )

    return router


async def lines(first: Event, following: AsyncIterator[Event]) -> AsyncIterator[ServerSentEvent]:
    """What is sent: a comment at once, that first event, then the others. Closes `following` in any case."""
    try:
        yield ServerSentEvent(comment="open", retry=RETRY_MILLISECONDS, sep="\n")
        yield _line(first)
        async for event in following:
            yield _line(event)
    finally:
        await _close(following)


async def _close(following: AsyncIterator[Event]) -> None:
    if isinstance(following, AsyncGenerator):  # it is; the hub forgets the reader when it is closed
        await following.aclose()


def _line(event: Event) -> ServerSentEvent:
    return ServerSentEvent(_json(event.data), event=event.name, id=event.id, sep="\n")


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str)


def canonical_id(text: str) -> UUID | None:
    """The ID in its one written form (lower-case, with hyphens), None for anything else."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None
