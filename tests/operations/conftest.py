"""Two real instances with everything switched on that whoever runs them would switch on, on each database in turn."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from convstore.api import tokens
from tests.services.instances import ROOT, Cluster, cluster
from tests.services.people import Person

SECRET = "a-secret-for-the-tokens-of-the-tests-0123456789"
METRICS_TOKEN = "let-me-see"
PER_MINUTE = 4
SETTINGS = {
    "AGENT": "tests.services.agents:quick",
    "JWT_SECRET": SECRET,
    "TRUSTED_USER_HEADER": "X-User",
    "LIMIT_REQUESTS_PER_MINUTE": str(PER_MINUTE),
    "METRICS_TOKEN": METRICS_TOKEN,
    "LOG_FORMAT": "json",
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(
    request: pytest.FixtureRequest,
    fresh_database: Callable[[str], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """The instances. Who they serve is said by a gateway, so that page and API know people by the same names."""
    directory = tmp_path_factory.mktemp("operations")
    with fresh_database(request.param) as url, cluster(directory, url, count=2, settings=SETTINGS) as running:
        yield running


class Named(Person):
    """Somebody a gateway has signed in."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.name = url, name
        self.client = httpx.Client(timeout=30, headers={"X-User": name})
        config = self.client.get(url + "/config").raise_for_status().json()
        self.indexes = {entry["api_name"]: entry["id"] for entry in config["dependencies"] if entry["api_name"]}


class Caller:
    """Somebody who calls the API with a token."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.headers = {"Authorization": f"Bearer {tokens.mint(SECRET, name, 600)}"}

    def chat(self, url: str, message: str, **headers: str) -> httpx.Response:
        """POST a message to the instance at this address."""
        address = f"{url}/api/{self.name}/chat"
        return httpx.post(address, json={"message": message}, headers=self.headers | headers, timeout=30)


def run(directory: Path, database_url: str, *command: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """`python -m convstore …` as somebody types it."""
    return subprocess.run(
        [sys.executable, "-m", "convstore", *command],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "DATABASE_URL": database_url, **env},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
