"""One flusher per instance: what all its answers have produced goes to the database in one transaction per tick.

- The first piece of an answer goes out as soon as the shortest gap allows, the rest in groups.
- Every tick also checks every answer this instance writes: still ours? asked to stop? That is one SELECT for all.
- While the database is away, pieces wait in memory; if the lease passes meanwhile, the fence in the row decides.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from convstore import answers
from convstore.answers import Delta, Outcome, Write
from convstore.database import Database
from convstore.errors import Unavailable
from convstore.text import storable
from convstore.tool_calls import Fence
from convstore.turns import Lease

log = logging.getLogger(__name__)

SHORTEST_GAP_SECONDS = 0.045  # between two flushes: at most 22 commits a second
USUAL_GAP_SECONDS = 0.08
HEARTBEAT_SECONDS = 0.25  # how soon a stop is seen while the model is silent
TROUBLE_GAP_SECONDS = 0.5
UNSTORABLE = "The answer could not be stored. Try again."


class Draft:
    """An answer as this instance writes it: what the agent has said, and what of it is not in the database yet."""

    def __init__(self, fence: Fence, wake: Callable[[bool], None]) -> None:
        self.fence = fence
        self.lost = False
        self.stopping = False
        self.on_interrupt: Callable[[], None] = lambda: None  # called once, when it is lost or asked to stop
        self.committed = asyncio.Event()  # the outcome is in the database, or the answer is not ours any more
        self.outcome: Outcome | None = None
        self.first_flushed_at: float | None = None
        self.oldest_waiting_at: float | None = None
        self._wake = wake
        self._said: dict[str, list[str]] = {"text": [], "reasoning": []}
        self._waiting: list[tuple[str, str]] = []
        self._ready: list[Delta] = []  # numbered, on their way to the database
        self._seq = 0
        self.characters = 0

    @property
    def text(self) -> str:
        return "".join(self._said["text"])

    @property
    def reasoning(self) -> str:
        return "".join(self._said["reasoning"])

    def say(self, kind: str, piece: str) -> None:
        """Add a piece of text or reasoning."""
        piece = storable(piece)
        if not piece:
            return
        self._said[kind].append(piece)
        self._waiting.append((kind, piece))
        self.characters += len(piece)
        if self.oldest_waiting_at is None:
            self.oldest_waiting_at = time.monotonic()
        self._wake(self.first_flushed_at is None)

    async def finish(self, outcome: Outcome) -> None:
        """Hand the outcome in and wait until it is committed (or the answer turns out to be lost)."""
        self.outcome = outcome
        self._wake(True)
        await self.committed.wait()

    def write(self) -> Write:
        """What the next flush has to store. Pieces of one kind become one delta; numbers are kept over a retry."""
        if self.outcome is None:
            for kind, pieces in groupby(self._waiting, key=itemgetter(0)):
                self._seq += 1
                self._ready.append(Delta(self._seq, kind, "".join(piece for _, piece in pieces)))
            self._waiting.clear()
        return Write(self.fence, tuple(self._ready), self.outcome)

    def stored(self, write: Write) -> None:
        """That write is in the database."""
        self._ready = self._ready[len(write.deltas) :]
        self.oldest_waiting_at = time.monotonic() if self._waiting else None
        if write.deltas and self.first_flushed_at is None:
            self.first_flushed_at = time.monotonic()
        if write.outcome is not None:
            self.committed.set()
            self.on_interrupt()  # for an answer that was given up while its agent still speaks

    def interrupt(self, *, lost: bool) -> None:
        """Somebody else has it (`lost`), or a reader asked for a stop."""
        if self.committed.is_set() or self.lost or (self.stopping and not lost):
            return
        self.lost, self.stopping = lost, not lost
        if lost:
            self.committed.set()
        self.on_interrupt()


class Flusher:
    """Collects the drafts of this instance and writes them down, together."""

    def __init__(self, db: Database, lease: Lease) -> None:
        self.commits = 0
        self.on_flush: Callable[[set[UUID]], None] = lambda conversations: None
        self.on_lag: Callable[[float], None] = lambda seconds: None
        self._db, self._lease = db, lease
        self._drafts: dict[UUID, Draft] = {}
        self._urgent = asyncio.Event()
        self._something = asyncio.Event()
        self._opened = asyncio.Event()

    def open(self, fence: Fence) -> Draft:
        """A draft for an answer this instance has claimed."""
        overtaken = self._drafts.get(fence.message_id)
        if overtaken is not None:  # by ourselves: this machine slept, and found its own lease passed
            overtaken.interrupt(lost=True)
        draft = Draft(fence, self._wake)
        self._drafts[fence.message_id] = draft
        self._opened.set()
        return draft

    def close(self, draft: Draft) -> None:
        """Nothing more comes from this draft."""
        if self._drafts.get(draft.fence.message_id) is draft:
            del self._drafts[draft.fence.message_id]

    def _wake(self, urgent: bool) -> None:
        self._something.set()
        if urgent:
            self._urgent.set()

    async def run(self) -> None:
        """Flush until cancelled."""
        last = 0.0
        while True:
            if not self._drafts:
                self._opened.clear()
                await self._opened.wait()
            # Nothing is written for a draft that was merely opened: its first piece would have to wait behind that.
            await _first(self._something, HEARTBEAT_SECONDS)
            # What comes after a silence goes out now; what comes on the heels of a flush waits for company.
            await asyncio.sleep(last + SHORTEST_GAP_SECONDS - time.monotonic())
            await _first(self._urgent, last + USUAL_GAP_SECONDS - time.monotonic())
            last = time.monotonic()
            self._something.clear()
            self._urgent.clear()
            try:
                await self._flush(list(self._drafts.values()))
            except Unavailable:
                await asyncio.sleep(TROUBLE_GAP_SECONDS)
                self._something.set()
            except Exception:
                log.exception("a flush failed as a whole; each answer of it is tried by itself")
                await self._flush_apart(list(self._drafts.values()))

    async def _flush(self, drafts: Sequence[Draft]) -> None:
        if not drafts:
            return
        writes = [draft.write() for draft in drafts]
        waited = [d.oldest_waiting_at for d in drafts if d.oldest_waiting_at is not None]
        held = await self._db.writing(answers.flush, self._lease, writes)
        self.commits += 1
        if waited:
            self.on_lag(time.monotonic() - min(waited))
        touched = set()
        for draft, write in zip(drafts, writes, strict=True):
            if write.deltas or write.outcome:
                touched.add(draft.fence.conversation_id)
            if write.fence.message_id not in held:
                draft.interrupt(lost=True)
                continue
            draft.stored(write)
            if held[write.fence.message_id]:
                draft.interrupt(lost=False)
        if touched:
            self.on_flush(touched)

    async def _flush_apart(self, drafts: Sequence[Draft]) -> None:
        """One answer that cannot be stored must not hold up the others."""
        for draft in drafts:
            try:
                await self._flush([draft])
            except Unavailable:
                return
            except Exception:
                log.exception("answer %s cannot be stored", draft.fence.message_id)
                await self._give_up(draft)

    async def _give_up(self, draft: Draft) -> None:
        """End an answer that cannot be stored as it is; without its text, if that is the trouble."""
        for text, reasoning in ((draft.text, draft.reasoning), ("", "")):
            draft.outcome = Outcome("failed", text, reasoning, UNSTORABLE)
            try:
                await self._flush([draft])
                return
            except Unavailable:
                return  # the next flush brings it
            except Exception:
                log.exception("answer %s cannot be ended", draft.fence.message_id)
        draft.interrupt(lost=True)  # its lease will pass


async def _first(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, but no longer than that."""
    if seconds <= 0:
        return
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
