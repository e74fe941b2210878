"""Two sites to attack: a tiny page whose handlers say what reached them, and the real application."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from fastapi import FastAPI

from app import create_app, surround
from convstore.api.identity import viewer
from convstore.api.origin import is_ours
from convstore.settings import Settings
from pages.mount import mount_demo

SITE = "http://chat.example"
KEY = "a-secret-of-the-tests-only-0123456789"
OURS = {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}


def settings(directory: Path, **chosen: Any) -> Settings:
    """Settings that look at neither the environment's nor a developer's `.env` database."""
    url = f"sqlite:///{directory / 'convstore.db'}"
    return Settings(_env_file=None, database_url=url, secret_key=KEY, agent="demo", **chosen)


class Tiny:
    """A page with one handler that echoes its input, one that takes two, and a list of what reached them."""

    def __init__(self, directory: Path) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.requests: list[gr.Request] = []

        def echo(text: str, request: gr.Request) -> str:
            self.calls.append((text,))
            self.requests.append(request)
            return f"{request.username}: {text}"

        def both(first: Any, second: Any) -> None:
            self.calls.append((first, second))

        def change(request: gr.Request) -> Any:
            return gr.update(label="another label", max_lines=7)

        with gr.Blocks(analytics_enabled=False, title="tiny") as self.demo:
            box, other, button = gr.Textbox(), gr.JSON(), gr.Button()
            private: dict[str, Any] = {"queue": False, "api_visibility": "private"}
            button.click(echo, [box], [box], api_name="echo", **private)
            button.click(both, [box, other], [], api_name="both", **private)
            button.click(change, [], [box], api_name="change", **private)
        with self.demo.route("Library", "/library"):
            gr.Textbox()
        self.app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        pages = mount_demo(self.app, self.demo, viewer, is_ours, head='<script src="/ui/x/theme.js"></script>')
        surround(self.app, settings(directory, trusted_proxies="10.0.0.1"), [KEY], pages)

    def index(self, name: str) -> int:
        """The `fn_index` of the handler of that name."""
        return int(next(index for index, fn in self.demo.fns.items() if fn.api_name == name))

    def client(self, address: str = "127.0.0.9") -> httpx.AsyncClient:
        """A browser at that address that has not been here before."""
        transport = httpx.ASGITransport(self.app, client=(address, 1234))
        return httpx.AsyncClient(transport=transport, base_url=SITE, headers=OURS)


@pytest.fixture(scope="module")
def tiny_app(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return Tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def tiny(tiny_app: Tiny) -> Tiny:
    """The tiny page, with nothing called yet."""
    tiny_app.calls.clear()
    tiny_app.requests.clear()
    return tiny_app


@pytest.fixture
async def browser(tiny: Tiny) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with the tiny page open."""
    async with tiny.client() as client:
        assert (await client.get("/")).status_code == 200
        yield client


@pytest.fixture(scope="session")
def real_app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """The application as it is served, not started: nothing here needs the database."""
    return create_app(settings(tmp_path_factory.mktemp("real")))


@pytest.fixture
async def site(real_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with the real page open."""
    transport = httpx.ASGITransport(real_app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=SITE, headers=OURS) as client:
        assert (await client.get("/")).status_code == 200
        yield client
