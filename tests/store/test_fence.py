"""A worker that was paused and overtaken: nothing it still writes gets in, whatever it writes."""

from datetime import datetime

import pytest
from sqlalchemy import select
from sqlmodel import col

from convstore import answers, claims, tool_calls
from convstore.answers import Delta, Outcome, Write
from convstore.database import Database
from convstore.errors import LeaseLost
from convstore.models import Message
from convstore.turns import Turn
from tests.store.scenes import HERE, THERE, answer_of, ask, fence_of, finish, let_lease_pass, say, show, take, take_over


def _lease_until(database: Database, turn: Turn) -> datetime:
    with database.read() as session:
        found = session.execute(select(col(Message.lease_until)).where(col(Message.id) == turn.answer_id)).scalar_one()
    assert isinstance(found, datetime)
    return found


def test_an_overtaken_worker_writes_nothing(database: Database) -> None:
    turn = ask(database)
    stale = fence_of(turn)
    say(database, stale, "stale ")
    fresh = take_over(database, turn)
    say(database, fresh, "fresh", lease=THERE)
    before = show(database, turn.conversation_id)
    everything = [Write(stale, (Delta(2, "text", "STALE"),)), Write(stale, outcome=Outcome("complete", "STALE"))]
    for write in everything:
        assert database.run(answers.flush, HERE, [write]) == {}
    with pytest.raises(LeaseLost):
        database.run(tool_calls.start, stale, "c", "tool", "{}", repeatable=True, text_offset=0)
    with pytest.raises(LeaseLost):
        database.run(tool_calls.settle, stale, "c", "STALE", failed=False)
    assert database.run(claims.hand_over, HERE, [stale]) == 0
    assert show(database, turn.conversation_id) == before
    assert finish(database, fresh, "fresh and done", lease=THERE)
    for write in everything:
        assert database.run(answers.flush, HERE, [write]) == {}
    assert answer_of(database, turn).content == "fresh and done"


def test_an_old_attempt_of_the_same_instance_is_overtaken_too(database: Database) -> None:
    turn = ask(database)
    stale = fence_of(turn)
    fresh = take_over(database, turn, HERE)
    assert fresh.lease_owner == stale.lease_owner and fresh.attempt == 2
    assert not say(database, stale, "stale")
    assert not finish(database, stale, "stale")
    with pytest.raises(LeaseLost):
        database.run(tool_calls.start, stale, "c", "tool", "{}", repeatable=True, text_offset=0)
    database.run(tool_calls.start, fresh, "c", "tool", "{}", repeatable=True, text_offset=0)
    with pytest.raises(LeaseLost):
        database.run(tool_calls.settle, stale, "c", "stale", failed=False)
    assert database.run(claims.hand_over, HERE, [stale]) == 0, "the old attempt must not hand over the new one"
    assert say(database, fresh, "fresh")


def test_a_worker_whose_lease_has_passed_but_was_not_overtaken_goes_on(database: Database) -> None:
    turn = ask(database)
    let_lease_pass(database, turn)
    assert say(database, fence_of(turn), "still here")
    assert take(database, THERE) == [], "the flush has renewed the lease"


def test_a_flush_renews_the_lease_only_when_it_has_run_down(database: Database) -> None:
    turn = ask(database)
    before = _lease_until(database, turn)
    say(database, fence_of(turn), "word")
    assert _lease_until(database, turn) == before
    let_lease_pass(database, turn)
    say(database, fence_of(turn))
    assert _lease_until(database, turn) >= before


def test_losing_one_answer_does_not_cost_the_others_of_the_group(database: Database) -> None:
    lost, kept, ended = (ask(database, name) for name in ("lost", "kept", "ended"))
    take_over(database, lost)
    held = database.run(
        answers.flush,
        HERE,
        [
            Write(fence_of(lost), (Delta(1, "text", "x"),)),
            Write(fence_of(kept), (Delta(1, "text", "kept"),)),
            Write(fence_of(ended), outcome=Outcome("complete", "ended")),
        ],
    )
    assert held == {kept.answer_id: False, ended.answer_id: False}
    assert [answer_of(database, turn).content for turn in (lost, kept, ended)] == ["", "kept", "ended"]
