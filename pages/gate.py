"""What reaches Gradio: the few routes our pages need, in the one shape they use. Everything else is 404.

Gradio brings some eighty routes: file serving that fetches URLs, uploads, a queue in process memory, monitoring. None
of them is needed here, so the list below says what passes, not what is denied; a new route of a new version stays shut.

A call of a handler is one POST with positional, scalar inputs. It is taken apart here and put together again from the
parts we know, so nothing else of it arrives: no session, no token, no file, no batch.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.cached import Cached
from pages.csp import Guarded

CALL = "/gradio_api/run/predict"
FILES = frozenset(
    {
        "/config",
        "/theme.css",
        "/gradio_api/theme.css",
        "/gradio_api/app_id",
        "/favicon.ico",
        "/manifest.json",
        "/pwa_icon",  # named by the manifest; not with a size, which would have Pillow draw any
    }
)
FOLDERS = ("/assets/", "/static/", "/svelte/")
# JSON in JSON: the longest message, of nothing but control characters, has 7 bytes for each of 50,000 of them.
MAX_BODY_BYTES = 400_000
MAX_EVENT_DEPTH = 6
# gradio_client.utils.is_file_obj looks for these; nothing we send to a handler has them.
FILE_KEYS = frozenset({"path", "url", "meta", "orig_name", "mime_type", "is_stream", "_type"})
# Gradio builds its own URLs from the first, and keeps a history of runs where the second says.
STRIPPED = (b"x-gradio-", b"x-forwarded-", b"x-ip-token", b"x-hf-authorization", b"x-direct-url")

Scalar = str | int | float | bool | None


class Refused(Exception):
    """A call that no page of ours makes."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Gate:
    """ASGI, around Gradio's application.

    `pages`: the paths of our pages. `handlers`: how many inputs the handler of each index has.
    `is_ours`: whether one of our own pages sent a request. `head`: HTML for every page's head.
    """

    def __init__(
        self,
        app: ASGIApp,
        pages: frozenset[str],
        handlers: Mapping[int, int],
        is_ours: Callable[[Scope], bool],
        head: str = "",
    ) -> None:
        self.app, self.pages, self.handlers, self.is_ours = app, pages, handlers, is_ours
        self.page: ASGIApp = Guarded(app, head)
        self.cached = Cached(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1000})
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        path, method = _route_path(scope), scope["method"]
        headers = [(name, value) for name, value in scope["headers"] if not name.startswith(STRIPPED)]
        scope = {**scope, "headers": headers}
        if path == CALL and method == "POST":
            await self._call(scope, receive, send)
        elif method not in ("GET", "HEAD"):
            await _not_found(scope, receive, send)
        elif path in self.pages:
            await self.page(scope, receive, send)
        elif path in FILES or (path.startswith(FOLDERS) and _is_plain(path)):
            await self.cached(scope, receive, send)
        else:
            await _not_found(scope, receive, send)

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if not self.is_ours(scope):
                raise Refused(403, "Only this site's own pages may call this")
            headers = Headers(scope=scope)
            if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                raise Refused(415, "JSON only")
            body = json.dumps(self._call_in(await _body(headers, receive))).encode()
        except Refused as refused:
            return await JSONResponse({"detail": str(refused)}, refused.status)(scope, receive, send)

        dropped = (b"content-length", b"transfer-encoding", b"content-encoding")
        kept = [(name, value) for name, value in scope["headers"] if name not in dropped]
        scope = {**scope, "headers": [*kept, (b"content-length", str(len(body)).encode())]}
        unread = [body]

        async def replay() -> Message:
            return {"type": "http.request", "body": unread.pop(), "more_body": False} if unread else await receive()

        await self.app(scope, replay, send)

    def _call_in(self, body: bytes) -> dict[str, Any]:
        """The call in this body, made of nothing but what a page sends. Raises `Refused`."""
        try:
            sent = json.loads(body)
        except (ValueError, RecursionError):
            raise Refused(400, "This is not JSON") from None
        if not isinstance(sent, dict):
            raise Refused(422, "A call is an object")
        index, data, event = sent.get("fn_index"), sent.get("data"), sent.get("event_data")
        if type(index) is not int or index not in self.handlers:
            raise Refused(404, "Not Found")
        if not isinstance(data, list) or len(data) != self.handlers[index]:
            raise Refused(422, "Reload the page: it does not fit this server's version")
        if not all(_is_scalar(value) or _is_small_object(value) for value in data):
            raise Refused(422, "Inputs are single values")
        if not _is_harmless(event, MAX_EVENT_DEPTH):
            raise Refused(422, "This event is too deep, or holds a file")
        trigger = sent.get("trigger_id")
        # Without a session, Gradio keeps nothing about the caller between two calls.
        return {
            "data": data,
            "event_data": event,
            "fn_index": index,
            "trigger_id": trigger if type(trigger) is int else None,
            "session_hash": None,
        }


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _is_small_object(value: object) -> bool:
    """What a script of ours hands over in one piece: one level, no list, nothing that Gradio takes for a file."""
    return isinstance(value, dict) and not FILE_KEYS & value.keys() and all(map(_is_scalar, value.values()))


def _is_harmless(value: object, depth: int) -> bool:
    if _is_scalar(value):
        return True
    if depth == 0:
        return False
    if isinstance(value, dict):
        return not FILE_KEYS & value.keys() and all(_is_harmless(item, depth - 1) for item in value.values())
    return isinstance(value, list) and all(_is_harmless(item, depth - 1) for item in value)


async def _body(headers: Headers, receive: Receive) -> bytes:
    """The whole body, however it is sent, as long as it is not too long. Raises `Refused`."""
    too_long = Refused(413, f"A call has at most {MAX_BODY_BYTES // 1000} KB")
    announced = headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced[:12]) > MAX_BODY_BYTES:
        raise too_long
    read = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused(400, "The call was cut off")
        read += message.get("body", b"")
        if len(read) > MAX_BODY_BYTES:
            raise too_long
        if not message.get("more_body"):
            return bytes(read)


def _route_path(scope: Scope) -> str:
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path.removeprefix(root) if root and path.startswith(root + "/") else path


def _is_plain(path: str) -> bool:
    return ".." not in path and "//" not in path and "\\" not in path and path.isprintable()


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"detail": "Not Found"}, 404)(scope, receive, send)
