"""An anonymous person is known by a cookie that nobody else can make."""

import re
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from itsdangerous import TimestampSigner
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from convstore.api.identity import Identity, Signer, viewer
from convstore.api.origin import TrustedProxies

pytestmark = pytest.mark.anyio
OLD, NEW = "the-old-key-0123456789", "the-new-key-0123456789"


def site(keys: Sequence[str] = (NEW,), *, scheme: str = "http", **client: Any) -> httpx.AsyncClient:
    """A site whose every path says who is asking; `/` is its only page."""

    async def who(request: Request) -> PlainTextResponse:
        return PlainTextResponse(viewer(request) or "nobody", 500 if request.url.path == "/broken" else 200)

    app = Starlette(routes=[Route("/{path:path}", who, methods=["GET", "POST", "HEAD"])])
    app.add_middleware(Identity, signer=Signer(keys), issues_on={"/", "/broken"}.__contains__)
    app.add_middleware(TrustedProxies, trusted="10.0.0.0/8, ::1")
    transport = httpx.ASGITransport(app, client=client.pop("address", ("192.0.2.1", 1)))
    return httpx.AsyncClient(transport=transport, base_url=f"{scheme}://chat.example", **client)


async def test_the_first_load_of_the_page_makes_a_person_and_the_next_ones_know_them() -> None:
    async with site() as browser:
        first = await browser.get("/")
        assert re.fullmatch(r"anon:[0-9a-f]{32}", first.text)
        cookie = first.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=31536000"} <= set(cookie.split("; "))
        assert "Secure" not in cookie
        again = await browser.get("/")
        assert again.text == first.text
        assert "set-cookie" not in again.headers
        assert (await browser.post("/call")).text == first.text


async def test_two_people_are_two_people() -> None:
    async with site() as one, site() as other:
        assert (await one.get("/")).text != (await other.get("/")).text


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/x"), ("POST", "/"), ("HEAD", "/"), ("GET", "/events/x")])
async def test_nothing_but_loading_a_page_makes_a_person(method: str, path: str) -> None:
    async with site() as browser:
        response = await browser.request(method, path)
        assert "set-cookie" not in response.headers
        assert response.text in ("nobody", "")


async def test_a_page_that_fails_sets_no_cookie() -> None:
    async with site() as browser:
        assert "set-cookie" not in (await browser.get("/broken")).headers


async def test_over_https_the_cookie_stays_on_https() -> None:
    async with site(scheme="https") as browser:
        assert "Secure" in (await browser.get("/")).headers["set-cookie"]


async def test_only_a_trusted_proxy_can_say_that_it_was_https() -> None:
    said = {"X-Forwarded-Proto": "https"}
    async with site(headers=said) as direct, site(headers=said, address=("10.1.2.3", 1)) as proxied:
        assert "Secure" not in (await direct.get("/")).headers["set-cookie"]
        assert "Secure" in (await proxied.get("/")).headers["set-cookie"]


@pytest.mark.parametrize(
    "forged",
    [
        "anon:" + "0" * 32,
        "anon:x.y.z",
        "",
        ".",
        "..",
        "ß.x.y",
        "x" * 5000,
        TimestampSigner(NEW, salt="another.salt"),
        TimestampSigner("another-key-0123456789", salt="convstore.identity"),
    ],
    ids=lambda value: "other signer" if isinstance(value, TimestampSigner) else repr(value)[:30],
)
async def test_a_forged_cookie_counts_for_nothing_and_its_sender_starts_anew(forged: str | TimestampSigner) -> None:
    if isinstance(forged, TimestampSigner):
        forged = forged.sign("user:ada").decode()
    async with site() as browser:
        headers = {b"Cookie": f"convstore={forged}".encode()}
        assert (await browser.post("/call", headers=headers)).text == "nobody"
        page = await browser.get("/", headers=headers)
        assert re.fullmatch(r"anon:[0-9a-f]{32}", page.text)
        assert "set-cookie" in page.headers


async def test_a_new_key_in_front_keeps_everyone_known_and_moves_them_over() -> None:
    async with site([OLD]) as before:
        person = (await before.get("/")).text
        cookie = before.cookies["convstore"]
    async with site([NEW, OLD], cookies={"convstore": cookie}) as during:
        moved = await during.get("/")
        assert moved.text == person
        fresh = moved.headers["set-cookie"].split(";")[0].split("=", 1)[1]
    async with site([NEW], cookies={"convstore": fresh}) as after:
        assert (await after.get("/")).text == person
    async with site([NEW], cookies={"convstore": cookie}) as too_late:
        assert (await too_late.get("/")).text != person


def test_a_cookie_is_renewed_after_a_day_and_worthless_after_a_year(monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Signer([NEW])
    day = 24 * 3600
    for age, expected in ((0, ("ada", False)), (2 * day, ("ada", True)), (366 * day, None)):
        written = TimestampSigner.get_timestamp(TimestampSigner("x")) - age
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self, at=written: at)
        cookie = signer.sign("ada")
        monkeypatch.undo()
        assert signer.read(cookie) == expected
