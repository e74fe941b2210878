"""A title written by the model, after the first answer: never waited for, never over a name the owner gave.

The conversation has had a title from its first words all along; when this fails, it keeps that one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from convstore import conversations
from convstore.agents.base import Agent, AgentError
from convstore.database import Database
from convstore.errors import ConvstoreError

log = logging.getLogger(__name__)

SECONDS = 20.0
LONGEST = 80  # characters; a model that says more has not understood the task


class Titling:
    """Asks the agent's `title`, when it has one, in the background."""

    def __init__(self, db: Database, agent: Agent) -> None:
        self.on_change: Callable[[set[UUID]], None] = lambda conversations: None
        self._db = db
        self._ask: Callable[[str, str], Awaitable[str]] | None = getattr(agent, "title", None)
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, conversation_id: UUID, question: str, answer: str) -> None:
        """Have a title written for a conversation that has just had its first answer."""
        if self._ask is not None:
            task = asyncio.create_task(self._write(self._ask, conversation_id, question, answer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        await asyncio.gather(*self._tasks)

    def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()

    async def _write(
        self, ask: Callable[[str, str], Awaitable[str]], conversation_id: UUID, question: str, answer: str
    ) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                title = _only_title(await ask(question, answer))
            taken = bool(title) and await self._db.writing(conversations.retitle, conversation_id, title)
            if taken:
                self.on_change({conversation_id})
        except (AgentError, ConvstoreError, TimeoutError) as error:
            log.info("no title was written for %s: %s", conversation_id, error or "it took too long")
        except Exception:
            log.exception("no title was written for %s", conversation_id)


def _only_title(said: str) -> str:
    """The title in what the model said, without quotes and label; empty when that is no title."""
    line = said.strip().partition("\n")[0].strip()
    line = line.removeprefix("Title:").strip().strip("\"'“”«»*#`. ")
    return line if len(line) <= LONGEST else ""
