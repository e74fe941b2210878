"""`GET /events/{conversation_id}`: a conversation's changes as server-sent events, for the page.

Any instance serves any conversation. What is missing, someone else's, or no ID at all gets one and the same 404.
A reader that does not read is cut off; the browser connects again, and `Last-Event-ID` says where it was.
"""

from uuid import UUID

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse

from convstore.api import errors, streams
from convstore.api.identity import viewer
from convstore.api.origin import is_ours
from convstore.follow import Hub

LAST_EVENT_ID_CHARACTERS = 2000


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
        return await streams.opened(hub.follow(key, person, since))

    return router


def canonical_id(text: str) -> UUID | None:
    """The ID in its one written form (lower-case, with hyphens), None for anything else."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None
