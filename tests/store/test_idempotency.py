"""The same send twice is one turn, however close together, and a key never answers for something else."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlmodel import Session

from convstore import conversations, idempotency, turns
from convstore.clock import now
from convstore.database import Database
from convstore.errors import Conflict, Invalid, NotFound
from convstore.models import IdempotencyKey
from convstore.turns import Turn
from tests.store.scenes import HERE, OWNER, STRANGER, THERE, ask, fence_of, finish, show, talk


def _ids(turn: Turn) -> tuple[object, ...]:
    return turn.conversation_id, turn.user_message_id, turn.answer_id


def test_twenty_parallel_sends_with_one_key_are_one_turn(database: Database, database_url: str) -> None:
    other = Database(database_url)
    with ThreadPoolExecutor(20) as clicks:
        sent = list(clicks.map(lambda n: ask(database if n % 2 else other, "hello", key="k"), range(20)))
    other.close()
    assert len({_ids(turn) for turn in sent}) == 1
    assert sum(not turn.replayed for turn in sent) == sum(turn.claimed for turn in sent) == 1
    assert len(show(database, sent[0].conversation_id).messages) == 2
    with database.read() as session:
        assert len(conversations.recent(session, OWNER).items) == 1


def test_parallel_sends_into_one_conversation_with_one_key_are_one_turn(database: Database) -> None:
    (first,) = talk(database, "one")
    with ThreadPoolExecutor(10) as clicks:
        sent = list(
            clicks.map(lambda _: ask(database, "two", conversation_id=first.conversation_id, key="k"), range(10))
        )
    assert len({_ids(turn) for turn in sent}) == 1
    assert len(show(database, first.conversation_id).messages) == 4


def test_a_repeated_send_gets_the_same_turn_long_after_it_was_answered(database: Database) -> None:
    turn = ask(database, "hello", key="k")
    finish(database, fence_of(turn))
    again = ask(database, "hello", key="k", lease=THERE)
    assert _ids(again) == _ids(turn) and again.replayed and not again.claimed
    assert again.version == show(database, turn.conversation_id).conversation.version


def test_a_repeated_retry_is_one_answer(database: Database) -> None:
    (turn,) = talk(database, "one")
    first, again = (
        database.run(turns.retry, OWNER, turn.conversation_id, turn.answer_id, key="k", lease=HERE) for _ in range(2)
    )
    assert _ids(first) == _ids(again) == (turn.conversation_id, turn.user_message_id, first.answer_id)
    assert again.replayed and not first.replayed
    assert len(show(database, turn.conversation_id).messages[1].siblings) == 2


def test_a_repeated_edit_is_one_version(database: Database) -> None:
    (turn,) = talk(database, "one")
    assert turn.user_message_id is not None
    first, again = (
        database.run(turns.edit, OWNER, turn.conversation_id, turn.user_message_id, "uno", key="k") for _ in range(2)
    )
    assert _ids(first) == _ids(again) and again.replayed


def test_a_key_that_was_used_for_something_else_is_a_conflict(database: Database) -> None:
    (turn,) = talk(database, "one")
    here: dict[str, Any] = {"conversation_id": turn.conversation_id}
    ask(database, "hello", key="k", **here)
    with pytest.raises(Conflict, match="already used"):
        ask(database, "other words", key="k", **here)
    with pytest.raises(Conflict):
        ask(database, "hello", key="k")
    with pytest.raises(Conflict):
        ask(database, "hello", key="k", parent_id=turn.answer_id, **here)
    with pytest.raises(Conflict):
        ask(database, "hello", key="k", parent_id=None, **here)
    with pytest.raises(Conflict):
        database.run(turns.retry, OWNER, turn.conversation_id, turn.answer_id, key="k")
    assert len(show(database, turn.conversation_id).messages) == 4


def test_two_people_may_use_the_same_key(database: Database) -> None:
    mine, theirs = ask(database, key="k"), ask(database, key="k", owner=STRANGER)
    assert not theirs.replayed and mine.conversation_id != theirs.conversation_id


def _age(session: Session, seconds: float) -> None:
    session.execute(update(IdempotencyKey).values(created_at=now(-seconds)))


def test_a_key_is_free_again_after_its_time(database: Database) -> None:
    first = ask(database, "hello", key="k")
    database.run(_age, idempotency.KEPT_SECONDS - 60)
    assert ask(database, "hello", key="k").answer_id == first.answer_id
    database.run(_age, idempotency.KEPT_SECONDS + 60)
    second = ask(database, "another", key="k")
    assert not second.replayed and second.answer_id != first.answer_id
    assert ask(database, "another", key="k").answer_id == second.answer_id


def test_a_send_that_failed_leaves_its_key_free(database: Database) -> None:
    with pytest.raises(NotFound):
        ask(database, "hello", key="k", conversation_id=uuid4())
    assert not ask(database, "hello", key="k").replayed


BAD_KEYS = ["", "x" * 201, "a\x00", "a\nb", "\ud800"]


def test_a_key_no_database_takes_is_refused_in_words(database: Database) -> None:
    for key in BAD_KEYS:
        with pytest.raises(Invalid, match="idempotency key"):
            ask(database, key=key)
