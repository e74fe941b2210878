"""How long a browser and a proxy may keep each file of the page.

A page is some fifty small files. Those whose name changes with their content are kept for ever; the rest for an hour,
and what holds data not at all.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOR_EVER = "public, max-age=31536000, immutable"
AN_HOUR = "public, max-age=3600"


def lifetime(path: str, query: bytes = b"") -> str:
    """The Cache-Control of this path when it is served well."""
    if path.startswith("/assets/") or (path == "/theme.css" and b"v=" in query):
        return FOR_EVER
    if path.startswith(("/static/", "/svelte/")) or path in ("/favicon.ico", "/manifest.json", "/pwa_icon"):
        return AN_HOUR
    return "no-store"


class Cached:
    """ASGI, around the application that serves the files."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        value = lifetime(scope["path"], scope["query_string"])

        async def with_lifetime(message: Message) -> None:
            if message["type"] == "http.response.start":
                served = message["status"] in (200, 206, 304)
                MutableHeaders(scope=message)["Cache-Control"] = value if served else "no-store"
            await send(message)

        await self.app(scope, receive, with_lifetime)
