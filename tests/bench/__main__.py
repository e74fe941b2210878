"""`make bench`: what the store costs, as ratios to a raw driver doing the same work in the same run.

The two of a pair take turns, a little work each, so that whatever else the machine does hits both alike; a ratio is the
median of one over the median of the other. `make bench ARGS=--quick` only shows that it runs: its figures mean little.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col

from convstore import answers
from convstore.answers import Delta, Outcome, Write
from convstore.changes import since
from convstore.database import Database
from convstore.models import Message, MessageDelta
from convstore.tool_calls import Fence
from tests.bench import screen, searching, store
from tests.bench.raw import Raw, RawAsyncpg, RawSqlite
from tests.services import postgres

Work = Callable[[], object]
FLUSHES, PIECE = 100, "a piece of some forty characters, as one"  # eight seconds of an answer, a flush every 80 ms
MANY_ANSWERS, MANY_READ = 200, 2000


class Pair:
    """What is measured and what it is measured against, with the times of both in milliseconds."""

    def __init__(self) -> None:
        self.ours: list[float] = []
        self.theirs: list[float] = []

    def run(self, measured: Work, against: Work, rounds: int) -> None:
        """So many rounds more, one after the other in each."""
        for _ in range(rounds):
            began = time.perf_counter()
            measured()
            between = time.perf_counter()
            against()
            self.ours.append((between - began) * 1000)
            self.theirs.append((time.perf_counter() - between) * 1000)

    def report(self, what: str, goal: str = "") -> None:
        """Both medians and their ratio; the first tenth was for warming up."""
        warm = len(self.ours) // 10
        ours, theirs = statistics.median(self.ours[warm:]), statistics.median(self.theirs[warm:])
        print(f"  {what:<52} {ours:8.2f} ms / {theirs:8.2f} ms = {ours / theirs:6.2f} ×  {goal}", flush=True)


def compare(what: str, measured: Work, against: Work, rounds: int, goal: str = "") -> None:
    """Run a pair and report it."""
    pair = Pair()
    pair.run(measured, against, rounds)
    pair.report(what, goal)


def turns_of_ten_messages(database: Database, raw: Raw, driver: str, rounds: int, goal: str) -> None:
    """A stateless turn in a conversation of about ten messages, a new one for every four turns."""
    pair = Pair()
    for _ in range(rounds // 4):
        ours, theirs = store.fill(database, 6), raw.fill(6)
        for position in range(6, 14, 2):
            pair.run(partial(store.turn, database, ours), partial(raw.turn, theirs, position), 1)
    pair.report(f"a turn at 10 messages / {driver}", goal)


def length_and_branches(database: Database, raw: Raw, driver: str, rounds: int, long: int) -> None:
    """What a conversation of that length costs, straight and with branches."""
    short, straight = store.fill(database, 100), store.fill(database, long)
    branched, theirs = store.fill(database, long, branches=200), raw.fill(long)
    for name, conversation in ((f"{long:,} messages", straight), (f"{long:,} with 200 branches", branched)):
        compare(
            f"a turn at {name} / at 100",
            partial(store.turn, database, conversation),
            partial(store.turn, database, short),
            rounds,
            "goal ≤ 1.2",
        )
        compare(
            f"the newest 50 of {name} / {driver}",
            partial(store.newest, database, conversation, 50),
            partial(raw.newest, theirs, 50),
            rounds,
            "goal ≤ 3",
        )


def _begun(database: Database, count: int) -> list[Fence]:
    turns = [database.run(store.begin, store.fill(database, 0)) for _ in range(count)]
    return [Fence(turn.conversation_id, turn.answer_id, 1, store.LEASE.owner) for turn in turns]


def group_flush(database: Database, rounds: int) -> None:
    """One commit for the new text of many answers, beside one for a single answer."""
    many, one = _begun(database, MANY_ANSWERS), _begun(database, 1)
    seqs = iter(range(1, 10**9))

    def flush(fences: list[Fence]) -> None:
        delta = (Delta(next(seqs), "text", PIECE),)
        assert database.run(answers.flush, store.LEASE, [Write(fence, delta) for fence in fences])

    compare(f"a flush of {MANY_ANSWERS} answers / of one", lambda: flush(many), lambda: flush(one), rounds)


def one_poll(database: Database, rounds: int) -> None:
    """One look for everybody's news, beside one for a single reader: none has any."""
    conversations = [store.fill(database, 2) for _ in range(MANY_READ)]
    with database.read() as session:
        versions = {head.id: head.version for head in since(session, dict.fromkeys(conversations, 0), {}).heads}

    def poll(known: dict[UUID, int]) -> None:
        with database.read() as session:
            assert not since(session, known, {}).heads

    single = dict(list(versions.items())[:1])
    compare(f"a poll for {MANY_READ:,} readers / for one", lambda: poll(versions), lambda: poll(single), rounds)


def text_written(database: Database) -> None:
    """How much text the rows of one streamed answer hold in all, its deltas and then the message, over its length."""
    (fence,) = _begun(database, 1)
    for seq in range(1, FLUSHES + 1):
        database.run(answers.flush, store.LEASE, [Write(fence, (Delta(seq, "text", PIECE),))])
    with database.read() as session:
        in_deltas = session.execute(select(func.sum(func.length(MessageDelta.text)))).scalar_one()
    whole = PIECE * FLUSHES
    database.run(answers.flush, store.LEASE, [Write(fence, outcome=Outcome("complete", whole))])
    with database.read() as session:
        assert not session.execute(select(func.count()).select_from(MessageDelta)).scalar_one()
        own = col(Message.id) == fence.message_id
        in_message = session.execute(select(func.length(Message.content)).where(own)).scalar_one()
    ratio = (in_deltas + in_message) / len(whole)
    print(f"  text written for {len(whole):,} characters in {FLUSHES} flushes: {ratio:.2f} ×  goal ≤ 3")


@contextmanager
def databases() -> Iterator[Iterator[tuple[str, Database, Raw, str, str]]]:
    """On each database in turn: the store, the raw driver beside it, that driver's name, and the goal for a turn."""
    with tempfile.TemporaryDirectory() as directory, postgres.running() as server:

        def each() -> Iterator[tuple[str, Database, Raw, str, str]]:
            yield (
                "SQLite",
                Database(f"sqlite:///{directory}/convstore.db"),
                RawSqlite(Path(directory)),
                "sqlite3",
                "goal ≤ 2.0",
            )
            yield "PostgreSQL", Database(server.create()), RawAsyncpg(server.create()), "asyncpg", "goal ≤ 1.6"

        yield each()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds and short conversations: does it run at all?")
    quick = parser.parse_args().quick
    rounds, long = (20, 1000) if quick else (400, 100_000)
    with tempfile.TemporaryDirectory() as directory, postgres.running() as server:
        print("In the browser, over nginx, two instances and PostgreSQL", flush=True)
        screen.measure(Path(directory), server.create(), 3 if quick else 30)
    with databases() as each:
        for name, database, raw, driver, goal in each:
            print(f"{name}: median of {rounds} rounds", flush=True)
            database.migrate()
            text_written(database)
            turns_of_ten_messages(database, raw, driver, rounds, goal)
            length_and_branches(database, raw, driver, rounds, long)
            group_flush(database, rounds)
            one_poll(database, rounds)
            searching.measure(database, long, max(5, rounds // 20))
            raw.close()
            database.close()


if __name__ == "__main__":
    main()
