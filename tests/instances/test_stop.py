"""Stop is pressed in a window that another instance serves."""

import time

import pytest

from convstore.agents import demo_texts
from convstore.database import Database
from tests.instances.looking import answer, finished, words
from tests.services.instances import Cluster
from tests.services.people import Person

pytestmark = pytest.mark.alone

WHOLE = "".join(demo_texts.slow_parts(20))


def test_stop_through_the_other_instance_takes_effect_within_a_second_and_keeps_the_text(
    site: Cluster, person: Person, truth: Database
) -> None:
    writer, other = site.instances
    for _ in range(5):
        sent = person.send("/slow 20", at=writer.url)
        seen = words(truth, person.owner, sent, 8)
        pressed_at = time.monotonic()
        person.stop(sent.conversation, at=other.url)
        view = finished(truth, person.owner, sent, 5)
        assert time.monotonic() - pressed_at < 1.0
        assert view.status == "stopped"
        assert view.served_by == writer.name
        assert view.content.startswith(seen.content)
        assert WHOLE.startswith(view.content) and view.content != WHOLE


def test_stop_ends_an_answer_that_still_waits_behind_another(site: Cluster, person: Person, truth: Database) -> None:
    first = person.send("/slow 20", at=site.instances[0].url)
    words(truth, person.owner, first, 1)
    second = person.send("/plain", first.conversation, at=site.instances[1].url)
    assert answer(truth, person.owner, second).status == "queued"
    person.stop(first.conversation, at=site.instances[1].url)
    for sent in (first, second):
        assert finished(truth, person.owner, sent, 2).status == "stopped"
