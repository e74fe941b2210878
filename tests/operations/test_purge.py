"""`purge` takes what is past its time, all of it and nothing else, whoever works beside it."""

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, update
from sqlmodel import Session, SQLModel, col

from convstore import answers, conversations, integrity, purging, trash, turns, usage
from convstore.answers import Delta, Outcome, Write
from convstore.clock import now
from convstore.database import Database
from convstore.errors import NotFound
from convstore.models import Conversation, IdempotencyKey, Message, MessageDelta, Usage, new_id
from convstore.tool_calls import Fence
from convstore.turns import Lease, Turn

HERE = Lease("here/1", "here", 30.0)
DAYS = 30.0


def turn(database: Database, said: str = "hello", key: str | None = None) -> Turn:
    return database.run(turns.begin, "ada", said, lease=HERE, key=key)


def end(database: Database, begun: Turn, *pieces: str, outcome: Outcome | None = None) -> None:
    fence = Fence(begun.conversation_id, begun.answer_id, 1, HERE.owner)
    deltas = tuple(Delta(n, "text", piece) for n, piece in enumerate(pieces, 1))
    database.run(answers.flush, HERE, [Write(fence, deltas, outcome)])


def discard(database: Database, days_ago: float) -> UUID:
    """A conversation that was put in the trash so long ago."""
    begun = turn(database)
    end(database, begun, outcome=Outcome("complete", "fine"))
    database.run(trash.discard, "ada", begun.conversation_id)
    with database.write() as session:
        ours = col(Conversation.id) == begun.conversation_id
        session.execute(update(Conversation).where(ours).values(trashed_at=now(-days_ago * 24 * 3600)))
    return begun.conversation_id


def count(database: Database, table: type[SQLModel]) -> int:
    with database.read() as session:
        return int(session.execute(select(func.count()).select_from(table)).scalar_one())


def purge(database: Database) -> dict[str, int]:
    """What went, by the first word of its kind."""
    return {kind.name: purging.purge(database, kind) for kind in purging.kinds(DAYS)}


def foretold(database: Database) -> dict[str, int]:
    with database.read() as session:
        return {kind.name: kind.count(session) for kind in purging.kinds(DAYS)}


def test_the_trash_is_emptied_past_its_time_and_the_rest_can_still_be_restored(database: Database) -> None:
    old, young = [discard(database, 31) for _ in range(3)], discard(database, 29)
    kept = turn(database).conversation_id
    assert foretold(database)["conversations in the trash"] == 3
    assert count(database, Conversation) == 5, "asking changes nothing"
    assert purge(database)["conversations in the trash"] == 3
    assert count(database, Conversation) == 2
    assert count(database, Message) == 4
    assert database.run(trash.restore, "ada", young).trashed_at is None
    assert database.run(conversations.get, "ada", kept).id == kept
    with pytest.raises(NotFound):
        database.run(trash.restore, "ada", old[0])
    assert list(integrity.findings(database)) == []


def test_conversations_go_in_small_batches_and_a_large_one_goes_too(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        discard(database, 31)
    monkeypatch.setattr(purging, "MESSAGES", 4)  # two conversations of two messages
    kind = purging.kinds(DAYS)[0]
    assert [database.run(kind.remove) for _ in range(4)] == [2, 2, 1, 0]
    discard(database, 31)
    monkeypatch.setattr(purging, "MESSAGES", 1)
    assert [database.run(kind.remove) for _ in range(2)] == [1, 0]


def test_keys_go_after_their_day_and_those_within_it_still_hold(database: Database) -> None:
    for key in ("old", "young"):
        turn(database, key=key)
    with database.write() as session:
        aged = update(IdempotencyKey).where(col(IdempotencyKey.key) == "old")
        session.execute(aged.values(created_at=now(-24 * 3600 - 60)))
    assert purge(database)["expired idempotency keys"] == 1
    assert turn(database, key="young").replayed
    assert not turn(database, key="old").replayed


def test_deltas_go_when_nobody_is_writing_their_answer(database: Database) -> None:
    running, finished, overtaken = turn(database), turn(database), turn(database)
    end(database, running, "still ", "here")
    end(database, finished, outcome=Outcome("complete", "all of it"))
    end(database, overtaken, "stale")
    with database.write() as session:
        session.execute(insert(MessageDelta).values(message_id=finished.answer_id, attempt=1, seq=1, text="left"))
        session.execute(update(Message).where(col(Message.id) == overtaken.answer_id).values(attempt=2))
    assert purge(database)["orphan deltas"] == 2
    with database.read() as session:
        left = session.execute(select(col(MessageDelta.message_id))).scalars().all()
    assert left == [running.answer_id] * 2


def test_old_counts_go_and_those_that_limits_look_at_stay(database: Database) -> None:
    with database.write() as session:
        usage.spend(session, {"ada": 5})
        moment = session.execute(select(now())).scalar_one()
        for kind, ago in (
            (usage.REQUESTS, timedelta(seconds=30)),
            (usage.REQUESTS, timedelta(hours=2)),
            (usage.TOKENS, timedelta(days=40)),
            (usage.TOKENS, timedelta(days=100)),
        ):
            session.execute(insert(Usage).values(owner="ada", kind=kind, starts_at=moment - ago, amount=1))
    assert purge(database)["old usage counts"] == 2
    assert count(database, Usage) == 3


def test_more_than_a_batch_goes_in_one_run(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "BATCH", 10)
    monkeypatch.setattr(purging, "PAUSE_SECONDS", 0)
    with database.write() as session:
        for n in range(35):
            session.execute(
                insert(IdempotencyKey).values(
                    owner="ada",
                    key=f"key-{n}",
                    digest="",
                    conversation_id=new_id(),
                    answer_id=new_id(),
                    created_at=now(-48 * 3600),
                )
            )
    assert purge(database)["expired idempotency keys"] == 35
    assert count(database, IdempotencyKey) == 0


def test_purging_beside_people_who_write_and_restore_loses_nothing_of_theirs(database: Database) -> None:
    over = threading.Event()
    trouble: list[Exception] = []
    restored: list[UUID] = []

    def people() -> None:
        try:
            while not over.is_set():
                there = discard(database, 31)
                try:
                    database.run(trash.restore, "ada", there)
                    restored.append(there)
                except NotFound:
                    pass  # it was past its time
                end(database, turn(database), "a", outcome=Outcome("complete", "a", spent_tokens=1))
        except Exception as error:
            trouble.append(error)

    writers = [threading.Thread(target=people) for _ in range(2)]
    for writer in writers:
        writer.start()
    for _ in range(10):
        purge(database)
    over.set()
    for writer in writers:
        writer.join()
    assert trouble == []
    with database.read() as session:
        for there in restored:
            assert _messages(session, there) == 2
    assert list(integrity.findings(database)) == []


def _messages(session: Session, conversation_id: UUID) -> int:
    ours = select(func.count()).select_from(Message).where(col(Message.conversation_id) == conversation_id)
    return int(session.execute(ours).scalar_one())
