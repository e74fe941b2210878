"""Who opens the page: an anonymous person known by a signed cookie, so that a demo needs no login.

The cookie is `subject.timestamp.signature`; the server keeps nothing. Loading a page issues one (or renews an old one);
no other route does, so a program that calls the API never becomes a person by accident. A cookie that does not verify
counts as none: its sender is given a new identity, and is never told whether it was forged or merely old.

Behind a gateway that signs people in, its word is all that counts (`origin`): no cookie is issued or read then, because
whoever has signed out there must be nobody here.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from itsdangerous import BadSignature, TimestampSigner
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from convstore.api import subjects
from convstore.api.origin import named

YEAR_SECONDS = 365 * 24 * 3600
RENEW_AFTER_SECONDS = 24 * 3600
SCOPE_KEY = "convstore.viewer"


def viewer(request: HTTPConnection) -> str | None:
    """The subject of whoever sent this request, None for nobody."""
    found = request.scope.get(SCOPE_KEY)
    return found if isinstance(found, str) else None


class Signer:
    """Signs and reads identity cookies. The first key signs, every key verifies: put a new one in front to rotate."""

    def __init__(self, keys: Sequence[str]) -> None:
        # itsdangerous signs with the last of its keys.
        self._all = TimestampSigner(list(reversed(keys)), salt="convstore.identity")
        self._first = TimestampSigner(keys[0], salt="convstore.identity")

    def sign(self, subject: str) -> str:
        """The cookie for this subject."""
        return self._first.sign(subject).decode()

    def read(self, cookie: str) -> tuple[str, bool] | None:
        """The subject of a cookie and whether it should be renewed; None for one that is forged, broken or too old."""
        try:
            subject, signed_at = self._all.unsign(cookie, max_age=YEAR_SECONDS, return_timestamp=True)
            old = (datetime.now(UTC) - signed_at).total_seconds() > RENEW_AFTER_SECONDS
            return subject.decode("ascii"), old or not self._first.validate(cookie)
        except (BadSignature, ValueError, OverflowError):
            return None


class Identity:
    """ASGI middleware that puts the viewer into the scope and issues the cookie on the paths `issues_on` names.

    `by_gateway`: people are named by the gateway in front, not by cookies.
    """

    def __init__(
        self,
        app: ASGIApp,
        signer: Signer,
        issues_on: Callable[[str], bool],
        cookie: str = "convstore",
        by_gateway: bool = False,
    ) -> None:
        self.app, self.signer, self.issues_on, self.cookie = app, signer, issues_on, cookie
        self.by_gateway = by_gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if self.by_gateway:
            name = named(scope)
            person = name if name and subjects.is_acceptable(name) else None
            return await self.app({**scope, SCOPE_KEY: person}, receive, send)
        sent = HTTPConnection(scope).cookies.get(self.cookie)
        known = self.signer.read(sent) if sent else None
        issue = False
        if scope["method"] == "GET" and self.issues_on(scope["path"]):
            issue = known is None or known[1]
            known = known or (subjects.ANONYMOUS + secrets.token_hex(16), True)
        scope = {**scope, SCOPE_KEY: known[0] if known else None}
        if not (issue and known):
            return await self.app(scope, receive, send)

        header = self._set_cookie(known[0], scope["scheme"] == "https")

        async def with_cookie(message: Message) -> None:
            # Not on an error: the next load of a page that works is soon enough. "Not found" is a page like any other.
            if message["type"] == "http.response.start" and (message["status"] < 400 or message["status"] == 404):
                MutableHeaders(scope=message).append("set-cookie", header)
            await send(message)

        await self.app(scope, receive, with_cookie)

    def _set_cookie(self, subject: str, secure: bool) -> str:
        value = f"{self.cookie}={self.signer.sign(subject)}; Path=/; Max-Age={YEAR_SECONDS}; HttpOnly; SameSite=Lax"
        return value + "; Secure" if secure else value
