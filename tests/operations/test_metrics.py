"""Metrics that take an accident to see: takeovers, answers given up, a database that is away."""

import asyncio
import logging
import time
from contextvars import ContextVar
from pathlib import Path

import pytest

from convstore import logs, turns
from convstore.agents.demo import Demo
from convstore.api.metrics import Metrics
from convstore.api.request_ids import RequestIds
from convstore.database import Database
from convstore.errors import Unavailable
from convstore.follow import Hub
from convstore.runner import Limits, Runner
from convstore.turns import Lease
from tests.services.waiting import until

pytestmark = pytest.mark.anyio
GONE = Lease("gone/2", "gone", -1.0)  # its leases have passed when they begin


def number(page: bytes, name: str) -> float | None:
    """The value of this sample, None when it is not on the page."""
    for line in page.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.rpartition(" ")[2])
    return None


async def ended(metrics: Metrics, outcome: str) -> None:
    """Wait for an answer to end like that."""
    sample = {"outcome": outcome}

    def there() -> bool:
        return metrics.registry.get_sample_value("convstore_answers_total", sample) == 1

    await asyncio.to_thread(until, there, f"an answer to be {outcome}")


async def test_an_answer_that_another_instance_left_is_a_takeover(database: Database) -> None:
    runner = Runner(database, Demo(0.0), "here", Limits(sweep_seconds=0.05))
    metrics = Metrics(database, runner, Hub(database))
    database.run(turns.begin, "ada", "hello", lease=GONE)
    assert number((await metrics.page())[0], "convstore_takeovers_total") == 0
    await runner.start()
    await ended(metrics, "complete")
    await runner.drain(1)
    page, _ = await metrics.page()
    assert number(page, "convstore_takeovers_total") == 1
    assert number(page, "convstore_first_token_seconds_count") == 1
    assert number(page, "convstore_answers_queued") == 0


async def test_an_answer_that_is_given_up_is_counted_as_interrupted(database: Database) -> None:
    runner = Runner(database, Demo(0.0), "here", Limits(sweep_seconds=0.05, attempts=1))
    metrics = Metrics(database, runner, Hub(database))
    database.run(turns.begin, "ada", "hello", lease=GONE)
    await runner.start()
    await ended(metrics, "interrupted")
    await runner.drain(1)
    assert number((await metrics.page())[0], "convstore_takeovers_total") == 0


async def test_what_waits_in_the_queue_is_the_same_number_everywhere(database: Database) -> None:
    for _ in range(3):
        database.run(turns.begin, "ada", "hello")
    for name in ("one", "two"):
        metrics = Metrics(database, Runner(database, Demo(), name), Hub(database))
        assert number((await metrics.page())[0], "convstore_answers_queued") == 3


async def test_metrics_come_while_the_database_is_away_and_say_so() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=2)
    metrics = Metrics(away, Runner(away, Demo(), "here"), Hub(away))
    began = time.monotonic()
    page, _ = await metrics.page()
    assert time.monotonic() - began < 5
    assert number(page, "convstore_database_up") == 0
    assert number(page, "convstore_answers_running") == 0
    assert number(page, "convstore_answers_queued") is None
    away.close()


async def test_two_applications_in_one_process_do_not_count_for_each_other(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'c.db'}")
    database.migrate()
    one, two = (Metrics(database, Runner(database, Demo(), name), Hub(database)) for name in ("one", "two"))
    one.count_response("GET", "/", 200, 0.1)
    sample = 'convstore_http_responses_total{method="GET",route="/",status="200"}'
    assert number((await one.page())[0], sample) == 1
    assert number((await two.page())[0], sample) is None
    database.close()


async def test_a_scraper_that_speaks_openmetrics_gets_it(database: Database) -> None:
    metrics = Metrics(database, Runner(database, Demo(), "here"), Hub(database))
    page, content_type = await metrics.page("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert page.endswith(b"# EOF\n")


async def test_a_line_from_the_databases_own_thread_has_the_id_of_the_request() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=2)
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(logs.TextLines().format(record))

    async def app(scope: object, receive: object, send: object) -> None:
        with pytest.raises(Unavailable):
            await away.reading(lambda session: session.connection())

    async def nothing(*_: object) -> None: ...

    logger, kept = logging.getLogger("convstore.database"), Keep()
    logger.addHandler(kept)
    try:
        scope = {"type": "http", "headers": [(b"x-request-id", b"abc-1")]}
        await RequestIds(app, logs.request_id)(scope, nothing, nothing)  # type: ignore[arg-type]
    finally:
        logger.removeHandler(kept)
        away.close()
    assert any(line.endswith("request=abc-1") for line in lines), lines


async def test_ids_of_requests_at_the_same_time_do_not_mix() -> None:
    current: ContextVar[str | None] = ContextVar("current", default=None)
    seen: dict[str, str | None] = {}

    async def app(scope: dict[str, str], receive: object, send: object) -> None:
        await asyncio.sleep(0)
        seen[scope["path"]] = current.get()

    async def nothing(*_: object) -> None: ...

    middleware = RequestIds(app, current)  # type: ignore[arg-type]
    async with asyncio.TaskGroup() as requests:
        for n in range(20):
            scope = {"type": "http", "path": f"/{n}", "headers": [(b"x-request-id", f"id{n}".encode())]}
            requests.create_task(middleware(scope, nothing, nothing))  # type: ignore[arg-type]
    assert seen == {f"/{n}": f"id{n}" for n in range(20)}
