"""200 answers at once in one instance: everyone is answered, and the database sees one writer, not 200."""

import re
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from convstore.database import Database
from convstore.models import FINISHED, MessageDelta
from tests.instances.looking import answer
from tests.services.instances import Cluster, Model, cluster
from tests.services.people import Person, Sent
from tests.services.waiting import until

ANSWERS = 200
TOKENS, RATE = 600, 50  # 12 s each, so that all of them are under way together
MOST_COMMITS_PER_SECOND = 25
MEDIAN_LAG_SECONDS = 0.25


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
    """Reads the database while the answers are written: when each token was first to be seen there, and the commits."""

    def __init__(self, database: Database) -> None:
        super().__init__(daemon=True)
        self.database = database
        self.seen: dict[UUID, list[tuple[float, int]]] = defaultdict(list)  # answer → (time, last token there)
        self.commits: list[tuple[float, int]] = []  # (time, writing transactions so far)
        self.over = threading.Event()
        self._far: dict[UUID, int] = {}

    def run(self) -> None:
        counter = _wal_commits if self.database.dialect == "sqlite" else _transaction_ids
        for count in counter(self.database, self.over):
            self.commits.append((time.monotonic(), count))
            self._look()

    def _look(self) -> None:
        low = min(self._far.values(), default=0)
        with self.database.read() as session:
            rows = session.exec(
                select(MessageDelta.message_id, MessageDelta.seq, MessageDelta.text).where(col(MessageDelta.seq) > low)
            ).all()
        now = time.time()
        newest: dict[UUID, int] = {}
        for message_id, seq, piece in sorted(rows, key=lambda row: row[1]):
            if seq > self._far.get(message_id, 0) and (numbers := re.findall(r"t(\d+)", piece)):
                self.seen[message_id].append((now, int(numbers[-1])))
            newest[message_id] = seq
        self._far = {key: max(seq, self._far.get(key, 0)) for key, seq in newest.items()} or self._far


def _transaction_ids(database: Database, over: threading.Event) -> Iterator[int]:
    """PostgreSQL numbers the transactions that write, and only those."""
    while not over.wait(0.04):
        with database.read() as session:
            yield int(session.execute(text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")).scalar_one())


def _wal_commits(database: Database, over: threading.Event) -> Iterator[int]:
    """SQLite's `data_version` changes with each commit of another connection; asked far more often than those come."""
    connection = database.engine.raw_connection()
    commits, version, asked_at = 0, None, 0.0
    while not over.wait(0.004):
        current = connection.cursor().execute("PRAGMA data_version").fetchone()[0]
        commits += version is not None and current != version
        version = current
        if time.monotonic() - asked_at > 0.04:
            asked_at = time.monotonic()
            yield commits
    connection.close()


def test_two_hundred_answers_at_once_are_all_complete_soon_stored_and_written_in_groups(
    site: Cluster, person: Person, truth: Database
) -> None:
    assert site.model is not None
    watch = Watch(truth)
    watch.start()
    with ThreadPoolExecutor(6) as senders:
        sent = list(senders.map(lambda n: person.send(f"ok:{TOKENS}:{RATE} from person {n}"), range(ANSWERS)))
    until(lambda: site.instances[0].answers == ANSWERS, "all answers to be under way at once", 5)
    all_under_way_at = time.monotonic()
    first_ends_at = until(lambda: _first_end(truth, person.owner, sent[:8]), "the first ones to end", 40)
    until(lambda: site.instances[0].answers == 0, "all to end", 60, every=0.2)
    watch.over.set()
    watch.join()

    expected = "".join(f"t{n} " for n in range(TOKENS)).strip()
    for each in sent:
        view = answer(truth, person.owner, each)
        assert (view.status, view.attempt) == ("complete", 1), view.error
        assert view.content.strip() == expected

    rate = _rate(watch.commits, all_under_way_at, first_ends_at)
    lags = sorted(_lags(watch, site.model, {each.answer: n for n, each in enumerate(sent)}))
    median = statistics.median(lags)
    print(
        f"{truth.dialect}: {rate:.1f} commits/s with {ANSWERS} answers; token to row: median {median * 1000:.0f} ms, "
        f"95 % {lags[int(len(lags) * 0.95)] * 1000:.0f} ms, most {lags[-1] * 1000:.0f} ms over {len(lags)} groups"
    )
    assert rate <= MOST_COMMITS_PER_SECOND
    assert median < MEDIAN_LAG_SECONDS


def _first_end(database: Database, owner: str, sent: list[Sent]) -> float | None:
    ended = any(answer(database, owner, each).status in FINISHED for each in sent)
    return time.monotonic() if ended else None


def _rate(commits: list[tuple[float, int]], since: float, until_: float) -> float:
    within = [entry for entry in commits if since <= entry[0] <= until_]
    (began, first), (ended, last) = within[0], within[-1]
    return (last - first) / (ended - began)


def _lags(watch: Watch, model: Model, numbers: dict[UUID, int]) -> Iterator[float]:
    """Per group of tokens: from the middle token leaving the model to the group being seen in the database."""
    begun = {}
    for request in model.requests():
        number = re.search(r"from person (\d+)", request["messages"][-1]["content"])
        assert number is not None
        begun[int(number[1])] = request["_at"]
    for answer_id, seen in watch.seen.items():
        before = -1
        for at, token in seen:
            for n in range(before + 1, token + 1):
                yield at - (begun[numbers[answer_id]] + n / RATE)
            before = token
