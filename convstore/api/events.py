"""`GET /events/{conversation_id}`: a conversation's changes as server-sent events, for the page.

Any instance serves any conversation. What is missing, someone else's, or no ID at all gets one and the same 404.
A reader that does not read is cut off; the browser connects again, and `Last-Event-ID` says where it was.
"""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from convstore import conversations
from convstore.api import errors
from convstore.api.identity import viewer
from convstore.api.origin import is_ours
from convstore.database import Database
from convstore.errors import NotFound, Unavailable
from convstore.follow import Hub

log = logging.getLogger(__name__)

PING_SECONDS = 15
SLOW_READER_SECONDS = 20.0  # one event may wait this long for a reader's full buffers
RETRY_MILLISECONDS = 1000  # how long a browser waits before it connects again
LAST_EVENT_ID_CHARACTERS = 2000


class Stream(EventSourceResponse):
    """An event stream that drops a reader who stopped reading, without an error in the log."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            log.info("a reader did not read for %g s and was cut off", SLOW_READER_SECONDS)


def routes(db: Database, hub: Hub) -> APIRouter:
    """The route, over this database and hub."""
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
        # A stream's status is sent before its first event, so the 404 has to be found out first.
        await db.reading(conversations.get, person, key)
        since = last_event_id_header or last_event_id
        if since and len(since) > LAST_EVENT_ID_CHARACTERS:
            since = None
        return Stream(
            _lines(hub, key, person, since),
            ping=PING_SECONDS,
            ping_message_factory=lambda: ServerSentEvent(comment="still here", sep="\n"),
            send_timeout=SLOW_READER_SECONDS,
            sep="\n",
        )

    return router


async def _lines(hub: Hub, conversation_id: UUID, person: str, since: str | None) -> AsyncIterator[ServerSentEvent]:
    # The comment makes proxies and the browser see an open stream at once.
    yield ServerSentEvent(comment="open", retry=RETRY_MILLISECONDS, sep="\n")
    try:
        async with aclosing(hub.follow(conversation_id, person, since)) as following:  # type: ignore[type-var]
            async for event in following:
                yield ServerSentEvent(_json(event.data), event=event.name, id=event.id, sep="\n")
    except NotFound:
        yield ServerSentEvent("{}", event="gone", sep="\n")
    except Unavailable:
        pass  # the stream ends and the browser connects again, perhaps to an instance that is better off


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str)


def canonical_id(text: str) -> UUID | None:
    """The ID in its one written form (lower-case, with hyphens), None for anything else."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None
