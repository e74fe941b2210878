"""The status of a page that names a conversation, and that no search engine keeps it.

The page itself is drawn in the browser, after its status is long gone. So it is asked here whether there is anything
for this visitor: not shared any more, expired, deleted and never there are one 404, with the page that says so.
"""

from collections.abc import Awaitable, Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

IsThere = Callable[[Scope], Awaitable[bool]]


class Standing:
    """ASGI, around the application that serves the page at `/`."""

    def __init__(self, app: ASGIApp, is_there: IsThere) -> None:
        self.app, self.is_there = app, is_there

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or not _names_a_conversation(scope):
            return await self.app(scope, receive, send)
        found = await self.is_there(scope)

        async def with_standing(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Robots-Tag"] = "noindex, nofollow"
                if message["status"] == 200 and not found:
                    message["status"] = 404
            await send(message)

        await self.app(scope, receive, with_standing)


def _names_a_conversation(scope: Scope) -> bool:
    path: str = scope["path"]
    at = path.removeprefix(scope.get("root_path", "")) or "/"
    return at == "/" and b"c=" in scope["query_string"]
