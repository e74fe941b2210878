"""The same send twice is one turn: a double click, an impatient retry, a proxy that tries the next instance."""

import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event

import httpx
import pytest

from convstore.database import Database
from tests.instances.looking import conversation_count, finished, turn
from tests.services.instances import Cluster
from tests.services.people import Person, Refused


def test_a_double_click_that_reaches_two_instances_is_one_turn(site: Cluster, person: Person, truth: Database) -> None:
    turns = []
    with ThreadPoolExecutor(8) as clicks:
        for _ in range(10):
            key = uuid.uuid4().hex
            at = [instance.url for instance in site.instances] * 4
            sent = list(clicks.map(lambda url, key=key: person.send("/plain", key=key, at=url), at))
            assert len({(each.conversation, each.answer) for each in sent}) == 1
            turns.append(sent[0])
    for each in turns:
        finished(truth, person.owner, each, 10)
        assert [message.role for message in turn(truth, person.owner, each.conversation)] == ["user", "assistant"]
    assert conversation_count(truth, person.owner) == 10


def test_a_send_repeated_after_its_instance_died_is_one_turn(
    site: Cluster, person: Person, truth: Database, rng: random.Random
) -> None:
    for round_ in range(4):
        victim, other = rng.sample(site.instances, 2)
        site.restore()
        key = uuid.uuid4().hex
        started = Event()

        def first(url: str = victim.url, key: str = key, started: Event = started) -> None:
            started.set()
            person.send("/plain", key=key, at=url)

        with ThreadPoolExecutor(1) as background:
            attempt = background.submit(first)
            started.wait()
            # Some die before the message is written, some after, some in between.
            with suppress(TimeoutError):
                attempt.result(rng.uniform(0.0, 0.02))
            victim.kill()
            with suppress(httpx.TransportError):
                attempt.result(30)
        victim.start(wait=False)
        again = person.send("/plain", key=key, at=other.url)
        view = finished(truth, person.owner, again, site.lease_seconds + 5)
        assert view.status == "complete", f"round {round_}"
        assert len(turn(truth, person.owner, again.conversation)) == 2
    assert conversation_count(truth, person.owner) == 4


def test_the_proxy_tries_the_next_instance_and_the_message_is_there_once(
    site: Cluster, person: Person, truth: Database, rng: random.Random
) -> None:
    assert site.proxy is not None
    logged = len(site.proxy.requests())
    victim = rng.choice(site.instances)
    with ThreadPoolExecutor(4) as background:
        sends = [background.submit(person.send, "/plain") for _ in range(20)]
        rng.choice(sends).result(30)
        victim.kill()
        sent = [each.result(30) for each in sends]
    assert len({each.conversation for each in sent}) == 20
    for each in sent:
        assert finished(truth, person.owner, each, site.lease_seconds + 5).status == "complete"
        assert len(turn(truth, person.owner, each.conversation)) == 2
    assert [request for request in site.proxy.requests()[logged:] if request.status >= 400] == []


def test_a_key_that_was_used_for_another_message_is_refused(site: Cluster, person: Person) -> None:
    key = uuid.uuid4().hex
    person.send("/plain", key=key, at=site.instances[0].url)
    with pytest.raises(Refused, match="conflict"):
        person.send("/markdown", key=key, at=site.instances[1].url)
