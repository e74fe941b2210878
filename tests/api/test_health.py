"""What a load balancer is told: alive, ready, and why not; and always within two seconds."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from convstore.api.health import Readiness
from convstore.database import Database
from tests.api.conftest import Person


def test_a_running_instance_is_alive_and_ready(person: Person) -> None:
    alive = person.http.get("/healthz")
    assert alive.status_code == 200
    assert alive.json() == {"status": "ok", "instance": "instance-1"}
    ready = person.http.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"status": "ready", "instance": "instance-1", "database": "sqlite", "answers": 0}


def test_a_short_link_leads_to_the_page_of_its_conversation(person: Person) -> None:
    talk = person.conversation()
    link = person.http.get(f"/c/{talk}")
    assert link.status_code == 307
    assert link.headers["location"] == f"/?c={talk}"
    assert "set-cookie" not in link.headers


@pytest.mark.parametrize(
    "evil", ["//evil.example", "https:%2F%2Fevil.example", "x%0d%0aSet-Cookie:%20a=b", "x&next=%2F"]
)
def test_a_short_link_leads_nowhere_else(person: Person, evil: str) -> None:
    link = person.http.get(f"/c/{evil}")
    assert link.status_code == 404 or link.headers["location"].startswith("/?c=")
    assert "a" not in link.cookies


@pytest.mark.anyio
async def test_a_database_without_tables_is_not_ready(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    ready, body = await Readiness(database, "one", lambda: 0, lambda: False).report()
    assert not ready
    assert body == {"status": "unavailable", "instance": "one", "database": "schema does not fit", "answers": 0}
    database.close()


@pytest.mark.anyio
async def test_an_instance_that_leaves_is_not_ready(database: Database) -> None:
    ready, body = await Readiness(database, "one", lambda: 3, lambda: True).report()
    assert not ready
    assert body == {"status": "leaving", "instance": "one", "database": database.dialect, "answers": 3}


class Hanging(Database):
    """A database whose answer does not come until it is let go."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.checks, self.gate = 0, threading.Event()

    def check(self) -> str:
        self.checks += 1
        self.gate.wait(30)
        return self.dialect


@pytest.mark.anyio
async def test_a_database_that_hangs_is_told_within_two_seconds_by_one_check(tmp_path: Path) -> None:
    database = Hanging(f"sqlite:///{tmp_path / 'hangs.db'}")
    readiness = Readiness(database, "one", lambda: 0, lambda: False)
    began = time.monotonic()
    told: list[tuple[bool, dict[str, Any]]] = await asyncio.gather(*(readiness.report() for _ in range(50)))
    assert time.monotonic() - began < 2
    assert {ready for ready, _ in told} == {False}
    assert told[0][1]["database"] == "no answer"
    await readiness.report()
    assert database.checks == 1
    database.gate.set()
    assert (await readiness.report())[0] is True
    database.close()
