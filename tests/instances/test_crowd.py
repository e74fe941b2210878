"""200 answers at once in one instance: everyone is answered, and the database sees one writer, not 200."""

import re
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import pairwise
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlmodel import col

from convstore.database import Database
from convstore.models import FINISHED, MessageDelta
from convstore.turns import begin
from tests.instances.looking import answer
from tests.services.instances import Cluster, Model, cluster
from tests.services.people import Sent
from tests.services.waiting import until

pytestmark = pytest.mark.alone

OWNER = "somebody"
ANSWERS, WATCHED = 200, 20
TOKENS, RATE = 600, 50  # 12 s each, so that all of them are under way together for a while
MOST_COMMITS_PER_SECOND = 25


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_site(
    request: pytest.FixtureRequest,
    fresh_database: Callable[[str], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """One instance with a model behind it that writes as fast as real ones do."""
    settings = {"MAX_ANSWERS": str(ANSWERS), "LEASE_SECONDS": "10"}
    directory = tmp_path_factory.mktemp("crowd")
    with (
        fresh_database(request.param) as url,
        cluster(directory, url, count=1, model=True, settings=settings) as site,
    ):
        yield site


class Watch(threading.Thread):
    """Reads the database while the answers are written: the commits so far, and which token of some answers is there.

    Of some, because the watch runs on the same machine and should not be what is measured.
    """

    def __init__(self, database: Database, answers: list[UUID]) -> None:
        super().__init__(daemon=True)
        self.database, self.answers = database, answers
        self.seen: dict[UUID, list[tuple[float, int]]] = defaultdict(list)  # answer → (time, last token there)
        self.commits: list[tuple[float, int]] = []  # (time, writing transactions so far)
        self.over = threading.Event()

    def run(self) -> None:
        counter = _wal_commits if self.database.dialect == "sqlite" else _transaction_ids
        for count in counter(self.database, self.over):
            self.commits.append((time.monotonic(), count))
            self._look()

    def _look(self) -> None:
        newest = (
            select(col(MessageDelta.message_id), func.max(col(MessageDelta.seq)).label("seq"))
            .where(col(MessageDelta.message_id).in_(self.answers))
            .group_by(col(MessageDelta.message_id))
            .subquery()
        )
        there = (newest.c.message_id == col(MessageDelta.message_id)) & (newest.c.seq == col(MessageDelta.seq))
        with self.database.read() as session:
            rows = session.execute(
                select(col(MessageDelta.message_id), col(MessageDelta.text)).join(newest, there)
            ).all()
        now = time.time()
        for message_id, piece in rows:
            token = int(re.findall(r"t(\d+)", piece)[-1])
            known = self.seen[message_id]
            if not known or token > known[-1][1]:
                known.append((now, token))


def _transaction_ids(database: Database, over: threading.Event) -> Iterator[int]:
    """PostgreSQL numbers the transactions that write, and only those."""
    while not over.wait(0.04):
        with database.read() as session:
            yield int(session.execute(text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")).scalar_one())


def _wal_commits(database: Database, over: threading.Event) -> Iterator[int]:
    """SQLite's `data_version` changes with each commit of another connection; asked far more often than those come."""
    connection = database.engine.raw_connection()
    commits, version, asked_at = 0, None, 0.0
    while not over.wait(0.01):
        current = connection.cursor().execute("PRAGMA data_version").fetchone()[0]
        commits += version is not None and current != version
        version = current
        if time.monotonic() - asked_at > 0.04:
            asked_at = time.monotonic()
            yield commits
    connection.close()


def test_two_hundred_answers_at_once_are_all_complete_soon_stored_and_written_in_groups(
    site: Cluster, truth: Database
) -> None:
    assert site.model is not None
    # Past the front door, which is not what is measured here: the instance finds them waiting and claims them at once.
    turns = [truth.run(begin, OWNER, f"ok:{TOKENS}:{RATE} from person {n}") for n in range(ANSWERS)]
    sent = [Sent(turn.conversation_id, turn.answer_id, {}) for turn in turns]
    until(lambda: site.instances[0].answers == ANSWERS, "all answers to be under way at once", 8)
    watch = Watch(truth, [each.answer for each in sent[:: ANSWERS // WATCHED]])
    watch.start()
    until(lambda: answer(truth, OWNER, sent[0]).status in FINISHED, "the first one to end", 40, every=0.2)
    watch.over.set()
    watch.join()
    until(lambda: site.instances[0].answers == 0, "all to end", 60, every=0.2)

    expected = "".join(f"t{n} " for n in range(TOKENS)).strip()
    for each in sent:
        view = answer(truth, OWNER, each)
        assert (view.status, view.attempt) == ("complete", 1), view.error
        assert view.content.strip() == expected

    (began, first), (ended, last) = watch.commits[0], watch.commits[-1]
    rate = (last - first) / (ended - began)
    lags = sorted(_lags(watch, site.model, {each.answer: n for n, each in enumerate(sent)}))
    median = statistics.median(lags)
    measured = ", ".join(
        [
            f"{truth.dialect}: {rate:.1f} commits/s with {ANSWERS} answers",
            f"token to row: median {median * 1000:.0f} ms",
            f"95 % {lags[int(len(lags) * 0.95)] * 1000:.0f} ms",
            f"most {lags[-1] * 1000:.0f} ms",
            f"{len(lags)} tokens in {ended - began:.0f} s",
        ]
    )
    # How long a token takes depends on what else the machine does: it is reported, and what holds on any machine is
    # asserted. The aim is a median under 250 ms on two idle cores.
    print(measured)  # noqa: T201 - a measurement is part of the result
    assert rate <= MOST_COMMITS_PER_SECOND


def _lags(watch: Watch, model: Model, numbers: dict[UUID, int]) -> Iterator[float]:
    """Per token: from the moment it left the model until it was seen in the database, the watch's own pace included."""
    begun: dict[int, float] = {}
    for request in model.requests():
        number = re.search(r"from person (\d+)", request["messages"][-1]["content"])
        assert number is not None
        begun.setdefault(int(number[1]), request["_at"])  # it is asked for a title as well, later
    for answer_id, seen in watch.seen.items():
        for (_, before), (at, token) in pairwise(seen):
            for n in range(before + 1, token + 1):
                yield at - (begun[numbers[answer_id]] + n / RATE)
