"""Where a request comes from: which proxy it passed, and whether one of our own pages sent it.

Forwarded headers count only when a trusted proxy sent them. They are folded into the request (client, scheme, Host) and
then removed, so that nothing behind this can believe a header a stranger wrote.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

_FORWARDED = (b"x-forwarded-", b"x-real-ip", b"x-original-", b"x-rewrite-")
NAMED_KEY = "convstore.named"


def named(scope: Scope) -> str | None:
    """The person a trusted gateway names in this request, None when there is none or it names nobody."""
    found = scope.get(NAMED_KEY)
    return found if isinstance(found, str) else None


class TrustedProxies:
    """ASGI middleware. `trusted`: addresses and networks separated by commas, or `*` for anyone.

    `user_header`: the header in which a trusted gateway names the person it has signed in.
    """

    def __init__(self, app: ASGIApp, trusted: str, user_header: str | None = None) -> None:
        self.app = app
        self.user_header = (user_header or "").lower().encode()
        items = [item.strip() for item in trusted.split(",") if item.strip()]
        self.anyone = "*" in items
        self.networks: Sequence[IPv4Network | IPv6Network] = [ip_network(i, strict=False) for i in items if i != "*"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = self._folded(scope)
        await self.app(scope, receive, send)

    def _folded(self, scope: Scope) -> Scope:
        client = scope.get("client")
        headers = Headers(scope=scope)
        kept = [
            (name, value)
            for name, value in scope["headers"]
            if not name.startswith(_FORWARDED) and name != self.user_header
        ]
        scope = {**scope, "headers": kept}
        if not self._trusts(client[0] if client else ""):
            return scope
        if self.user_header:
            scope[NAMED_KEY] = _only(headers, self.user_header.decode())
        # The proxy appends: what it saw itself stands last. Walk back over proxies that are ours.
        hops = [hop.strip() for hop in ",".join(headers.getlist("x-forwarded-for")).split(",") if hop.strip()]
        for hop in reversed(hops):
            scope["client"] = (hop, 0)
            if not self._trusts(hop):
                break
        scheme = _last(headers, "x-forwarded-proto")
        if scheme in ("http", "https") and scope["type"] == "http":
            scope["scheme"] = scheme
        host = _last(headers, "x-forwarded-host")
        if host:
            scope["headers"] = [(n, v) for n, v in kept if n != b"host"] + [(b"host", host.encode("latin-1"))]
        return scope

    def _trusts(self, host: str) -> bool:
        if self.anyone:
            return True
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in self.networks)


def _last(headers: Headers, name: str) -> str:
    values = headers.getlist(name)
    return values[-1].rpartition(",")[2].strip() if values else ""


def _only(headers: Headers, name: str) -> str | None:
    """The header's value in UTF-8. Sent twice, nobody knows which one the gateway wrote: then it is None."""
    values = headers.getlist(name)
    try:
        return values[0].encode("latin-1").decode() if len(values) == 1 else None
    except UnicodeDecodeError:
        return None


def is_ours(scope: Scope, silence: bool = False) -> bool:
    """Whether one of our own pages sent this request.

    Browsers send Sec-Fetch-Site (on https and localhost) or Origin (on every POST), and no page can forge either:
    https://www.w3.org/TR/fetch-metadata/. `silence` is the answer when there is neither: a browser's GET over plain
    http, or a program.
    """
    headers = Headers(scope=scope)
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    if origin is None:
        return silence
    # Only the host: a proxy that ends TLS without saying so leaves the scheme in doubt, never the host.
    host = headers.get("host", "").lower()
    return origin.startswith(("http://", "https://")) and urlsplit(origin).netloc.lower() == host
