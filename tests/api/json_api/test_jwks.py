"""Keys published at a URL: rotated without a wait, asked for sparingly, and what happens when nobody answers there."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest

from convstore.api import jwks, tokens
from convstore.api.tokens import BadToken, Verifier
from convstore.errors import Unavailable
from tests.api.json_api.bad_tokens import EC, ED, OTHERS, RSA, claims, jwk
from tests.services.api_clients import SECRET

pytestmark = pytest.mark.anyio


class Issuer:
    """Whoever signs: publishes `keys`, and counts how often they were asked for."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.asked = 0
        self.status = 200
        self.padding = 0
        self.pause_seconds = 0.0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                body = json.dumps({"keys": issuer.keys}).encode() + b" " * issuer.padding
                self.send_response(issuer.status)
                self.send_header("Location", "/keys")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                for byte in body if issuer.pause_seconds else ():
                    time.sleep(issuer.pause_seconds)
                    self.wfile.write(bytes([byte]))
                self.wfile.write(body if not issuer.pause_seconds else b"")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    issuer = Issuer()
    yield issuer
    issuer.close()


def token(key: Any, algorithm: str, kid: str | None = None, **said: Any) -> str:
    return jwt.encode(claims(**said), key, algorithm, headers={"kid": kid} if kid else None)


def trusting(issuer: Issuer) -> Verifier:
    return tokens.verifier([], None, issuer.url)


async def test_each_kind_of_published_key_counts_by_its_name(issuer: Issuer) -> None:
    issuer.keys = [jwk("RS256", RSA, kid="r"), jwk("ES256", EC, kid="e"), jwk("EdDSA", ED, kid="d")]
    verifier = trusting(issuer)
    for key, algorithm, kid in ((RSA, "RS256", "r"), (EC, "ES256", "e"), (ED, "EdDSA", "d")):
        assert (await verifier.verify(token(key, algorithm, kid))).subject == "ada"
        assert (await verifier.verify(token(key, algorithm))).subject == "ada"
        with pytest.raises(BadToken):
            await verifier.verify(token(OTHERS[algorithm], algorithm, kid))
        with pytest.raises(BadToken):
            await verifier.verify(token(key, algorithm, "r" if kid != "r" else "e"))
    assert issuer.asked == 1, "asked once, then kept"


async def test_a_new_key_counts_at_once_and_an_old_one_no_more(issuer: Issuer) -> None:
    issuer.keys = [jwk("ES256", EC, kid="old")]
    verifier = trusting(issuer)
    await verifier.verify(token(EC, "ES256", "old"))
    issuer.keys = [jwk("ES256", OTHERS["ES256"], kid="new")]
    assert (await verifier.verify(token(OTHERS["ES256"], "ES256", "new"))).subject == "ada"
    with pytest.raises(BadToken):
        await verifier.verify(token(EC, "ES256", "old"))


async def test_made_up_key_names_do_not_make_us_ask_again_and_again(issuer: Issuer) -> None:
    issuer.keys = [jwk("ES256", EC, kid="k")]
    verifier = trusting(issuer)

    async def stranger(number: int) -> None:
        with pytest.raises(BadToken):
            await verifier.verify(token(OTHERS["ES256"], "ES256", f"made-up-{number}"))

    await asyncio.gather(*(stranger(n) for n in range(200)))
    for number in range(50):
        await stranger(number)
    assert issuer.asked <= jwks.LOADS_A_MINUTE
    assert (await verifier.verify(token(EC, "ES256", "k"))).subject == "ada"


async def test_a_shared_secret_is_never_looked_for_there(issuer: Issuer) -> None:
    issuer.keys = [{"kty": "oct", "kid": "k", "alg": "HS256", "k": "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg"}]
    with pytest.raises(BadToken):
        await trusting(issuer).verify(token("x" * 32, "HS256", "k"))
    assert issuer.asked == 0
    both = tokens.verifier([SECRET], None, issuer.url)
    assert (await both.verify(token(SECRET, "HS256"))).subject == "ada"


async def test_without_any_keys_nobody_can_tell_and_that_is_said(issuer: Issuer) -> None:
    for trouble in ({"status": 500}, {"status": 302}, {"padding": jwks.MOST_BYTES + 1}):
        for name, value in {"status": 200, "padding": 0, **trouble}.items():
            setattr(issuer, name, value)
        issuer.keys = [jwk("ES256", EC, kid="k")]
        with pytest.raises(Unavailable, match="keys"):
            await trusting(issuer).verify(token(EC, "ES256", "k"))
    closed = Issuer()
    closed.close()
    with pytest.raises(Unavailable, match="keys"):
        await trusting(closed).verify(token(EC, "ES256", "k"))


async def test_keys_once_seen_go_on_counting_while_the_issuer_is_away(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.keys = [jwk("ES256", EC, kid="k")]
    verifier = trusting(issuer)
    await verifier.verify(token(EC, "ES256", "k"))
    issuer.status = 503
    monkeypatch.setattr(jwks, "FRESH_SECONDS", 0.0)
    assert (await verifier.verify(token(EC, "ES256", "k"))).subject == "ada"
    assert issuer.asked == 2
    monkeypatch.setattr(jwks, "STALE_SECONDS", 0.0)
    with pytest.raises(Unavailable):
        await verifier.verify(token(EC, "ES256", "k"))


async def test_an_issuer_that_drips_is_not_waited_for(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer.keys, issuer.pause_seconds = [jwk("ES256", EC, kid="k")], 0.05
    monkeypatch.setattr(jwks, "LOAD_SECONDS", 0.3)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await trusting(issuer).verify(token(EC, "ES256", "k"))
    assert time.monotonic() - began < 3
