"""What a page does with the events of a stream, and nothing else: the rules that the events are made for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from uuid import UUID

from convstore.follow import Event, Hub
from tests.store.scenes import OWNER


@dataclass
class Held:
    """An answer as the page has it."""

    attempt: int = 0
    seq: int = 0
    text: str = ""
    reasoning: str = ""


@dataclass
class Page:
    """One open page: `answer` replaces, `delta` appends unless it is known, `changed` means to load the window."""

    version: int = 0
    loads: int = 0
    last_event_id: str | None = None
    gone: bool = False
    answers: dict[UUID, Held] = field(default_factory=dict)
    log: list[Event] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Do what the event says."""
        self.log.append(event)
        self.last_event_id = event.id
        data = event.data
        if event.name == "changed":
            self.version = data["version"]
            self.loads += 1
        elif event.name == "answer":
            held = self.answers.setdefault(UUID(data["message_id"]), Held())
            if data["attempt"] >= held.attempt:
                held.attempt, held.seq = data["attempt"], data["seq"]
                held.text, held.reasoning = data["text"], data["reasoning"]
        elif event.name == "delta":
            held = self.answers[UUID(data["message_id"])]
            if data["attempt"] == held.attempt and data["seq"] > held.seq:
                held.seq = data["seq"]
                if data["kind"] == "text":
                    held.text += data["text"]
                else:
                    held.reasoning += data["text"]
        elif event.name == "gone":
            self.gone = True

    def text(self, answer_id: UUID) -> str:
        """What the page shows of an answer that is being written."""
        return self.answers[answer_id].text if answer_id in self.answers else ""


def follow(
    hub: Hub, conversation_id: UUID, since: str | None = None, viewer: str = OWNER
) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
    """`async with follow(…) as events`: an open stream."""
    return aclosing(hub.follow(conversation_id, viewer, since))  # type: ignore[type-var]


class Reader:
    """A page that reads by itself, in the background, until it is closed."""

    def __init__(self, hub: Hub, conversation_id: UUID, page: Page | None = None) -> None:
        self.page = page or Page()
        self.hub, self.conversation_id = hub, conversation_id
        self.moved = asyncio.Condition()
        self.ended = False
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async with follow(self.hub, self.conversation_id, self.page.last_event_id) as events:
                async for event in events:
                    async with self.moved:
                        self.page.take(event)
                        self.moved.notify_all()
        finally:
            async with self.moved:
                self.ended = True
                self.moved.notify_all()

    async def shows(self, answer_id: UUID, text: str, seconds: float = 10.0) -> None:
        """Until the page shows exactly that text."""
        try:
            async with asyncio.timeout(seconds), self.moved:
                await self.moved.wait_for(lambda: self.page.text(answer_id) == text)
        except TimeoutError:
            raise AssertionError(f"shows …{self.page.text(answer_id)[-60:]!r}, not …{text[-60:]!r}") from None

    async def at(self, version: int, seconds: float = 10.0) -> None:
        """Until the page knows of that version."""
        async with asyncio.timeout(seconds), self.moved:
            await self.moved.wait_for(lambda: self.page.version >= version)

    async def close(self) -> Page:
        """Leave; returns what the page has."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        return self.page
