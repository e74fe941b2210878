"""The JSON API over several instances: cut off, repeated, taken over, and the same text to the byte in the end."""

import random
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress

import httpx
import pytest

from convstore import messages
from convstore.database import Database
from tests.services.agents import signed_words
from tests.services.api_clients import SECRET, ApiClient, Reader
from tests.services.instances import Cluster, Instance, cluster
from tests.services.waiting import until

SETTINGS = {"AGENT": "tests.services.agents:patient", "JWT_SECRET": SECRET}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_site(
    request: pytest.FixtureRequest,
    fresh_database: Callable[[str], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """Three instances behind nginx, on each database in turn."""
    directory = tmp_path_factory.mktemp("api")
    with fresh_database(request.param) as url, cluster(directory, url, count=3, proxy=True, settings=SETTINGS) as site:
        yield site


@pytest.fixture
def ada(site: Cluster) -> Iterator[ApiClient]:
    """A program whose requests go to the instances in turn."""
    ada = ApiClient(site.url, f"ada-{uuid.uuid4().hex[:8]}")
    yield ada
    ada.close()


def writer_of(site: Cluster, truth: Database, ada: ApiClient, start: dict[str, str]) -> Instance:
    """The instance that writes the answer whose stream began so."""

    def served_by() -> str | None:
        with truth.read() as session:
            talk, answer = uuid.UUID(start["conversation_id"]), uuid.UUID(start["message_id"])
            return messages.one(session, ada.user, talk, answer).served_by

    return site.named(until(served_by, "an instance to claim the answer"))


def test_twenty_requests_with_one_key_over_three_instances_are_one_turn(site: Cluster, ada: ApiClient) -> None:
    key = uuid.uuid4().hex
    at = [site.instances[n % 3].url for n in range(20)]
    with ThreadPoolExecutor(20) as programs:
        replies = list(programs.map(lambda url: ada.chat("/plain", key=key, at=url), at))
    assert all(reply == replies[0] for reply in replies)
    assert replies[0]["status"] == "complete"
    listed = ada.call("GET", "conversations").json()["items"]
    assert [talk["message_count"] for talk in listed] == [2]


def test_a_stream_cut_off_at_any_point_goes_on_through_another_instance(
    site: Cluster, ada: ApiClient, rng: random.Random
) -> None:
    message = "/signed 8"
    reader = Reader()
    cuts = 0
    at = rng.choice(site.instances)
    while reader.done is None:
        patience = rng.randint(1, 4) if cuts < 20 else 10**9
        stream = ada.stream(message, after=reader.last_id or None, at=at.url)
        for seen, event in enumerate(stream, 1):
            reader.take(event)
            if seen == patience:
                break
        stream.close()  # the connection breaks here
        cuts += reader.done is None
        at = rng.choice([other for other in site.instances if other is not at])
    assert cuts >= 20
    whole = "".join(signed_words(1 + reader.resets, 8))
    assert reader.text.encode() == reader.done["response"].encode() == whole.encode()
    assert len(ada.call("GET", "conversations").json()["items"]) == 1, "taking it up again sent nothing"


def test_a_stream_cut_in_the_middle_of_an_event_loses_nothing(
    site: Cluster, ada: ApiClient, rng: random.Random
) -> None:
    reader = Reader()
    body = {"message": "What is 6 * 7?", "stream": True}
    for _ in range(20):
        headers = {"Last-Event-ID": reader.last_id} if reader.last_id else {"Idempotency-Key": "the first one"}
        url = f"{rng.choice(site.instances).url}/api/{ada.user}/chat"
        with ada.http.stream("POST", url, json=body, headers=headers) as response:
            assert response.status_code == 200
            held = b""
            for chunk in response.iter_raw(rng.randint(1, 60)):
                held += chunk
                if len(held) > 400 + rng.randint(0, 600):
                    break
        take_whole_events(held, reader)
    for event in ada.stream("What is 6 * 7?", after=reader.last_id):
        reader.take(event)
    assert reader.done is not None and reader.text == reader.done["response"]


def take_whole_events(held: bytes, reader: Reader) -> None:
    from tests.services.api_clients import events_of

    whole = held.rpartition(b"\n\n")[0] + b"\n\n"
    for event in events_of(httpx.Response(200, content=whole)):
        reader.take(event)


def test_the_answer_goes_on_when_nobody_waits_for_it(site: Cluster, ada: ApiClient, truth: Database) -> None:
    with suppress(httpx.ReadTimeout):
        ada.call("POST", "chat", json={"message": "/slow 2"}, timeout=0.7)
    [talk] = until(lambda: ada.call("GET", "conversations").json()["items"], "the conversation")
    answer = until(lambda: finished(ada, talk["id"]), "the answer", 15)
    assert answer["status"] == "complete"


def finished(ada: ApiClient, talk: str) -> dict[str, str] | None:
    last = ada.messages(talk)[-1]
    return last if last["status"] not in ("queued", "streaming") else None


def test_a_reader_sees_an_answer_taken_over_from_a_killed_instance(
    site: Cluster, ada: ApiClient, truth: Database, rng: random.Random
) -> None:
    """Read through an instance that lives on: `reset`, then all of it again. Read through the one that dies: taken up
    again elsewhere, with the same end."""
    for through_the_writer in (False, True):
        site.restore()
        reader = Reader()
        at = rng.choice(site.instances)
        stream = ada.stream("/signed 3", at=at.url)
        start = next(stream)
        writer = writer_of(site, truth, ada, start.data)
        if (writer is at) is not through_the_writer:
            stream.close()
            at = writer if through_the_writer else next(i for i in site.instances if i is not writer)
            stream = ada.stream("/signed 3", after=start.id, at=at.url)
        with suppress(httpx.RemoteProtocolError):
            for event in stream:
                reader.take(event)
                if "word10" in reader.text and writer.alive and not reader.resets:
                    writer.kill()
        while reader.done is None:
            at = next(instance for instance in site.instances if instance.alive)
            for event in ada.stream("/signed 3", after=reader.last_id, at=at.url):
                reader.take(event)
        assert reader.resets == 1
        assert reader.done["status"] == "complete" and reader.done["served_by"] != writer.name
        assert reader.text == reader.done["response"] and "attempt1" not in reader.text


def test_an_instance_that_leaves_tells_those_who_wait_where_they_are(site: Cluster, ada: ApiClient) -> None:
    at = site.instances[0]
    with ThreadPoolExecutor(1) as background:
        key = uuid.uuid4().hex
        body = {"message": "/slow 6"}
        waiting = background.submit(
            lambda: ada.call("POST", "chat", at=at.url, json=body, headers={"Idempotency-Key": key})
        )
        until(lambda: ada.call("GET", "conversations").json()["items"], "the conversation")
        at.terminate()
        response = waiting.result(20)
    assert response.status_code == 202
    assert response.json()["status"] in ("queued", "streaming")
    reply = ada.chat("/slow 6", key=key, at=site.instances[1].url)
    assert reply["status"] == "complete"
    assert reply["message_id"] == response.json()["message_id"]


def test_the_first_word_arrives_while_the_rest_is_being_written(site: Cluster, ada: ApiClient) -> None:
    arrived: list[float] = []
    for event in ada.stream("/slow 2"):
        if event.name == "delta":
            arrived.append(time.monotonic())
    assert len(arrived) > 5
    assert arrived[-1] - arrived[0] > 1.0, "it came all at once: something holds it back"
