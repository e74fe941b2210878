"""The HTTP face: everything under FastAPI that is not a page. Thin over the store, `runner` and `follow`.

`routes()` is what this package serves. Who is asking and what an error looks like are settled once, around it: see
`identity`, `origin`, `headers`, `errors`.
"""

from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from convstore.api import events, health
from convstore.api.health import Readiness
from convstore.follow import Hub

__all__ = ["Readiness", "routes"]


def routes(hub: Hub, readiness: Readiness) -> APIRouter:
    """All routes, in one router."""
    router = APIRouter()
    router.include_router(health.routes(readiness))
    router.include_router(events.routes(hub))

    @router.get("/c/{conversation_id}", include_in_schema=False)
    async def link(conversation_id: str) -> Response:
        """The short link. Whether such a conversation is there is for the page to say."""
        return RedirectResponse(f"/?c={quote(conversation_id[:64], safe='')}", 307)

    return router
