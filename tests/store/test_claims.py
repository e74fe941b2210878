"""Who writes which answer: one instance per attempt, decided by the database's clock alone."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from convstore import answers, claims
from convstore.database import Database
from convstore.models import Conversation, Message
from convstore.turns import Lease
from tests.store.processes import processes
from tests.store.scenes import (
    HERE,
    OWNER,
    THERE,
    answer_of,
    ask,
    fence_of,
    finish,
    let_lease_pass,
    say,
    show,
    take,
    take_over,
    talk,
)  # fmt: skip


def _lease(n: int) -> Lease:
    return Lease(f"worker/{n}", "worker", 30.0)


def _claim_until_none_is_left(url: str, n: int) -> list[tuple[UUID, int]]:
    database = Database(url, pool_size=2)
    found: list[tuple[UUID, int]] = []
    try:
        while True:
            fences = take(database, _lease(n), limit=3)
            found += [(fence.message_id, fence.attempt) for fence in fences]
            with database.read() as session:
                if not claims.any_waiting(session):
                    return found
    finally:
        database.close()


def test_many_workers_claim_every_answer_once(database: Database, database_url: str) -> None:
    turns = [ask(database, str(n), lease=None) for n in range(40)]
    with ThreadPoolExecutor(8) as workers:
        claimed = list(workers.map(lambda n: _claim_until_none_is_left(database_url, n), range(8)))
    every = [pair for found in claimed for pair in found]
    assert sorted(every) == sorted((turn.answer_id, 1) for turn in turns)
    by_row = {pair: n for n, found in enumerate(claimed) for pair in found}
    with database.read() as session:
        for message_id, owner in session.execute(select(col(Message.id), col(Message.lease_owner))):
            if (message_id, 1) in by_row:
                assert owner == _lease(by_row[message_id, 1]).owner


def test_processes_claim_abandoned_answers_once_per_attempt(database: Database, database_url: str) -> None:
    turns = [ask(database, str(n), lease=HERE) for n in range(20)]
    for turn in turns:
        let_lease_pass(database, turn)
    with processes(2) as workers:
        started = [workers.submit(_claim_until_none_is_left, database_url, n) for n in range(2)]
        every = [pair for each in started for pair in each.result(60)]
    assert sorted(every) == sorted((turn.answer_id, 2) for turn in turns)


def test_the_longest_waiting_is_taken_first_and_no_more_than_there_is_room_for(database: Database) -> None:
    turns = [ask(database, str(n), lease=None) for n in range(5)]
    assert {f.message_id for f in take(database, limit=2)} == {t.answer_id for t in turns[:2]}
    assert {f.message_id for f in take(database, limit=2)} == {t.answer_id for t in turns[2:4]}
    assert {f.message_id for f in take(database, limit=2)} == {turns[4].answer_id}
    assert take(database) == []


def test_a_running_answer_is_not_claimed_until_its_lease_has_passed(database: Database) -> None:
    turn = ask(database)
    with database.read() as session:
        assert not claims.any_waiting(session)
    assert take(database, THERE) == []
    let_lease_pass(database, turn)
    (fence,) = take(database, THERE)
    assert fence.attempt == 2 and answer_of(database, turn).served_by == "there"
    assert take(database, HERE) == []


def test_the_databases_clock_decides_and_it_is_the_moment_not_the_transaction(database: Database) -> None:
    turn = ask(database, lease=Lease("brief/1", "brief", 0.02))
    with database.write() as session:  # the transaction is older than the end of the lease
        assert session.execute(select(col(Message.id))).first()
        while not (found := claims.claim(session, THERE, 1, 5).fences):
            pass
    assert found[0].message_id == turn.answer_id


def test_an_answer_behind_one_that_is_being_written_waits_for_it(database: Database) -> None:
    first = ask(database, "one")
    second = ask(database, "two", conversation_id=first.conversation_id)
    third = ask(database, "three", conversation_id=first.conversation_id)
    assert not second.claimed and not third.claimed
    assert take(database, THERE) == []
    finish(database, fence_of(first))
    (fence,) = take(database, THERE)
    assert fence.message_id == second.answer_id
    assert take(database, HERE) == []
    finish(database, fence, lease=THERE)
    assert [f.message_id for f in take(database, HERE)] == [third.answer_id]


def test_an_answer_on_another_branch_does_not_wait(database: Database) -> None:
    (first,) = talk(database, "one")
    here: dict[str, Any] = {"conversation_id": first.conversation_id, "parent_id": first.answer_id}
    assert ask(database, "left", **here).claimed and ask(database, "right", **here).claimed


@pytest.mark.parametrize("dialect", ["postgresql"])  # SQLite has one writer at a time: nothing to skip
def test_a_conversation_somebody_else_holds_does_not_hold_up_the_others(database: Database) -> None:
    held, free = ask(database, "held", lease=None), ask(database, "free", lease=None)
    with database.write() as session:
        session.execute(
            select(col(Conversation.id)).where(col(Conversation.id) == held.conversation_id).with_for_update()
        ).one()
        assert [f.message_id for f in take(database)] == [free.answer_id]
    assert [f.message_id for f in take(database)] == [held.answer_id]


def test_an_answer_that_many_instances_gave_up_is_interrupted_with_its_text(database: Database) -> None:
    turn = ask(database)
    fence = fence_of(turn)
    for attempt in (2, 3):
        fence = take_over(database, turn)
        assert fence.attempt == attempt
    say(database, fence, "so ", "far", lease=THERE)
    let_lease_pass(database, turn)
    ended = database.run(claims.claim, HERE, 10, 3)
    assert ended.fences == [] and ended.ended == ["interrupted"]
    view = answer_of(database, turn)
    assert (view.status, view.content, view.finished_at is not None) == ("interrupted", "so far", True)
    assert view.error is not None and "Try again" in view.error
    assert take(database, HERE, attempts=3) == []
    # Nothing stays behind: the conversation goes on, and the answer can be asked for again.
    assert ask(database, "next", conversation_id=turn.conversation_id).claimed


def test_a_new_attempt_starts_with_an_empty_text(database: Database) -> None:
    turn = ask(database)
    say(database, fence_of(turn), "old ", "text")
    fence = take_over(database, turn)
    view = answer_of(database, turn)
    assert (view.status, view.content, view.seq, view.attempt) == ("streaming", "", 0, 2)
    say(database, fence, "new", lease=THERE)
    assert answer_of(database, turn).content == "new"


def test_handed_over_answers_are_claimed_at_once(database: Database) -> None:
    turns = [ask(database, str(n)) for n in range(3)]
    say(database, fence_of(turns[0]), "half")
    taken = take_over(database, turns[2])
    fences = [fence_of(turn) for turn in turns]
    assert database.run(claims.hand_over, HERE, fences) == 2  # the third is somebody else's
    assert answer_of(database, turns[0]).status == "queued"
    assert {(f.message_id, f.attempt) for f in take(database, THERE)} == {(t.answer_id, 2) for t in turns[:2]}
    assert say(database, taken, "mine still", lease=THERE)


def test_readers_hear_of_a_claim_and_of_a_hand_over(database: Database) -> None:
    turn = ask(database, lease=None)
    versions = [turn.version]

    def moved() -> bool:
        versions.append(show(database, turn.conversation_id).conversation.version)
        return versions[-1] > versions[-2]

    take(database)
    assert moved()
    database.run(claims.hand_over, HERE, [fence_of(turn)])
    assert moved()
    database.run(answers.request_stop, OWNER, turn.conversation_id)
    assert moved()
