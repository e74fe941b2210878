"""An instance is gone in the middle of answers: `kill -9`, a stop of the process, a redeploy. Nobody loses anything."""

import random
import time
from functools import partial

from convstore.agents import demo_texts
from convstore.database import Database
from convstore.messages import View
from tests.instances.looking import answer, finished, turn, words
from tests.services.agents import signed_words
from tests.services.instances import Cluster
from tests.services.people import Person, Sent
from tests.services.waiting import until

KILLS = 20
SLOW = "".join(demo_texts.slow_parts(1.5))


def _errand_done(truth: Database, owner: str, sent: Sent) -> bool:
    return bool(errands(answer(truth, owner, sent)))


def _served_by(truth: Database, owner: str, sent: Sent, name: str) -> bool:
    return answer(truth, owner, sent).served_by == name


def errands(view: View) -> dict[str, str]:
    """The calls of the tool that must not be repeated, by id, that came to an end: their results."""
    return {call.call_id: call.result or "" for call in view.tool_calls if call.status == "complete"}


def test_every_answer_of_a_killed_instance_is_completed_by_another(
    site: Cluster, person: Person, truth: Database, rng: random.Random
) -> None:
    owner = person.owner
    taken_over = kept_calls = 0
    for round_ in range(KILLS):
        site.restore()  # the one that was killed last must be there to take over
        victim = rng.choice(site.instances)
        slow = person.send("/slow 1.5", at=victim.url)
        errand = person.send("/tool_slow 0.3", at=victim.url)
        if round_ % 4 == 0:  # the moment that matters most: the tool is done, the answer is not
            until(partial(_errand_done, truth, owner, errand), "the tool to be done")
        else:
            time.sleep(rng.uniform(0.0, 1.4))
        victim.kill()
        killed_at = time.monotonic()
        before = {sent.answer: answer(truth, owner, sent) for sent in (slow, errand)}
        victim.start(wait=False)

        for sent in (slow, errand):
            left = site.lease_seconds + 5 - (time.monotonic() - killed_at)
            after = finished(truth, owner, sent, left)
            was = before[sent.answer]
            assert after.status == "complete", f"round {round_}: {after.error}"
            if was.active:
                taken_over += 1
                assert after.attempt == was.attempt + 1
            messages = turn(truth, owner, sent.conversation)
            assert [message.role for message in messages] == ["user", "assistant"]
            assert len(after.siblings) == 1

        assert answer(truth, owner, slow).content == SLOW
        after = answer(truth, owner, errand)
        done_before, done = errands(before[errand.answer]), errands(after)
        kept_calls += bool(done_before and before[errand.answer].active)
        # One that was cut off in the middle is not run again either: it is not safe to repeat, and the answer says so.
        assert len(after.tool_calls) == 1, f"round {round_}: the tool was called again"
        if done_before:
            assert done == done_before, f"round {round_}: a finished tool call was run again"
        if done:
            assert after.content.endswith(f"The {next(iter(done.values()))}.")
        else:
            assert after.tool_calls[0].status == "interrupted"
            assert "did not work" in after.content
    print(f"{taken_over} answers taken over, {kept_calls} finished tool calls kept")  # noqa: T201
    assert taken_over >= KILLS, "most kills should have hit an answer in the middle"
    assert kept_calls >= 2, "some kills should have come between the tool and the end of the answer"


def test_a_terminated_instance_finishes_what_it_can_and_hands_over_the_rest(
    site: Cluster, person: Person, truth: Database
) -> None:
    leaving, staying = site.instances
    short = [person.send("/slow 1", at=leaving.url) for _ in range(3)]
    long = [person.send(f"/slow {site.drain_seconds + 3:g}", at=leaving.url) for _ in range(3)]
    for sent in short + long:
        words(truth, person.owner, sent, 1)

    took = leaving.terminate()

    assert took <= site.drain_seconds + 3
    for sent in short:
        view = answer(truth, person.owner, sent)
        assert (view.status, view.served_by, view.attempt) == ("complete", leaving.name, 1)
        assert view.content == "".join(demo_texts.slow_parts(1))
    for sent in long:
        # Handed over, not abandoned: nobody waits for the lease to pass.
        until(partial(_served_by, truth, person.owner, sent, staying.name), "the other to go on", 1.5)
    for sent in long:
        view = finished(truth, person.owner, sent, site.drain_seconds + 3 + 5)
        assert view.status == "complete"
        assert view.content == "".join(demo_texts.slow_parts(site.drain_seconds + 3))


def test_a_message_sent_while_an_instance_leaves_is_answered_by_another(
    site: Cluster, person: Person, truth: Database
) -> None:
    busy = person.send("/slow 2", at=site.instances[0].url)
    words(truth, person.owner, busy, 1)
    assert site.instances[0].process is not None
    site.instances[0].process.terminate()
    sent = [person.send("/plain") for _ in range(6)]  # through the proxy, in turn
    site.instances[0].process.wait(site.drain_seconds + 3)
    for each in [busy, *sent]:
        assert finished(truth, person.owner, each, site.lease_seconds + 5).status == "complete"


def test_a_paused_instance_adds_not_one_character_after_it_was_overtaken(
    site: Cluster, person: Person, truth: Database, rng: random.Random
) -> None:
    sleeper, other = site.instances
    sent: list[Sent] = [person.send("/signed 3", at=sleeper.url) for _ in range(5)]
    for each in sent:
        assert words(truth, person.owner, each, 5).served_by == sleeper.name
    sleeper.pause()
    for each in sent:
        until(partial(_served_by, truth, person.owner, each, other.name), "a takeover", site.lease_seconds + 5)
    time.sleep(rng.uniform(0.0, 1.5))  # it wakes somewhere in the middle of the other's writing
    sleeper.resume()
    whole = "".join(signed_words(2, 3))

    def done(each: Sent) -> View | None:
        view = answer(truth, person.owner, each)
        assert whole.startswith(view.content), "the text so far has a stale character"
        return None if view.active else view

    for each in sent:
        view = until(partial(done, each), "the other to finish")
        assert (view.status, view.attempt, view.served_by) == ("complete", 2, other.name)
        assert view.content.strip() == whole.strip()
    sleeper.wait_ready()
    until(lambda: sleeper.answers == 0, "the sleeper to let go")
    for each in sent:  # and nothing changes afterwards
        assert answer(truth, person.owner, each).content.strip() == whole.strip()
