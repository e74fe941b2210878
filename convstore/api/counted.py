"""Every response is counted by its route, never by its path: labels that a stranger can choose would fill the memory.

To stand right around the router (the first middleware added), where what the router writes into the scope can be read.
Timed is the way to the first byte; an event stream may then stay open for hours.
"""

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"

Count = Callable[[str, str, int, float], None]  # method, route, status, seconds to the first byte


class Counted:
    """ASGI middleware. `named`: exact paths behind a mount that deserve a label of their own."""

    def __init__(self, app: ASGIApp, count: Count, named: frozenset[str] = frozenset()) -> None:
        self.app, self.count, self.named = app, count, named

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, root = time.monotonic(), scope.get("root_path", "")
        started = False

        def done(status: int) -> None:
            method = scope["method"] if scope["method"] in METHODS else OTHER
            self.count(method, self._route(scope, root), status, time.monotonic() - began)

        async def counted(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start" and not started:
                started = True
                done(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, counted)
        except Exception:
            if not started:
                done(500)
            raise

    def _route(self, scope: Scope, root: str) -> str:
        # FastAPI keeps the whole template, with the prefixes of the routers around it, only here.
        chosen = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
        template = getattr(chosen, "path_format", None)
        if isinstance(template, str):
            return template
        mounted = str(scope.get("root_path", "")).removeprefix(root)
        if mounted:
            return f"{mounted}/*"
        path = str(scope["path"]).removeprefix(root)
        return path if path in self.named else OTHER
