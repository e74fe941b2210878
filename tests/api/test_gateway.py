"""People named by the gateway in front: only by it, and by nothing else then."""

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from convstore.api.identity import Identity, Signer, viewer
from convstore.api.origin import TrustedProxies
from convstore.settings import BadSettings, load

pytestmark = pytest.mark.anyio
KEY = "a-secret-of-the-tests-only-0123456789"
GATEWAY, STRANGER = ("10.0.0.1", 1), ("192.0.2.1", 1)


def site(address: tuple[str, int], **options: Any) -> httpx.AsyncClient:
    """A site behind a gateway at 10.0.0.1, asked from that address; it says who asks and which headers came through."""

    async def who(request: Request) -> JSONResponse:
        return JSONResponse([viewer(request), request.headers.get("x-forwarded-user")])

    app = Starlette(routes=[Route("/{path:path}", who)])
    app.add_middleware(Identity, signer=Signer([KEY]), issues_on={"/"}.__contains__, by_gateway=True)
    app.add_middleware(TrustedProxies, trusted="10.0.0.0/8", user_header="X-Forwarded-User")
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=address), base_url="http://x", **options)


@pytest.mark.parametrize("name", ["ada", "ada@example.org", "Ada Lovelace", "auth0|5f7c", "Zoë 🦆"])
async def test_the_gateway_says_who_it_is(name: str) -> None:
    async with site(GATEWAY) as browser:
        response = await browser.get("/", headers={b"x-FORWARDED-user": name.encode()})
        assert response.json() == [name, None]
        assert "set-cookie" not in response.headers


async def test_a_stranger_says_nothing() -> None:
    async with site(STRANGER) as browser:
        for headers in ({"X-Forwarded-User": "ada"}, {"X-Forwarded-User": "ada", "X-Forwarded-For": "10.0.0.1"}):
            response = await browser.get("/", headers=headers)
            assert response.json() == [None, None]
            assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    "name", [b"", b"anon:1", b"ANON:1", b"shared", b"x" * 256, b"\xff\xfe", b"a\x7fb", b"\xe2\x80\xaeada"]
)
async def test_a_name_that_nobody_can_have_is_nobody(name: bytes) -> None:
    async with site(GATEWAY) as browser:
        assert (await browser.get("/", headers={b"X-Forwarded-User": name})).json() == [None, None]


async def test_two_names_are_none_and_a_cookie_is_no_name() -> None:
    async with site(GATEWAY) as browser:
        both = [("X-Forwarded-User", "ada"), ("X-Forwarded-User", "eve")]
        assert (await browser.get("/", headers=both)).json() == [None, None]
    cookie = Signer([KEY]).sign("anon:0123456789abcdef0123456789abcdef")
    async with site(GATEWAY, cookies={"convstore": cookie}) as browser:
        assert (await browser.get("/")).json() == [None, None]


def test_a_gateway_that_could_be_anyone_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_USER_HEADER", "X-Forwarded-User")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.1,*")
    with pytest.raises(BadSettings, match="TRUSTED_USER_HEADER"):
        load()
