"""A content security policy for Gradio's page: its own scripts run, nothing a message could bring along does.

Gradio's HTML has inline scripts, so each response gets a fresh nonce that is written on them and named in the policy.
`'unsafe-eval'` stays because Gradio compiles `js=` and `js_on_load` in the browser; both are ours, never a person's
text. The page also advertises pictures on other hosts to link previews; those lines go.
"""

import gzip
import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; "
    "frame-src 'none'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_SCRIPT = re.compile(rb"<script(?=[\s>])")
_PREVIEW = re.compile(rb"\s*<meta\s+(?:property|name)=\"(?:og|twitter):[^>]*>")


def harden(html: bytes, nonce: str, head: bytes = b"") -> bytes:
    """Gradio's page with our `head`, with this nonce on each script and without link previews.

    Gradio writes its configuration into the page with `<` escaped, so a `<script` here is one of its own.
    """
    html = _PREVIEW.sub(b"", html).replace(b"</head>", head + b"</head>", 1)
    return _SCRIPT.sub(b'<script nonce="' + nonce.encode() + b'"', html)


class Guarded:
    """ASGI, around the application that makes the page. `head` is HTML of ours for every page's head."""

    def __init__(self, app: ASGIApp, head: str = "") -> None:
        self.app, self.head = app, head.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        accepts_gzip = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        # Uncompressed and unconditional, so that there is always a whole page to rewrite.
        dropped = (b"accept-encoding", b"range", b"if-none-match", b"if-modified-since")
        scope = {**scope, "headers": [(n, v) for n, v in scope["headers"] if n not in dropped]}
        start: Message | None = None
        body = bytearray()

        async def rewrite(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                if scope["method"] == "GET" and Headers(scope=message).get("content-type", "").startswith("text/html"):
                    start = message
                    return
                _set_policy(message, secrets.token_urlsafe(18))
            if start is None or message["type"] != "http.response.body":
                return await send(message)
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            nonce = secrets.token_urlsafe(18)
            page = harden(bytes(body), nonce, self.head)
            headers = _set_policy(start, nonce)
            headers.add_vary_header("Accept-Encoding")
            if accepts_gzip:
                page = gzip.compress(page, 5, mtime=0)
                headers["Content-Encoding"] = "gzip"
            headers["Content-Length"] = str(len(page))
            await send(start)
            await send({"type": "http.response.body", "body": page})

        await self.app(scope, receive, rewrite)


def _set_policy(start: Message, nonce: str) -> MutableHeaders:
    headers = MutableHeaders(scope=start)
    headers["Content-Security-Policy"] = POLICY.format(nonce=nonce)
    headers["Cache-Control"] = "no-store"
    return headers
