"""Every request has an id, in its response and in every line it logs: the caller's or the proxy's own, if it is sane.

What a request sets in motion keeps the id: the line that ends an answer has the one of the send that began it.
"""

import re
import secrets
from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")


class RequestIds:
    """ASGI middleware. `current` is where the log looks for the id."""

    def __init__(self, app: ASGIApp, current: ContextVar[str | None]) -> None:
        self.app, self.current = app, current

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        sent = Headers(scope=scope).getlist(HEADER)
        request_id = sent[0] if len(sent) == 1 and SANE.fullmatch(sent[0]) else secrets.token_hex(8)
        # Not taken back at the end: the server logs a defect after this has returned. Each request has its own task.
        self.current.set(request_id)

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        await self.app(scope, receive, with_id)
