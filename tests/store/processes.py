"""Other processes for tests of the store: forked from a small server that has imported the store once, not copied
from this process, whose threads and connections a copy would share."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import ForkServerContext

CONTEXT: ForkServerContext = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.store.scenes", "alembic.command", "alembic.autogenerate", "psycopg"])


def processes(count: int) -> ProcessPoolExecutor:
    """A pool of so many other processes."""
    return ProcessPoolExecutor(count, mp_context=CONTEXT)
