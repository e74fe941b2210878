"""Agents a test can hold by the hand, and waiting for what becomes of an answer."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from convstore import messages
from convstore.agents.base import Context, Event, Message
from convstore.database import Database
from convstore.messages import View
from convstore.models import FINISHED
from convstore.turns import Turn

OWNER = "ada"
Script = Callable[[list[Message], Context], AsyncIterator[Event | str]]
T = TypeVar("T")


async def until(condition: Callable[[], Awaitable[T | None]], what: str, seconds: float = 15.0) -> T:
    """The first truthy value of `await condition()`. Fails with `what` when `seconds` have passed."""
    deadline = time.monotonic() + seconds
    while True:
        value = await condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what}; last seen: {value!r}")
        await asyncio.sleep(0.01)


async def answer_of(database: Database, turn: Turn, owner: str = OWNER) -> View:
    """This turn's answer as its reader gets it now."""
    window = await database.reading(messages.window, owner, turn.conversation_id, leaf=turn.answer_id, limit=200)
    return next(message for message in window.messages if message.id == turn.answer_id)


async def finished(database: Database, turn: Turn, seconds: float = 15.0) -> View:
    """The answer once it has ended, however it has."""

    async def ended() -> View | None:
        view = await answer_of(database, turn)
        return view if view.status in FINISHED else None

    return await until(ended, "the answer to finish", seconds)


async def said(database: Database, turn: Turn, text: str, seconds: float = 15.0) -> View:
    """The answer once that text is in the database."""

    async def there() -> View | None:
        view = await answer_of(database, turn)
        return view if text in view.content else None

    return await until(there, f"the answer to say {text!r}", seconds)


class Held:
    """An agent that says `before`, waits until it is let go, then says `after` and the number of its attempt."""

    def __init__(self, before: str = "so far", after: str = ", and the rest") -> None:
        self.before, self.after = before, after
        self.go = asyncio.Event()
        self.begun = 0
        self.closed = 0
        self.read: list[list[Message]] = []

    async def __call__(self, history: list[Message], context: Context) -> AsyncIterator[Event | str]:
        self.begun += 1
        self.read.append(history)
        try:
            yield f"[{context.attempt}] {self.before}"
            await self.go.wait()
            yield f"{self.after} [{context.attempt}]"
        finally:
            self.closed += 1


async def echo(history: list[Message], context: Context) -> AsyncIterator[Event | str]:
    """Says the question back."""
    yield "You said: "
    yield history[-1].content
