"""One running instance: how it starts, and how it leaves without losing anything.

Leaving begins at the signal, not after the last connection is closed: from that moment `/readyz` says 503, event
streams end (their readers connect again, elsewhere), nothing new is accepted, and the answers being written have
DRAIN_SECONDS to finish. Whatever clients do, the process is gone 3 seconds after that at the latest; an answer it
could not hand over is taken over when its lease passes.
"""

import asyncio
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from convstore.database import Database
from convstore.errors import SchemaError, Unavailable
from convstore.follow import Hub
from convstore.runner import Runner
from convstore.search.keeping import keep_up

log = logging.getLogger(__name__)

LAST_RESORT_SECONDS = 2.6  # after the drain; then the process ends itself
SWITCH_SECONDS = 0.0005
RETRY_SECONDS = 0.5


class CannotStart(Exception):
    """Why this instance cannot start, in words for whoever started it."""


class Instance:
    """The parts of one process that have a beginning and an end."""

    def __init__(
        self,
        db: Database,
        runner: Runner,
        hub: Hub,
        *,
        drain_seconds: float = 10.0,
        start_timeout_seconds: float = 15.0,
    ) -> None:
        self.db, self.runner, self.hub = db, runner, hub
        self.drain_seconds, self.start_timeout_seconds = drain_seconds, start_timeout_seconds
        self._reached = False
        self._drain: asyncio.Task[None] | None = None

    @property
    def leaving(self) -> bool:
        """Told to stop; send nobody here any more."""
        return self._drain is not None

    async def reach(self) -> None:
        """Wait for the database and bring its tables up to this version. Raises `CannotStart`."""
        deadline = time.monotonic() + self.start_timeout_seconds
        while not self._reached:
            try:
                await asyncio.to_thread(self.db.migrate)
                await asyncio.to_thread(self.db.check)
                self._reached = True
            except SchemaError as error:
                raise CannotStart(str(error)) from None
            except Unavailable as error:
                if time.monotonic() > deadline:
                    reason = type(error.__cause__).__name__ if error.__cause__ else "no answer"
                    raise CannotStart(
                        f"DATABASE_URL: the {self.db.dialect} database cannot be reached ({reason}), tried for "
                        f"{self.start_timeout_seconds:g} s. Is it running, and are host, name and password right?"
                    ) from None
                log.warning("the database cannot be reached yet, trying again")
                await asyncio.sleep(RETRY_SECONDS)

    def leave(self) -> None:
        """Begin to stop. Returns at once; calling it again changes nothing."""
        if self._drain is None:
            log.info("leaving", extra={"answers": self.runner.running, "readers": self.hub.readers})
            self._drain = asyncio.create_task(self.runner.drain(self.drain_seconds), name="drain")
            self.hub.close()

    @asynccontextmanager
    async def lifespan(self, _app: Any) -> AsyncIterator[None]:
        """For whichever server runs the application; ours has begun some of it earlier."""
        await self.reach()
        await self.runner.start()
        indexing = asyncio.create_task(keep_up(self.db), name="search")
        try:
            yield
        finally:
            indexing.cancel()
            self.leave()
            if self._drain is not None:
                await self._drain
            await asyncio.to_thread(self.db.close)


class Server(uvicorn.Server):
    """uvicorn that leaves at the signal, and that leaves for certain."""

    def __init__(self, config: uvicorn.Config, instance: Instance, hello: Callable[[], None]) -> None:
        super().__init__(config)
        self.instance, self.hello = instance, hello
        self.problem: str | None = None  # why it did not start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        reach = asyncio.create_task(self.instance.reach())
        while not reach.done() and not self.should_exit:
            await asyncio.wait([reach], timeout=0.1)
        if not reach.done():  # a signal came first
            reach.cancel()
            return
        try:
            await reach
        except CannotStart as error:
            self.problem = str(error)
            self.should_exit = True
            return
        await super().startup(sockets)
        if self.started:
            self.hello()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A thread that waits for a database which hangs would be waited for in turn; nothing here is worth that.
        last_resort = threading.Timer(self.instance.drain_seconds + LAST_RESORT_SECONDS, _give_up)
        last_resort.daemon = True
        last_resort.start()
        self.instance.leave()
        await super().shutdown(sockets)


def _give_up() -> None:
    log.error("could not stop in time; leaving at once. What is unfinished goes on elsewhere when its lease passes.")
    os._exit(1)


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to this address, before anything slow begins. Raises `CannotStart`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise CannotStart(f"HOST: {host} is not an address of this machine ({error.strerror})") from None
    try:
        if os.name == "posix":  # else a restart would have to wait for the last one's connections to time out
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.set_inheritable(True)
    except OSError as error:
        bound.close()
        reason = error.strerror or str(error)
        raise CannotStart(f"PORT: cannot listen on {host}:{port} ({reason}). Choose another with PORT=…") from None
    return bound


def serve(
    app: Any, instance: Instance, bound: socket.socket, hello: Callable[[], None], *, access_log: bool = False
) -> str | None:
    """Serve until a signal comes; `hello` is called when people can come. Returns why it could not start, else None."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=access_log,
        proxy_headers=False,  # the application has its own reading of them
        server_header=False,
        # Longer than a proxy keeps its connections (nginx: 60 s): closing one just as a send arrives would lose it.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, int(instance.drain_seconds)),
        ws="none",
        lifespan="on",
    )
    # The event loop and the database's threads share one interpreter lock. At the default of 5 ms a busy loop makes a
    # flush of 200 answers wait that long for each of its steps.
    sys.setswitchinterval(SWITCH_SECONDS)
    server = Server(config, instance, hello)
    try:
        server.run(sockets=[bound])
    except KeyboardInterrupt:
        pass
    return server.problem
