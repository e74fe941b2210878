"""The HTTP face: everything under FastAPI that is not a page. Thin over the store, `runner` and `follow`.

`routes()` is what this package serves: the page's own few routes, and the JSON API under `/api/{user_id}/`. Who is
asking and what an error looks like are settled once, around it: see `identity`, `owner`, `origin`, `headers`, `errors`.
"""

from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from convstore.api import (
    chat,
    conversations,
    elsewhere,
    events,
    health,
    luggage,
    messages,
    openapi,
    search,
    sharing,
    transfer,
)
from convstore.api.health import Readiness
from convstore.api.services import Services
from convstore.follow import Hub

__all__ = ["Readiness", "Services", "routes"]


def routes(hub: Hub, readiness: Readiness) -> APIRouter:
    """All routes, in one router."""
    router = APIRouter()
    router.include_router(health.routes(readiness))
    router.include_router(events.routes(hub))
    router.include_router(luggage.router)

    @router.get("/c/{conversation_id}", include_in_schema=False)
    async def link(conversation_id: str) -> Response:
        """The short link. Whether such a conversation is there is for the page to say."""
        return RedirectResponse(f"/?c={quote(conversation_id[:64], safe='')}", 307)

    router.include_router(sharing.readers)
    router.include_router(space())
    return router


def space() -> APIRouter:
    """What a user has under their own name. Each route is `owner.Guarded`.

    What is served at `/api/shared/`, to anyone, has to be included before it.
    """
    router = APIRouter(prefix="/api/{user_id}", responses=openapi.problems(401, 403, 422, 503))
    for part in (chat, conversations, messages, search, sharing, transfer):
        router.include_router(part.router)
    router.include_router(transfer.arrivals)
    router.include_router(elsewhere.router)  # the last one: it answers for all that is left
    return router
