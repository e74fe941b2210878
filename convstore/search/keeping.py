"""Keeping up: the loop in every instance that indexes what has been written. Whichever comes first does it."""

import asyncio
import logging
import time

from convstore.database import Database
from convstore.errors import Unavailable
from convstore.search.indexing import catch_up, is_behind

log = logging.getLogger(__name__)

EVERY_SECONDS = 2.0  # many texts at once cost far less than one by one; `find` sees them before they are indexed


async def keep_up(db: Database, every_seconds: float = EVERY_SECONDS) -> None:
    """Index what waits, now and again, until cancelled. Nothing that goes wrong ends it."""
    while True:
        try:
            while await db.reading(is_behind):
                began = time.monotonic()
                if not await db.writing(catch_up):
                    break  # another instance is at it
                await asyncio.sleep(time.monotonic() - began)  # half of the time is everybody else's
        except Unavailable:
            pass  # the database layer has logged it; the next round tries again
        except Exception:
            log.exception("indexing failed; the next round tries again")
        await asyncio.sleep(every_seconds)
