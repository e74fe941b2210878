"""What one person may use is the same through every instance, and being refused costs nothing but the wait."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select, update

from convstore import conversations, turns, usage
from convstore.agents.base import Context, Event, Message, Text
from convstore.agents.demo import Demo
from convstore.answers import Outcome, Write, flush
from convstore.database import Database
from convstore.errors import Conflict, LimitReached
from convstore.models import Usage
from convstore.runner import Limits, Runner
from convstore.tool_calls import Fence
from convstore.turns import Lease, Turn
from convstore.usage import Allowance
from tests.services.waiting import until

pytestmark = pytest.mark.anyio


@pytest.fixture
def other(database: Database) -> Iterator[Database]:
    """The same database, as another instance has it."""
    other = Database(database.url)
    yield other
    other.close()


def runner(database: Database, **allowed: int) -> Runner:
    """An instance with these limits. Not started: it takes sends, and their answers stay as they are."""
    return Runner(database, Demo(0.0), "here", Limits(per_person=Allowance(**allowed)))


def ended(instance: Runner, turn: Turn, tokens: int = 0) -> None:
    """The answer of this turn, which that instance has claimed, ends."""
    fence = Fence(turn.conversation_id, turn.answer_id, 1, instance.lease.owner)
    write = Write(fence, outcome=Outcome("complete", "fine", spent_tokens=tokens))
    assert turn.answer_id in instance.db.run(flush, instance.lease, [write])


def how_many(database: Database, owner: str) -> int:
    with database.read() as session:
        return len(conversations.recent(session, owner, limit=100).items)


def rows(database: Database, kind: str) -> int:
    with database.read() as session:
        return len(session.exec(select(Usage).where(col(Usage.kind) == kind)).all())


def pass_time(database: Database, seconds: float) -> None:
    """Move everything that was counted so far into the past."""
    with database.write() as session:
        for row in session.exec(select(Usage).where(col(Usage.kind) == usage.REQUESTS)).all():
            earlier = row.starts_at - timedelta(seconds=seconds)
            session.execute(
                update(Usage)
                .where(col(Usage.kind) == usage.REQUESTS, col(Usage.starts_at) == row.starts_at)
                .values(starts_at=earlier)
            )


async def test_one_message_too_many_is_refused_through_every_instance_with_the_time_to_wait(
    database: Database, other: Database
) -> None:
    here, there = runner(database, requests_per_minute=3), runner(other, requests_per_minute=3)
    for instance in (here, there, here):
        await instance.send("ada", "hello")
    for instance in (here, there):
        with pytest.raises(LimitReached, match="3 messages within a minute") as refused:
            await instance.send("ada", "hello")
        assert 50 < refused.value.retry_after_seconds <= 65
    assert how_many(database, "ada") == 3
    await there.send("grace", "somebody else is not affected")


async def test_places_come_back_within_about_a_minute_and_old_counts_are_forgotten(database: Database) -> None:
    instance = runner(database, requests_per_minute=2)
    for _ in range(2):
        await instance.send("ada", "hello")
    pass_time(database, 55)
    with pytest.raises(LimitReached) as refused:
        await instance.send("ada", "hello")
    assert refused.value.retry_after_seconds <= 10
    pass_time(database, 10)
    for _ in range(2):
        await instance.send("ada", "hello")
    assert rows(database, usage.REQUESTS) <= 2


async def test_the_same_send_again_is_neither_counted_nor_refused(database: Database, other: Database) -> None:
    here, there = runner(database, requests_per_minute=1), runner(other, requests_per_minute=1)
    first = await here.send("ada", "hello", key="once")
    for _ in range(3):
        again = await there.send("ada", "hello", key="once")
        assert again.replayed and again.answer_id == first.answer_id
    with pytest.raises(LimitReached):
        await there.send("ada", "hello", key="twice")
    with pytest.raises(Conflict):
        await there.send("ada", "something else", key="once")


async def test_a_refused_send_leaves_nothing_and_its_key_can_be_used_when_there_is_room(database: Database) -> None:
    instance = runner(database, running_answers=1)
    turn = await instance.send("ada", "hello")
    with pytest.raises(LimitReached, match="being written already"):
        await instance.send("ada", "and this", key="later")
    assert how_many(database, "ada") == 1
    ended(instance, turn)
    assert not (await instance.send("ada", "and this", key="later")).replayed


async def test_an_answer_asked_for_again_counts_like_a_message(database: Database) -> None:
    instance = runner(database, requests_per_minute=2)
    turn = await instance.send("ada", "hello")
    ended(instance, turn)
    await instance.retry("ada", turn.conversation_id, turn.answer_id)
    assert turn.user_message_id is not None
    with pytest.raises(LimitReached):
        await instance.edit("ada", turn.conversation_id, turn.user_message_id, "hallo")


async def test_answers_that_wait_in_the_queue_count_as_running(database: Database) -> None:
    full = Runner(database, Demo(0.0), "full", Limits(answers=0, per_person=Allowance(running_answers=2)))
    for _ in range(2):
        assert not (await full.send("ada", "hello")).claimed
    with pytest.raises(LimitReached):
        await full.send("ada", "hello")


@pytest.mark.parametrize("allowed", [Allowance(requests_per_minute=5), Allowance(running_answers=5)])
def test_the_last_place_is_never_given_away_twice(database: Database, other: Database, allowed: Allowance) -> None:
    def send(number: int) -> bool:
        def work(session: Session) -> None:
            turns.begin(session, "ada", "hello", lease=Lease("here/1", "here", 30.0))
            usage.admit(session, "ada", allowed)

        try:
            (database if number % 2 else other).run(work)
        except LimitReached:
            return False
        return True

    with ThreadPoolExecutor(8) as senders:
        assert sum(senders.map(send, range(24))) == 5
    assert how_many(database, "ada") == 5


async def test_the_days_tokens_are_shared_by_all_instances_until_midnight(database: Database, other: Database) -> None:
    here, there = runner(database, tokens_per_day=100), runner(other, tokens_per_day=100)
    for tokens in (99, 500):
        ended(here, await here.send("ada", "hello"), tokens)
    for instance in (here, there):
        with pytest.raises(LimitReached, match="Today's 100 tokens are used up") as refused:
            await instance.send("ada", "hello")
        assert 0 < refused.value.retry_after_seconds <= 24 * 3600
    await there.send("grace", "hello")
    with database.read() as session:
        assert usage.tokens_today(session, "ada") == 599
        assert usage.tokens_today(session, "grace") == 0


async def test_what_a_model_claims_to_have_used_cannot_break_the_count(database: Database) -> None:
    with database.write() as session:
        usage.spend(session, {"ada": 2_147_483_647, "grace": -5, "": 5})
        for _ in range(30):
            usage.spend(session, {"ada": 2_147_483_647})
    with pytest.raises(LimitReached):
        await runner(database, tokens_per_day=1_000_000_000).send("ada", "hello")
    assert rows(database, usage.TOKENS) == 1


async def _silent(messages: list[Message], context: Context) -> AsyncIterator[Event]:
    """An agent that never says what it used."""
    yield Text("word " * 40)


async def test_tokens_are_counted_even_if_the_model_does_not_say_how_many(database: Database) -> None:
    instance = Runner(database, _silent, "here")
    await instance.start()
    await instance.send("ada", "x" * 400)

    def used() -> int:
        with database.read() as session:
            return usage.tokens_today(session, "ada")

    tokens = await asyncio.to_thread(until, used, "the answer to be counted")
    assert tokens == (400 + 200) // 4
    await instance.drain(1)


async def test_without_limits_sends_are_not_counted_at_all(database: Database) -> None:
    instance = runner(database)
    for _ in range(5):
        await instance.send("ada", "hello")
    assert rows(database, usage.REQUESTS) == rows(database, usage.TOKENS) == 0
