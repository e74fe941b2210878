"""What a response tells the browser to do, and not to do."""

import re

import httpx
import pytest
from fastapi import FastAPI

from tests.hardening.conftest import Tiny
from tests.hardening.test_routes import gate_of

pytestmark = pytest.mark.anyio

# Names of formats and standards, which nobody fetches.
NOT_FETCHED = ("http://www.w3.org/", "http://chat.example")


@pytest.mark.parametrize(
    "path", ["/", "/config", "/theme.css", "/healthz", "/nothing", "/c/x", "/events/x", "/ui/x/y.js", "/favicon.ico"]
)
async def test_every_response_forbids_sniffing_framing_and_referrers(site: httpx.AsyncClient, path: str) -> None:
    headers = (await site.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"]


async def test_what_holds_data_is_never_stored(site: httpx.AsyncClient, real_app: FastAPI) -> None:
    for path in ("/", "/config", "/gradio_api/app_id", "/healthz", "/events/x", "/c/x", "/nothing"):
        assert (await site.get(path)).headers["cache-control"] == "no-store", path
    assert (await site.post("/gradio_api/run/predict", json={})).headers["cache-control"] == "no-store"


async def test_files_named_by_their_content_are_kept_for_ever(site: httpx.AsyncClient) -> None:
    page = (await site.get("/")).text
    built = re.findall(r'"\./(assets/[^"]+\.(?:js|css))"', page)
    own = re.findall(r'"(/ui/[^"\\]+)"', page)
    assert built
    assert own
    for path in (*built, *own):
        response = await site.get("/" + path.lstrip("/"))
        assert response.status_code == 200, path
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (await site.get("/assets/no-such-file.js")).headers["cache-control"] == "no-store"
    assert "immutable" not in (await site.get("/static/img/logo.svg")).headers["cache-control"]


async def test_a_file_asked_for_by_another_release_is_served_but_not_kept(site: httpx.AsyncClient) -> None:
    own = re.findall(r'"(/ui/[^"\\]+)"', (await site.get("/")).text)[0]
    response = await site.get(re.sub(r"^/ui/[^/]+/", "/ui/000000000000/", own))
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"


async def test_only_scripts_with_this_responses_nonce_run(site: httpx.AsyncClient) -> None:
    nonces = set()
    for _ in range(3):
        page = await site.get("/")
        policy = page.headers["content-security-policy"]
        nonce = re.findall(r"'nonce-([^']+)'", policy)
        assert len(nonce) == 1
        nonces.add(nonce[0])
        scripts = re.findall(r"<script[^>]*>", page.text)
        assert len(scripts) >= 4
        assert all(f'nonce="{nonce[0]}"' in script for script in scripts)
        assert "script-src 'self' 'nonce-" in policy
        assert "'unsafe-inline'" not in re.findall(r"script-src[^;]*", policy)[0]
        assert "connect-src 'self';" in policy
        assert "img-src 'self' data: blob:;" in policy
    assert len(nonces) == 3


async def test_a_page_is_the_same_whether_or_not_it_is_compressed(tiny: Tiny, browser: httpx.AsyncClient) -> None:
    def plain(text: str) -> str:
        return re.sub(r'nonce="[^"]+"', "", text)

    packed = await browser.get("/", headers={"Accept-Encoding": "gzip, br"})
    unpacked = await browser.get("/", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in unpacked.headers
    assert plain(packed.text) == plain(unpacked.text)
    assert int(unpacked.headers["content-length"]) == len(unpacked.content)
    assert '<script nonce="' in unpacked.text
    assert 'src="/ui/x/theme.js"></script></head>' in unpacked.text


async def test_every_page_of_the_app_is_guarded_not_only_the_first(tiny: Tiny, browser: httpx.AsyncClient) -> None:
    page = await browser.get("/library")
    assert page.status_code == 200
    assert "'nonce-" in page.headers["content-security-policy"]
    assert (await browser.head("/")).status_code == 200


async def test_nothing_that_is_served_names_another_host(site: httpx.AsyncClient) -> None:
    for path in ("/", "/config", "/theme.css", "/manifest.json"):
        text = (await site.get(path)).text
        named = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}[^\s\"'<>)\\]*", text))
        assert {url for url in named if not url.startswith(NOT_FETCHED)} == set(), path


async def test_a_websocket_is_refused(real_app: FastAPI) -> None:
    sent = []

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(message["type"])

    scope = {"type": "websocket", "path": "/x", "headers": [], "query_string": b"", "root_path": ""}
    await gate_of(real_app)(scope, receive, send)  # type: ignore[arg-type]
    assert sent == ["websocket.close"]
