"""`check` finds every kind of damage, and none in what convstore itself has written, whatever it went through."""

import random
import threading
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import Session

from convstore import answers, claims, conversations, feedback, forks, integrity, messages, tool_calls, trash, turns
from convstore.answers import Delta, Outcome, Write
from convstore.database import Database
from convstore.errors import ConvstoreError
from convstore.models import new_id
from convstore.tool_calls import Fence
from convstore.turns import Lease, Turn

HERE = Lease("here/1", "here", 30.0)
GONE = Lease("gone/2", "gone", -1.0)  # its leases have passed when they begin


class House:
    """A database with some of everything in it, all of it in order."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.plain = self.turn("hello")
        self.end(self.plain)
        for _ in range(2):
            self.end(self.turn("more", conversation_id=self.plain.conversation_id))
        self.branched = self.turn("first")
        self.end(self.branched)
        self.end(database.run(turns.retry, "ada", *self.names(self.branched), lease=HERE))
        self.end(database.run(turns.edit, "ada", self.branched.conversation_id, self.question, "again", lease=HERE))
        self.called = self.turn("what is 6 * 7?")
        fence = self.fence(self.called)
        database.run(tool_calls.start, fence, "c1", "calculate", "{}", repeatable=True, text_offset=0)
        database.run(tool_calls.settle, fence, "c1", "42", failed=False)
        self.end(self.called)
        database.run(feedback.give, "ada", *self.names(self.called), "up", "right")
        database.run(forks.fork, "ada", self.branched.conversation_id)
        self.running = self.turn("a long one")
        deltas = tuple(Delta(n, "text", f"word{n} ") for n in range(1, 4))
        database.run(answers.flush, HERE, [Write(self.fence(self.running), deltas)])
        self.queued = database.run(turns.begin, "ada", "nobody has time for this")
        self.trashed = self.turn("not this")
        self.end(self.trashed)
        database.run(trash.discard, "ada", self.trashed.conversation_id)
        self.empty = database.run(conversations.create, "ada", "nothing in it").id

    @property
    def question(self) -> UUID:
        assert self.branched.user_message_id is not None
        return self.branched.user_message_id

    def turn(self, said: str, conversation_id: UUID | None = None) -> Turn:
        return self.database.run(turns.begin, "ada", said, conversation_id=conversation_id, lease=HERE)

    def end(self, turn: Turn) -> None:
        write = Write(self.fence(turn), outcome=Outcome("complete", "an answer", spent_tokens=7))
        assert turn.answer_id in self.database.run(answers.flush, HERE, [write])

    @staticmethod
    def fence(turn: Turn) -> Fence:
        return Fence(turn.conversation_id, turn.answer_id, 1, HERE.owner)

    @staticmethod
    def names(turn: Turn) -> tuple[UUID, UUID]:
        return turn.conversation_id, turn.answer_id

    def spoil(self, statement: str, **values: object) -> None:
        """Do what no code of ours does. Indexes and rules that would forbid it are not in the way."""
        sqlite = self.database.dialect == "sqlite"
        if sqlite:
            values = {name: value.hex if isinstance(value, UUID) else value for name, value in values.items()}
        with self.database.engine.connect() as connection:
            if sqlite:
                connection.exec_driver_sql("COMMIT")
                for rule in ("foreign_keys=OFF", "ignore_check_constraints=ON"):
                    connection.exec_driver_sql(f"PRAGMA {rule}")
                connection.exec_driver_sql("BEGIN")
            else:
                connection.execute(text("SET LOCAL session_replication_role = replica"))
                for table, rule in (("message", "role_known"), ("message", "status_known")):
                    connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {rule}"))
            connection.execute(text("DROP INDEX message_order"))
            done = connection.execute(text(statement), values)
            assert done.rowcount > 0
            connection.commit()
            connection.invalidate()


def found(database: Database) -> list[str]:
    return [str(finding) for finding in integrity.findings(database)]


@pytest.fixture
def house(database: Database) -> House:
    return House(database)


def test_nothing_is_found_where_all_is_well(house: House, database: Database) -> None:
    assert found(database) == []


DAMAGE = [
    ("UPDATE message SET parent_id = :other WHERE id = :leaf", "which is gone"),
    ("UPDATE message SET parent_id = :elsewhere WHERE id = :leaf", "in another conversation"),
    ("UPDATE message SET parent_id = :leaf WHERE id = :first", "which came later"),
    ("UPDATE message SET parent_id = :first WHERE id = :leaf", "does not hang below the message before it in lane 0"),
    ("UPDATE message SET lane = 1 WHERE id = :leaf", "says it has 1 lanes, has 2"),
    ("UPDATE message SET lane = 1 WHERE id = :leaf", "ends lane 0, and yet another message hangs below it"),
    ("UPDATE message SET lane = 7 WHERE id = :branch", "the last is number 7"),
    ("UPDATE message SET position = 1 WHERE id = :leaf", "has 2 messages at position 1"),
    ("UPDATE message SET position = 8 WHERE id = :leaf", "has 6 messages at positions 0 to 8"),
    ("UPDATE message SET position = -1 WHERE id = :first", "has 6 messages at positions -1 to 5"),
    ("DELETE FROM message WHERE id = :leaf", "says it has 6 messages and has 5"),
    ("UPDATE conversation SET leaf_id = :other WHERE id = :plain", "that is not in it"),
    ("UPDATE conversation SET leaf_id = :first WHERE id = :plain", "that is not the end of a branch"),
    ("UPDATE conversation SET leaf_id = NULL WHERE id = :plain", "has messages and no leaf"),
    ("UPDATE conversation SET leaf_id = :leaf WHERE id = :empty", "that is not in it"),
    ("UPDATE conversation SET message_count = 7 WHERE id = :plain", "says it has 7 messages and has 6"),
    ("UPDATE conversation SET lane_count = 2 WHERE id = :plain", "says it has 2 lanes, has 1"),
    ("UPDATE conversation SET version = 0 WHERE id = :plain", "is at version 0"),
    ("DELETE FROM conversation WHERE id = :plain", "is gone, and its messages are not"),
    ("UPDATE conversation SET trashed_at = created_at WHERE id = :busy", "its conversation is in the trash"),
    ("UPDATE message SET status = 'thinking' WHERE id = :leaf", "is of role assistant and status thinking"),
    ("UPDATE message SET role = 'robot' WHERE id = :leaf", "is of role robot and status complete"),
    ("UPDATE message SET status = 'queued' WHERE id = :first", "is of role user and queued"),
    ("UPDATE message SET lease_owner = 'here/1' WHERE id = :leaf", "is complete and still leased to here/1"),
    ("UPDATE message SET lease_until = NULL WHERE id = :running", "is being written without a lease"),
    ("UPDATE message SET status = 'failed' WHERE id = :running", "is failed and still has 3 deltas"),
    ("UPDATE message SET attempt = 2 WHERE id = :running", "is in attempt 2 and has deltas of attempt 1"),
    ("DELETE FROM message_delta WHERE message_id = :running AND seq = 2", "has 2 deltas numbered 1 to 3"),
    ("UPDATE tool_call SET status = 'running' WHERE message_id = :called", "is still running, and its message is"),
    ("UPDATE message SET tool_count = 0 WHERE id = :called", "is number 0 of a message that counts 0"),
    ("UPDATE message SET rated = false WHERE id = :called", "is rated without a mark"),
    ("DELETE FROM feedback", "is marked as rated and is not"),
]


@pytest.mark.parametrize(("statement", "expected"), DAMAGE, ids=[said for _, said in DAMAGE])
def test_damage_is_found_and_named(house: House, database: Database, statement: str, expected: str) -> None:
    with database.read() as session:
        window = messages.window(session, "ada", house.plain.conversation_id)
        branch = messages.window(session, "ada", house.branched.conversation_id).messages[-1]
    values = {
        "plain": house.plain.conversation_id,
        "first": window.messages[0].id,
        "leaf": window.messages[-1].id,
        "branch": branch.id,
        "elsewhere": branch.id,
        "other": new_id(),
        "empty": house.empty,
        "busy": house.running.conversation_id,
        "running": house.running.answer_id,
        "called": house.called.answer_id,
    }
    house.spoil(statement, **{name: value for name, value in values.items() if f":{name}" in statement})
    assert [finding for finding in found(database) if expected in finding], found(database)


@pytest.mark.parametrize("dialect", ["sqlite"])  # PostgreSQL keeps foreign keys by itself
def test_rows_of_a_message_that_is_gone_are_found(house: House, database: Database) -> None:
    house.spoil("DELETE FROM message WHERE id = :running", running=house.running.answer_id)
    assert [finding for finding in found(database) if "belongs to no message" in finding]


def test_a_badly_damaged_database_does_not_fill_the_memory(
    house: House, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity, "MOST_FINDINGS", 2)
    monkeypatch.setattr(integrity, "STRETCH", 2)
    house.spoil("UPDATE conversation SET version = 0, message_count = 99, lane_count = 99")
    assert 4 <= len(found(database)) < 15


def test_every_conversation_is_looked_at_however_the_stretches_fall(
    house: House, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.spoil("UPDATE conversation SET version = 0")
    whole = sorted(found(database))
    for size in (1, 2, 3, 8, 9):
        monkeypatch.setattr(integrity, "STRETCH", size)
        assert sorted(found(database)) == whole


def by_chance(database: Database, rng: random.Random, steps: int) -> Iterator[None]:
    """Whatever people and instances do, in any order."""
    known: list[Turn] = []

    def step(session: Session) -> Turn | None:
        turn = rng.choice(known) if known else None
        lease = rng.choice([HERE, GONE, None])
        what = rng.randrange(10) if turn else 0
        if turn is None or what <= 1:
            return turns.begin(session, "ada", "hello", lease=lease)
        if what == 2:
            parent = rng.choice([turn.answer_id, None])
            return turns.begin(
                session, "ada", "more", conversation_id=turn.conversation_id, parent_id=parent, lease=lease
            )
        if what == 3:
            return turns.retry(session, "ada", turn.conversation_id, turn.answer_id, lease=lease)
        if what == 4 and turn.user_message_id:
            return turns.edit(session, "ada", turn.conversation_id, turn.user_message_id, "else", lease=lease)
        if what == 5:
            answers.request_stop(session, "ada", turn.conversation_id, turn.answer_id)
        if what == 6:
            (trash.discard if rng.random() < 0.5 else trash.restore)(session, "ada", turn.conversation_id)
        if what == 7:
            forks.fork(session, "ada", turn.conversation_id)
        if what == 8:
            held = claims.claim(session, rng.choice([HERE, GONE]), 5, 2).fences
            claims.hand_over(session, HERE, held[:1])
        if what == 9:
            fence = Fence(turn.conversation_id, turn.answer_id, 1, HERE.owner)
            ended = Outcome(rng.choice(["complete", "failed", "stopped"]), "text", spent_tokens=3)
            answers.flush(session, HERE, [Write(fence, (Delta(1, "text", "a"),), rng.choice([None, ended]))])
        return None

    for _ in range(steps):
        try:
            turn = database.run(step)
        except ConvstoreError:
            continue  # refused, as people are who ask for what cannot be
        if turn is not None:
            known.append(turn)
        yield


def test_nothing_is_found_whatever_people_and_instances_did(database: Database) -> None:
    rng = random.Random(7)
    for count, _ in enumerate(by_chance(database, rng, 300)):
        if count % 50 == 0:
            assert found(database) == []
    assert found(database) == []


def test_nothing_is_found_while_instances_write(database: Database) -> None:
    over = threading.Event()

    def write(seed: int) -> None:
        for _ in by_chance(database, random.Random(seed), 10_000):
            if over.is_set():
                return

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(3)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(8):
            assert found(database) == []
    finally:
        over.set()
        for writer in writers:
            writer.join()
