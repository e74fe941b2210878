"""Following a conversation from the page: who may, what comes at once, and what cuts it off."""

import asyncio
import itertools
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any
from uuid import uuid4

import httpx
import pytest

from convstore import conversations
from convstore.api import streams
from convstore.follow import Event
from tests.api.conftest import Person
from tests.services.instances import Cluster


def lines_of(response: httpx.Response) -> Iterator[str]:
    return response.iter_lines()


def next_event(lines: Iterator[str], *names: str) -> dict[str, str]:
    """The next event with one of these names, as its fields."""
    event: dict[str, str] = {}
    for line in lines:
        if not line:
            if event.get("event") in names:
                return event
            event = {}
        name, _, value = line.partition(": ")
        if name:
            event[name] = value
    raise AssertionError("the stream has ended")


def test_a_stream_opens_at_once_and_tells_of_changes(person: Person) -> None:
    talk = person.conversation()
    with person.http.stream("GET", f"/events/{talk}") as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in response.headers
        lines = lines_of(response)
        assert next(lines).startswith(":")
        assert next(lines) == f"retry: {streams.RETRY_MILLISECONDS}"
        version = json.loads(next_event(lines, "changed")["data"])["version"]
        person.database.run(conversations.rename, person.subject, talk, "Another title")
        assert json.loads(next_event(lines, "changed")["data"])["version"] > version


@pytest.mark.parametrize("how", ["header", "query"])
def test_a_reader_that_is_up_to_date_is_told_only_what_is_new(person: Person, how: str) -> None:
    talk = person.conversation()
    with person.http.stream("GET", f"/events/{talk}") as response:
        seen = next_event(lines_of(response), "changed")
    headers = {"Last-Event-ID": seen["id"]} if how == "header" else {}
    query = {"last_event_id": seen["id"]} if how == "query" else {}
    with person.http.stream("GET", f"/events/{talk}", headers=headers, params=query) as response:
        lines = lines_of(response)
        person.database.run(conversations.rename, person.subject, talk, "New")
        told = next_event(lines, "changed")
        assert json.loads(told["data"])["version"] > json.loads(seen["data"])["version"]


def test_missing_and_foreign_and_malformed_are_one_answer_to_the_byte(person: Person, stranger: Person) -> None:
    talk = person.conversation()
    paths = [
        f"/events/{talk}",
        f"/events/{uuid4()}",
        "/events/nonsense",
        f"/events/{{{talk}}}",
        f"/events/{talk.hex}",
        f"/events/urn:uuid:{talk}",
        "/events/%00",
    ]
    answers = [stranger.http.get(path) for path in paths]
    with httpx.Client(base_url=person.http.base_url) as nobody:
        answers.append(nobody.get(f"/events/{talk}"))
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.content for answer in answers} == {b'{"detail":"Conversation not found"}'}
    varying = {"date", "x-request-id"}
    assert len({tuple(h for h in answer.headers.items() if h[0] not in varying) for answer in answers}) == 1


def test_another_sites_page_cannot_follow(person: Person) -> None:
    talk = person.conversation()
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert person.http.get(f"/events/{talk}", headers=headers).status_code == 403


def test_a_trashed_conversation_ends_its_streams_with_gone(person: Person) -> None:
    from sqlalchemy import text

    talk = person.conversation()
    with person.http.stream("GET", f"/events/{talk}") as response:
        lines = lines_of(response)
        next_event(lines, "changed")
        with person.database.write() as session:
            session.execute(
                text("UPDATE conversation SET trashed_at = created_at, version = version + 1 WHERE id = :id"),
                {"id": talk.hex},
            )
        next_event(lines, "gone")
        assert list(lines) in ([], [""])


def test_a_reader_that_leaves_is_let_go(site: Cluster, person: Person) -> None:
    talk = person.conversation()
    for _ in range(5):
        with person.http.stream("GET", f"/events/{talk}") as response:
            next_event(lines_of(response), "changed")
    assert person.http.get("/readyz").status_code == 200


@pytest.mark.alone
def test_an_instance_that_is_told_to_stop_ends_every_stream_at_once(site: Cluster, person: Person) -> None:
    talk = person.conversation()
    instance = site.instances[0]
    with socket.create_connection(("127.0.0.1", instance.port)) as mute:
        mute.sendall(b"POST /gradio_api/run/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")  # and no more
        with person.http.stream("GET", f"/events/{talk}") as response:
            lines = lines_of(response)
            next_event(lines, "changed")
            assert instance.process is not None
            began = time.monotonic()
            instance.process.terminate()
            assert list(lines) in ([], [""])
            assert time.monotonic() - began < 1.0
        instance.process.wait(site.drain_seconds + 3)
        assert time.monotonic() - began < site.drain_seconds + 3
    log = instance.log.read_text()
    assert "Traceback" not in log, log
    site.restore()


@pytest.mark.anyio
async def test_a_reader_that_stops_reading_is_cut_off_and_forgotten() -> None:
    forgotten = []

    async def endless() -> AsyncIterator[Event]:
        try:
            for number in itertools.count():
                yield Event("changed", str(number), {"version": number})
        finally:
            forgotten.append(True)

    async def send(message: MutableMapping[str, Any]) -> None:
        if b"id: 3" in message.get("body", b""):
            await asyncio.Event().wait()  # its buffers are full from here on

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    stream = streams.Stream(streams.lines(Event("ready", "0", {}), endless()), send_timeout=0.1)
    async with asyncio.timeout(5):
        await stream({"type": "http", "method": "GET"}, receive, send)
    assert forgotten == [True]
