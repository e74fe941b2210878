"""`/healthz`: this process answers. `/readyz`: it can also serve, so send it people.

A readiness probe has to answer while the database hangs: it waits for one shared check at most two seconds, and however
many ask, one check runs at a time and its outcome holds for half a second.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from convstore.database import Database
from convstore.errors import SchemaError, Unavailable

WAIT_SECONDS = 1.8
FRESH_SECONDS = 0.5


@dataclass
class Readiness:
    """Whether this instance can serve. `answers`: how many it is writing; `leaving`: it has been told to stop."""

    db: Database
    instance: str
    answers: Callable[[], int]
    leaving: Callable[[], bool]
    _probe: "asyncio.Task[tuple[bool, str]] | None" = field(default=None, init=False)
    _probed_at: float = field(default=float("-inf"), init=False)

    async def report(self) -> tuple[bool, dict[str, Any]]:
        """Whether it is ready, and the body that says so."""
        reachable, database = await self._database()
        leaving = self.leaving()
        ready = reachable and not leaving
        status = "ready" if ready else "leaving" if leaving else "unavailable"
        body = {"status": status, "instance": self.instance, "database": database, "answers": self.answers()}
        return ready, body

    async def _database(self) -> tuple[bool, str]:
        probe = self._probe
        if probe is None or (probe.done() and time.monotonic() - self._probed_at > FRESH_SECONDS):
            probe = self._probe = asyncio.create_task(self._check())
        try:
            # Shielded: the others who wait for this check keep it, and it is the next one's answer too.
            return await asyncio.wait_for(asyncio.shield(probe), WAIT_SECONDS)
        except TimeoutError:
            return False, "no answer"

    async def _check(self) -> tuple[bool, str]:
        try:
            return True, await asyncio.to_thread(self.db.check)
        except SchemaError:
            return False, "schema does not fit"
        except Unavailable:
            return False, "unreachable"
        finally:
            self._probed_at = time.monotonic()


def routes(readiness: Readiness) -> APIRouter:
    """The two routes, about this instance."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "instance": readiness.instance}

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        ready, body = await readiness.report()
        return JSONResponse(body, 200 if ready else 503)

    return router
