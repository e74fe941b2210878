"""`GET /metrics`: what this instance does, for Prometheus.

Each application has a registry of its own; nothing here is global. Counters come from hooks that the runner calls, what
can be looked at is looked at when it is asked for. `convstore_answers_queued` is the one number that all instances
share: take the maximum of it, not the sum.
"""

import asyncio
import secrets
from collections.abc import Iterator

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from sqlalchemy.pool import QueuePool

from convstore import counts
from convstore.database import Database
from convstore.errors import ConvstoreError
from convstore.follow import Hub
from convstore.models import FINISHED
from convstore.runner import Ended, Runner

WAIT_SECONDS = 1.5  # for the database: a scrape has to end while it hangs
OUTCOMES = (*FINISHED, "lost", "handed over")
FIRST_TOKEN = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 20, 40, 80)
FLUSH_LAG = (0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5, 10)
HTTP = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics(Collector):
    """Counts what this runner, this hub and this application do, from now on."""

    def __init__(self, db: Database, runner: Runner, hub: Hub) -> None:
        self.db, self.runner, self.hub = db, runner, hub
        self.registry = registry = CollectorRegistry()
        self.answers = Counter("convstore_answers", "Answers by how they ended here", ["outcome"], registry=registry)
        self.takeovers = Counter(
            "convstore_takeovers", "Answers taken over after an earlier attempt was given up", registry=registry
        )
        self.first_token = Histogram(
            "convstore_first_token_seconds",
            "From the beginning of an answer to the model's first token",
            registry=registry,
            buckets=FIRST_TOKEN,
        )
        self.flush_lag = Histogram(
            "convstore_flush_lag_seconds",
            "How long the oldest token of a flush had waited when it was in the database",
            registry=registry,
            buckets=FLUSH_LAG,
        )
        self.http = Counter(
            "convstore_http_responses", "Responses by route", ["method", "route", "status"], registry=registry
        )
        self.http_seconds = Histogram(
            "convstore_http_response_seconds",
            "From a request to the first byte of its response",
            ["route"],
            registry=registry,
            buckets=HTTP,
        )
        for outcome in OUTCOMES:  # there from the beginning, so that the first failure is an increase
            self.answers.labels(outcome)
        registry.register(self)
        ProcessCollector(registry=registry)
        runner.on_end = self._ended
        runner.on_takeover = self.takeovers.inc
        runner.flusher.on_lag = self.flush_lag.observe
        self._active: dict[str, int] | None = None
        self._looking: asyncio.Task[dict[str, int] | None] | None = None

    def count_response(self, method: str, route: str, status: int, seconds: float) -> None:
        """One more response. See `counted`."""
        self.http.labels(method, route, str(status)).inc()
        self.http_seconds.labels(route).observe(seconds)

    async def page(self, accept: str = "") -> tuple[bytes, str]:
        """All of it as a body and its content type, in the format that the scraper asks for."""
        self._active = await self._look()
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def _ended(self, ended: Ended) -> None:
        self.answers.labels(ended.outcome).inc()
        if ended.first_token_seconds is not None:
            self.first_token.observe(ended.first_token_seconds)

    async def _look(self) -> dict[str, int] | None:
        # One look at a time: scrapes that come while the database hangs must not use up its threads.
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._count_active())
        try:
            return await asyncio.wait_for(asyncio.shield(self._looking), WAIT_SECONDS)
        except TimeoutError:
            return None

    async def _count_active(self) -> dict[str, int] | None:
        try:
            return await self.db.reading(counts.active)
        except ConvstoreError:
            return None

    def collect(self) -> Iterator[Metric]:
        """What is looked at when it is asked for."""
        yield _gauge("convstore_answers_running", "Answers this instance is writing", self.runner.running)
        yield _gauge("convstore_readers", "Open event streams", self.hub.readers)
        yield _gauge("convstore_database_up", "The database answered this scrape", int(self._active is not None))
        if self._active is not None:
            queued = self._active["queued"]
            yield _gauge("convstore_answers_queued", "Answers that wait, over all instances", queued)
        pool = self.db.engine.pool
        if isinstance(pool, QueuePool):
            connections = GaugeMetricFamily("convstore_database_connections", "Of the pool", labels=["state"])
            connections.add_metric(["in use"], pool.checkedout())
            connections.add_metric(["idle"], pool.checkedin())
            yield connections
            yield _gauge("convstore_database_connections_most", "As many as the pool may have", pool.size())


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value)


def routes(metrics: Metrics, token: str | None) -> APIRouter:
    """The route; with a `token`, for whoever sends it as a bearer token."""
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    async def page(authorization: str = Header(default=""), accept: str = Header(default="")) -> Response:
        if token is not None and not secrets.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            return JSONResponse({"detail": "A token is needed"}, 401, {"WWW-Authenticate": "Bearer"})
        body, content_type = await metrics.page(accept)
        return Response(body, media_type=None, headers={"Content-Type": content_type})

    return router
