"""Runs answers on this instance: takes sends, claims what waits, writes, hands over.

Process memory is never the truth here: whatever this object holds can vanish at any moment, and another instance
goes on from the rows.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel import Session

from convstore import answers, claims, conversations, turns, usage
from convstore.agents.base import Agent
from convstore.database import Database
from convstore.errors import Conflict, ConvstoreError, Unavailable
from convstore.runner.flusher import Flusher
from convstore.runner.limits import Limits
from convstore.runner.titling import Titling
from convstore.runner.writing import Ended, Writing
from convstore.tool_calls import Fence
from convstore.tree import LEAF, Parent
from convstore.turns import Lease, Turn

log = logging.getLogger(__name__)
T = TypeVar("T")

__all__ = ["Ended", "Limits", "Runner"]

HAND_OVER_SECONDS = 1.0  # for the last flush, and again for the hand-over, after the time to drain is up


class Runner:
    """One per process. `instance` is its name in rows and logs; two processes may share one."""

    def __init__(self, db: Database, agent: Agent, instance: str, limits: Limits | None = None) -> None:
        self.db, self.agent, self.instance = db, agent, instance
        self.limits = limits or Limits()
        # The name may come again after a restart; the lease must not.
        self.lease = Lease(f"{instance}/{secrets.token_hex(6)}", instance, self.limits.lease_seconds)
        self.flusher = Flusher(db, self.lease)
        self.on_change: Callable[[set[UUID]], None] = lambda conversations: None
        # For whoever counts. Called in the event loop: whatever they do has to be quick.
        self.on_end: Callable[[Ended], None] = lambda ended: None
        self.on_takeover: Callable[[], None] = lambda: None
        self.titling = Titling(db, agent)
        self._writings: dict[asyncio.Task[None], Writing] = {}
        self._reserved = 0
        self._draining = False
        self._room = asyncio.Event()
        self._background: list[asyncio.Task[None]] = []
        self._taking: set[asyncio.Task[Any]] = set()  # the sweep, and sends under way: each may bring an answer

    @property
    def running(self) -> int:
        """How many answers this instance is writing."""
        return len(self._writings)

    @property
    def draining(self) -> bool:
        """This instance is on its way out and takes no more answers."""
        return self._draining

    async def start(self) -> None:
        """Begin to flush and to look for answers that wait."""
        self.titling.on_change = lambda conversations: self.on_change(conversations)
        self.flusher.on_flush = lambda conversations: self.on_change(conversations)
        self._background = [
            asyncio.create_task(self.flusher.run(), name="flusher"),
            self._take(self._sweep()),
        ]

    async def send(
        self,
        owner: str,
        text: str,
        *,
        conversation_id: UUID | None = None,
        parent_id: Parent = LEAF,
        key: str | None = None,
        model: str | None = None,
    ) -> Turn:
        """Add a message and have it answered: here when there is room, else elsewhere. See `turns.begin`."""
        return await self._begin(
            turns.begin,
            owner,
            text,
            conversation_id=conversation_id,
            parent_id=parent_id,
            key=key,
            model=model,
            most_characters=self.limits.message_characters,
        )

    async def retry(
        self, owner: str, conversation_id: UUID, message_id: UUID, *, key: str | None = None, model: str | None = None
    ) -> Turn:
        """Another answer beside that one. See `turns.retry`."""
        return await self._begin(turns.retry, owner, conversation_id, message_id, key=key, model=model)

    async def edit(
        self,
        owner: str,
        conversation_id: UUID,
        message_id: UUID,
        text: str,
        *,
        key: str | None = None,
        model: str | None = None,
    ) -> Turn:
        """Another version of a message, with an answer of its own. See `turns.edit`."""
        return await self._begin(
            turns.edit,
            owner,
            conversation_id,
            message_id,
            text,
            key=key,
            model=model,
            most_characters=self.limits.message_characters,
        )

    async def stop(self, owner: str, conversation_id: UUID, message_id: UUID | None = None) -> int:
        """Stop an answer (None: all of the conversation), wherever it is written. See `answers.request_stop`."""
        asked = await self.db.writing(answers.request_stop, owner, conversation_id, message_id)
        self.on_change({conversation_id})
        return asked

    async def drain(self, seconds: float) -> None:
        """Take no more answers, let those that run finish for so long, queue the rest again, and close the agent."""
        until = time.monotonic() + seconds
        self._draining = True
        self._room.set()
        # What is being taken in this very moment still comes in, and would else wait for its lease to pass.
        await _wait(self._taking, HAND_OVER_SECONDS)
        await _wait(self._writings, until - time.monotonic())
        left = [w for t, w in self._writings.items() if not t.done() and w.draft.outcome is None]
        for writing in left:
            writing.hand_over()
        await _wait(self._writings, HAND_OVER_SECONDS)
        self.titling.close()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._give_back([w.draft.fence for w in left if not w.draft.lost])
        await self._close_agent()

    async def _close_agent(self) -> None:
        close = getattr(self.agent, "close", None)
        if close is None:
            return
        try:
            async with asyncio.timeout(HAND_OVER_SECONDS):
                await close()
        except Exception:  # a team's own code, and TimeoutError: neither keeps the instance from ending
            log.exception("the agent could not be closed")

    async def _give_back(self, fences: Sequence[Fence]) -> None:
        if not fences:
            return
        try:
            async with asyncio.timeout(HAND_OVER_SECONDS):
                await self.db.writing(claims.hand_over, self.lease, fences)
        except (ConvstoreError, TimeoutError):
            log.warning("%d answers could not be handed over; their leases will pass", len(fences))

    async def _begin(self, begin: Callable[..., Turn], *args: Any, **kwargs: Any) -> Turn:
        # In a task of its own: a client that goes away after the commit must not leave a claimed answer unwritten.
        return await asyncio.shield(self._take(self._begin_here(begin, *args, **kwargs)))

    def _take(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)
        return task

    async def _begin_here(self, begin: Callable[..., Turn], *args: Any, **kwargs: Any) -> Turn:
        self.limits.refuse_model(kwargs["model"])
        room = not self._draining and self.running + self._reserved < self.limits.answers
        self._reserved += room
        try:
            turn = await self.db.writing(
                _admitted, begin, self.limits, *args, lease=self.lease if room else None, **kwargs
            )
            if turn.claimed:
                self._write(Fence(turn.conversation_id, turn.answer_id, 1, self.lease.owner))
        finally:
            self._reserved -= room
        self.on_change({turn.conversation_id})
        return turn

    def _write(self, fence: Fence) -> None:
        draft = self.flusher.open(fence)
        writing = Writing(self.db, self.agent, self.limits, draft, self.instance)
        writing.on_end = lambda ended: self.on_end(ended)
        writing.on_first_answer = partial(self.titling.begin, fence.conversation_id)
        task = asyncio.create_task(writing.run(), name=f"answer {fence.message_id}")
        self._writings[task] = writing

        def ended(task: asyncio.Task[None]) -> None:
            self._writings.pop(task, None)
            self.flusher.close(draft)
            self._room.set()  # one may be waiting behind this very answer
            if not task.cancelled() and task.exception() is not None:
                log.error("answer %s ended badly; its lease will pass", fence.message_id, exc_info=task.exception())

        task.add_done_callback(ended)

    async def _sweep(self) -> None:
        """Claim answers that are queued or abandoned, as room allows. One cheap read when there is nothing to do."""
        while not self._draining:
            try:
                await self._claim()
            except Unavailable:
                pass  # the database layer has logged it; the next round tries again
            except Exception:
                log.exception("a sweep failed; the next one tries again")
            try:
                async with asyncio.timeout(self.limits.sweep_seconds):
                    await self._room.wait()
            except TimeoutError:
                pass
            self._room.clear()

    async def _claim(self) -> None:
        room = self.limits.answers - self.running - self._reserved
        if room <= 0 or not await self.db.reading(claims.any_waiting) or self._draining:
            return
        self._reserved += room
        try:
            claimed = await self.db.writing(claims.claim, self.lease, room, self.limits.attempts)
            for fence in claimed.fences:
                self._write(fence)
        finally:
            self._reserved -= room
        for fence in claimed.fences:
            if fence.attempt > 1:
                self.on_takeover()
        for status in claimed.ended:
            self.on_end(Ended(status))
        if claimed.fences:
            self.on_change({fence.conversation_id for fence in claimed.fences})


async def _wait(tasks: Collection[asyncio.Task[Any]], seconds: float) -> None:
    """Until all of them are done, but no longer than that."""
    if tasks and seconds > 0:
        await asyncio.wait(tasks, timeout=seconds)


def _admitted(
    session: Session, begin: Callable[..., Turn], limits: Limits, owner: str, *args: Any, **kwargs: Any
) -> Turn:
    """Begin a turn within the limits; one that was begun earlier and is only asked for again is not counted."""
    turn = begin(session, owner, *args, **kwargs)
    if turn.replayed:
        return turn
    most = limits.conversation_messages
    if most and conversations.get(session, owner, turn.conversation_id).message_count > most:
        raise Conflict(f"This conversation has {most:,} messages, the most there may be. Go on in a new one.")
    usage.admit(session, owner, limits.per_person)
    return turn
