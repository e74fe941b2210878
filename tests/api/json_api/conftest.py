"""The whole application in this process, on each database, and programs with tokens that call it.

Every test has users of its own, so that all of a module can share one application.
"""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app import create_app
from convstore.api import tokens
from convstore.database import Database
from convstore.settings import Settings
from tests.services.api_clients import SECRET

SITE = "http://chat.example"


def settings(url: str, **chosen: Any) -> Settings:
    """Settings that look neither at the environment nor at a developer's `.env`."""
    usual = {"secret_key": "k" * 32, "agent": "tests.services.agents:quick", "jwt_secret": SECRET}
    return Settings(_env_file=None, database_url=url, **usual | chosen)


@dataclass
class User:
    """Somebody with a token."""

    name: str
    http: httpx.AsyncClient
    token: str = field(default="")

    def __post_init__(self) -> None:
        self.token = self.token or tokens.mint(SECRET, self.name, 3600)

    async def call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **rest: Any
    ) -> httpx.Response:
        """One request below `/api/{name}/`."""
        sent = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        return await self.http.request(method, f"/api/{self.name}/{path}", headers=sent, **rest)

    async def get(self, path: str, **rest: Any) -> httpx.Response:
        return await self.call("GET", path, **rest)

    async def post(self, path: str, json: Any = None, **rest: Any) -> httpx.Response:
        return await self.call("POST", path, json=json, **rest)

    async def chat(self, message: str, **body: Any) -> dict[str, Any]:
        """A message and its answer."""
        response = await self.post("chat", {"message": message, **body})
        assert response.status_code == 200, response.text
        reply: dict[str, Any] = response.json()
        return reply


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def application(
    request: pytest.FixtureRequest,
    fresh_database: Callable[[str], AbstractContextManager[str]],
) -> AsyncIterator[FastAPI]:
    """The application as it is served, started, on each database in turn."""
    with fresh_database(request.param) as url:
        app = create_app(settings(url, **getattr(request.module, "SETTINGS", {})))
        async with app.router.lifespan_context(app):
            yield app


@pytest.fixture
def database(application: FastAPI) -> Database:
    """The application's own database."""
    found: Database = application.state.services.db
    return found


@pytest.fixture
async def http(application: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=SITE, timeout=30) as client:
        yield client


@pytest.fixture
def ada(http: httpx.AsyncClient) -> User:
    """A user who has not been here before."""
    return User(f"ada-{uuid.uuid4().hex[:8]}", http)


@pytest.fixture
def bob(http: httpx.AsyncClient) -> User:
    """Another one."""
    return User(f"bob-{uuid.uuid4().hex[:8]}", http)
