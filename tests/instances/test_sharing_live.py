"""An owner on one instance, readers without a name on the other: they read along until the door is closed. And what is
deleted, restored or erased through one instance is so through all."""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from statistics import median
from threading import Event
from typing import Any

import httpx
import pytest

from tests.services.api_clients import SECRET, ApiClient, events_of
from tests.services.instances import Cluster, cluster
from tests.services.waiting import until

pytestmark = pytest.mark.alone

SETTINGS = {"AGENT": "tests.services.agents:quick", "JWT_SECRET": SECRET}
Heard = dict[int, float]  # the seq of a piece of the answer → when it came


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_site(
    request: pytest.FixtureRequest,
    fresh_database: Callable[[str], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """Two instances behind nginx."""
    directory = tmp_path_factory.mktemp("sharing")
    with fresh_database(request.param) as url, cluster(directory, url, count=2, proxy=True, settings=SETTINGS) as site:
        yield site


@pytest.fixture
def ada(site: Cluster) -> Iterator[ApiClient]:
    """The owner, through the first instance."""
    client = ApiClient(site.instances[0].url, f"ada-{uuid.uuid4().hex[:8]}")
    yield client
    client.close()


def shared(user: ApiClient, message: str = "/plain") -> str:
    talk: str = user.chat(message)["conversation_id"]
    user.call("PUT", f"conversations/{talk}/share", json={"mode": "live"}).raise_for_status()
    return talk


def listen(url: str, headers: dict[str, str], ready: Event, until_name: str) -> tuple[Heard, float]:
    """Follow until an event of that name comes; also returns when that was."""
    heard: Heard = {}
    with httpx.Client(timeout=60, headers=headers) as client, client.stream("GET", url) as response:
        assert response.status_code == 200
        for event in events_of(response):
            ready.set()
            if event.name == "delta":
                heard[event.data["seq"]] = time.monotonic()
            if event.name == until_name or (until_name == "finished" and event.name == "changed" and len(heard) > 5):
                break
        return heard, time.monotonic()


def test_a_reader_on_another_instance_reads_along_at_once(site: Cluster, ada: ApiClient) -> None:
    talk = shared(ada)
    addresses: list[tuple[str, dict[str, Any]]] = [
        (f"{site.instances[0].url}/api/{ada.user}/conversations/{talk}/events", dict(ada.http.headers)),
        (f"{site.instances[1].url}/api/shared/{talk}/events", {}),
    ]
    with ThreadPoolExecutor(3) as threads:
        ready = [Event(), Event()]
        streams = [
            threads.submit(listen, url, headers, event, "finished")
            for (url, headers), event in zip(addresses, ready, strict=True)
        ]
        assert all(event.wait(10) for event in ready)
        ada.chat("/slow 3", talk)
        (owner, _), (reader, _) = [stream.result(30) for stream in streams]
    both = owner.keys() & reader.keys()
    assert len(both) > 10
    assert median(reader[seq] - owner[seq] for seq in both) < 0.5


def test_closing_the_door_ends_every_open_stream_within_two_seconds(site: Cluster, ada: ApiClient) -> None:
    talk = shared(ada)
    with ThreadPoolExecutor(2) as threads:
        ready = [Event(), Event()]
        streams = [
            threads.submit(listen, f"{instance.url}/api/shared/{talk}/events", {}, event, "gone")
            for instance, event in zip(site.instances, ready, strict=True)
        ]
        assert all(event.wait(10) for event in ready)
        closed_at = time.monotonic()
        ada.call("DELETE", f"conversations/{talk}/share").raise_for_status()
        assert all(stream.result(30)[1] - closed_at < 2 for stream in streams)
    for instance in site.instances:
        assert httpx.get(f"{instance.url}/api/shared/{talk}").status_code == 404


def test_deleted_on_one_and_restored_on_the_other_is_the_same_to_the_byte(site: Cluster, ada: ApiClient) -> None:
    talk = shared(ada)
    ada.chat("/tool", talk)
    one, other = (instance.url for instance in site.instances)
    before = ada.call("GET", f"conversations/{talk}/export", at=other).content
    assert ada.call("DELETE", f"conversations/{talk}", at=one).status_code == 204
    assert ada.call("GET", f"conversations/{talk}/export", at=other).status_code == 404
    assert ada.call("POST", f"conversations/{talk}/restore", at=other).status_code == 200
    assert ada.call("GET", f"conversations/{talk}/export", at=one).content == before


def test_what_is_erased_through_one_instance_stops_and_is_gone_on_all(site: Cluster, ada: ApiClient) -> None:
    talk = shared(ada)
    one, other = (instance.url for instance in site.instances)
    with ThreadPoolExecutor(2) as threads:
        ready = Event()
        reading = threads.submit(listen, f"{other}/api/shared/{talk}/events", {}, ready, "gone")
        assert ready.wait(10)
        writing = threads.submit(ada.http.post, f"{one}/api/{ada.user}/chat", json={"message": "/slow 20"})
        until(lambda: len(ada.call("GET", "conversations").json()["items"]) == 2, "the second conversation", 10)
        gone = ada.call("DELETE", "everything", at=other, json={"confirm": ada.user}, timeout=60).raise_for_status()
        assert gone.json()["conversations"] == 2
        reading.result(10)
        assert writing.result(15).status_code == 404
    assert ada.call("GET", "conversations").json()["items"] == []
    assert ada.chat("/plain")["response"], "and one can begin anew"
    for instance in site.instances:
        assert "Traceback" not in instance.log.read_text()
