"""The models a person can choose from: those that are named in the settings, else those the agent says it has.

The agent's server is asked once in a while, not for every dialog, and never waited for long. Nothing to choose from
means that the page offers a field instead of a list.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

log = logging.getLogger(__name__)

KEPT_SECONDS = 300.0
TRIED_AGAIN_SECONDS = 20.0  # after a failure
PATIENCE_SECONDS = 4.0
MOST = 200
MOST_CHARACTERS = 200

Ask = Callable[[], Awaitable[Sequence[str]]]


class Offered:
    """Call it for the names. `named`: the ones to offer whatever the agent has."""

    def __init__(self, agent: object = None, named: Sequence[str] = ()) -> None:
        self._named = _checked(named)
        self._ask: Ask | None = getattr(agent, "models", None)
        self._known: list[str] = []
        self._good_until = 0.0
        self._asking = asyncio.Lock()

    async def __call__(self) -> list[str]:
        """The names, at most 200 of them; empty when nobody knows."""
        if self._named or self._ask is None:
            return self._named
        async with self._asking:
            if time.monotonic() >= self._good_until:
                await self._look(self._ask)
        return self._known

    async def _look(self, ask: Ask) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                self._known = _checked(await ask())
            self._good_until = time.monotonic() + KEPT_SECONDS
        except Exception as error:  # an agent is anybody's code; a list of names is not worth an error on the page
            log.info("the agent did not name its models: %s", error or type(error).__name__)
            self._good_until = time.monotonic() + TRIED_AGAIN_SECONDS


def _checked(names: Sequence[Any]) -> list[str]:
    good = [name.strip() for name in names if isinstance(name, str) and 0 < len(name.strip()) <= MOST_CHARACTERS]
    return list(dict.fromkeys(good))[:MOST]
