"""Which routes answer at all: what the pages need, and not one that a new version of Gradio brings along."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Mount

from pages.gate import FILES, FOLDERS, Gate

pytestmark = pytest.mark.anyio
RECORDED = Path(__file__).with_name("gradio_routes.txt")
NEEDED = {
    ("GET", "/"),
    ("GET", "/library"),
    ("GET", "/settings"),
    ("GET", "/config"),
    ("GET", "/theme.css"),
    ("GET", "/gradio_api/theme.css"),
    ("GET", "/gradio_api/app_id"),
    ("GET", "/favicon.ico"),
    ("GET", "/manifest.json"),
    ("GET", "/pwa_icon"),
    ("GET", "/static/{path:path}"),
    ("GET", "/assets/{path:path}"),
    ("GET", "/svelte/{path:path}"),
    ("POST", "/gradio_api/run/{api_name}"),
}


def gate_of(app: FastAPI) -> Gate:
    mounts = [route for route in app.router.routes if isinstance(route, Mount) and isinstance(route.app, Gate)]
    assert len(mounts) == 1, "the gate stands in front of Gradio, once"
    gate = mounts[0].app
    assert isinstance(gate, Gate)
    return gate


def gradio_routes(app: FastAPI) -> set[tuple[str, str]]:
    """Every route of the mounted Gradio as (method, path)."""
    gradio: Any = gate_of(app).app
    routes = [(route.path, getattr(route, "methods", None) or "*") for route in _flat(gradio.routes)]
    found = {(method, path) for path, methods in routes for method in methods}
    assert len(found) > 50, "this is not how Gradio's routes are found any more"
    return found


def _flat(routes: list[Any]) -> Iterator[Any]:
    for route in routes:
        included = getattr(route, "original_router", None)  # how FastAPI keeps a router within a router
        if included is None:
            yield route
        else:
            yield from _flat(included.routes)


def test_gradio_has_exactly_the_routes_that_were_looked_at(real_app: FastAPI) -> None:
    """Fails when a new version adds a route: look at it, decide whether the gate may let it pass, record it."""
    recorded = {tuple(line.split(" ", 1)) for line in RECORDED.read_text().splitlines() if line}
    found = gradio_routes(real_app)
    assert found - recorded == set(), "new routes: are they safe behind the gate? Then add them to gradio_routes.txt"
    assert recorded - found == set(), "routes that are gone: take them out of gradio_routes.txt"


async def test_every_route_that_no_page_needs_is_not_found(real_app: FastAPI, site: httpx.AsyncClient) -> None:
    ours = {("GET", "/openapi.json")}  # the API's own description stands in front of Gradio's
    denied = gradio_routes(real_app) - NEEDED - ours - {("HEAD", "/")}
    for method, path in sorted(denied):
        for filled in {path.replace("{", "").replace("}", "").replace(":path", ""), _fill(path)}:
            response = await site.request(method if method != "*" else "GET", filled)
            if (method, filled) in NEEDED or (method == "HEAD" and ("GET", filled) in NEEDED):
                continue
            if filled.rstrip("/") == "/gradio_api/run/predict" and filled[-1] != "/":
                continue
            assert response.status_code == 404, f"{method} {filled} answers {response.status_code}"
            assert method == "HEAD" or response.json() == {"detail": "Not Found"}


def _fill(path: str) -> str:
    parts = [("predict" if part.startswith("{api_name") else "x") if "{" in part else part for part in path.split("/")]
    return "/".join(parts)


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=http://169.254.169.254/latest/meta-data",
        "/gradio_api/proxy=https://evil.hf.space/x",
        "/gradio_api/queue/data?session_hash=x",
        "/gradio_api/heartbeat/x",
        "/gradio_api/info",
        "/gradio_api/openapi.json",
        "/gradio_api/runs",
        "/gradio_api/startup-events",
        "/gradio_api/dev/reload",
        "/gradio_api/run/predict/",
        "/gradio_api/run/predict",
        "/gradio_api//run/predict",
        "/monitoring",
        "/monitoring/summary",
        "/login",
        "/logout",
        "/pwa_icon/4000",
        "/robots.txt",
        "/redoc",
        "/docs/oauth2-redirect",
        "/static/../../../routes.py",
        "/static/%2e%2e/%2e%2e/routes.py",
        "/static/..%2f..%2froutes.py",
        "/static//etc/passwd",
        "/assets/%5c..%5c..%5croutes.py",
        "/config/",
        "//evil.example/",
        "/%2e%2e/",
        "/library/",
        "/library/x",
        "/settings/",
        "/import",
        "/nothing",
    ],
)
async def test_a_get_of_anything_else_is_not_found(site: httpx.AsyncClient, path: str) -> None:
    assert (await site.get(httpx.URL("http://chat.example").copy_with(raw_path=path.encode()))).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/upload", "/queue/join", "/call/echo", "/component_server", "/cancel", "/reset", "/api/predict", "/run/echo"],
)
async def test_a_post_of_anything_else_is_not_found(site: httpx.AsyncClient, path: str) -> None:
    assert (await site.post("/gradio_api" + path, json={"data": []})).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
async def test_no_other_method_answers(site: httpx.AsyncClient, method: str) -> None:
    for path in ("/", "/config", "/gradio_api/run/predict", "/assets/x.js"):
        assert (await site.request(method, path)).status_code in (404, 405)


async def test_what_the_page_needs_is_served(site: httpx.AsyncClient) -> None:
    for path in sorted(FILES):
        assert (await site.get(path)).status_code == 200, path
    assert FOLDERS == ("/assets/", "/static/", "/svelte/")
    assert (await site.get("/static/js/iframeResizer.contentWindow.min.js")).status_code == 200


async def test_another_site_is_not_allowed_to_read_anything(site: httpx.AsyncClient) -> None:
    evil = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    for path in ("/", "/config", "/gradio_api/app_id", "/assets/x.js"):
        allowed = {name.lower() for name in (await site.get(path, headers=evil)).headers}
        assert "access-control-allow-origin" not in allowed
        assert "access-control-allow-credentials" not in allowed
    asked = evil | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    refused = await site.options("/gradio_api/run/predict", headers=asked)
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers
