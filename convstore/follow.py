"""Following: any instance streams any conversation's changes to any reader, by reading the database.

- One poller per instance for all readers; nothing is polled when nobody reads.
- A hint (this instance wrote something) makes the next poll come at once. A hint is only that: the rows are the truth,
  and what another instance writes is found by the next tick.
- A reader gets `changed` when the shape moved (load the window again), `answer` with the text so far, then `delta`s.
- A reader who cannot keep up is closed, and takes it up again with its `Last-Event-ID`.
- Access is checked with every version that moves, while the stream is open.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from convstore import changes
from convstore.changes import Head, Live, News, Piece
from convstore.database import Database
from convstore.errors import NotFound, Unavailable

log = logging.getLogger(__name__)

LIVE_TICK_SECONDS = 0.06  # while something followed is being written
QUIET_TICK_SECONDS = 0.2  # while readers wait for something to begin
TROUBLE_TICK_SECONDS = 1.0
HINTED_GAP_SECONDS = 0.015  # polls are never closer than this
FIRST_NEWS_SECONDS = 5.0  # a new reader learns within this that the database is away
MOST_WAITING = 500  # events a reader may lag behind
MOST_MISSED = 100  # pieces of an answer that are sent one by one; who missed more gets the text so far


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream. `id` is what a reader sends back as `Last-Event-ID`."""

    name: str
    id: str
    data: dict[str, Any]


@dataclass(slots=True)
class _Answer:
    attempt: int
    pieces: list[Piece] = field(default_factory=list)

    @property
    def seq(self) -> int:
        return self.pieces[-1].seq if self.pieces else 0

    def said(self, kind: str) -> str:
        return "".join(piece.text for piece in self.pieces if piece.kind == kind)


@dataclass(slots=True)
class _Topic:
    """A followed conversation as this instance last read it."""

    version: int = 0  # 0: not read yet
    owner: str | None = None
    shared: str | None = None  # live, snapshot, or not at all
    shared_until: float | None = None  # by this process's monotonic clock, from what was left by the database's
    answers: dict[UUID, _Answer] = field(default_factory=dict)
    readers: "set[_Reader]" = field(default_factory=set)

    @property
    def open(self) -> bool:
        """Whether anyone with the link may read it now."""
        expired = self.shared_until is not None and self.shared_until <= time.monotonic()
        return self.owner is not None and self.shared is not None and not expired


@dataclass(eq=False, slots=True)
class _Reader:
    """One open stream, and how far it has been told."""

    viewer: str
    version: int
    seen: dict[UUID, tuple[int, int]]  # per answer: attempt, seq
    events: "asyncio.Queue[Event | None]" = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))
    greeted: bool = False

    def tell(self, name: str, data: dict[str, Any]) -> None:
        """Queue an event under an id that says how far this reader is once it has it."""
        held = ",".join(f"{key.hex}:{attempt}:{seq}" for key, (attempt, seq) in self.seen.items())
        event = Event(name, f"{self.version}.{held}" if held else str(self.version), data)
        try:
            self.events.put_nowait(event)
        except asyncio.QueueFull:
            self.end()

    def end(self) -> None:
        """Close the stream now. What was not delivered yet is asked for again with the last id that was."""
        while not self.events.empty():
            self.events.get_nowait()
        self.events.put_nowait(None)


class Hub:
    """One per process: all readers of this instance, and the one poller that serves them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._topics: dict[UUID, _Topic] = {}
        self._hinted = asyncio.Event()
        self._poller: asyncio.Task[None] | None = None
        self._closed = False
        self.polls = 0

    @property
    def readers(self) -> int:
        """How many streams are open."""
        return sum(len(topic.readers) for topic in self._topics.values())

    def hint(self, conversation_ids: set[UUID]) -> None:
        """This instance has just written to these conversations."""
        if not self._topics.keys().isdisjoint(conversation_ids):
            self._hinted.set()

    def close(self) -> None:
        """End all streams now; their readers connect again, to another instance."""
        self._closed = True
        for topic in self._topics.values():
            for reader in topic.readers:
                reader.end()

    async def follow(
        self, conversation_id: UUID, viewer: str, last_event_id: str | None = None
    ) -> AsyncIterator[Event]:
        """The events of a conversation from now on, for as long as the viewer may read it: theirs, or shared.

        With the id of the last event seen, only what came after it. Raises `NotFound` or `Unavailable` first.
        """
        reader = _Reader(viewer, *_parse(last_event_id))
        topic = self._topics.setdefault(conversation_id, _Topic())
        topic.readers.add(reader)
        try:
            if self._closed:
                return
            if topic.version:
                _catch_up(topic, reader)
            self._wake()
            try:
                async with asyncio.timeout(FIRST_NEWS_SECONDS):
                    event = await reader.events.get()
            except TimeoutError:
                raise Unavailable() from None
            if event is not None and event.name == "gone":
                raise NotFound()
            while event is not None:
                yield event
                if event.name == "gone":
                    return
                event = await reader.events.get()
        finally:
            topic.readers.discard(reader)
            if not topic.readers and self._topics.get(conversation_id) is topic:
                del self._topics[conversation_id]

    def _wake(self) -> None:
        if self._poller is None or self._poller.done():
            # For all readers, so not in the name of the request that happens to be the first.
            self._poller = asyncio.create_task(self._poll(), name="follow", context=Context())
        self._hinted.set()

    async def _poll(self) -> None:
        while self._topics and not self._closed:
            self._hinted.clear()
            began = time.monotonic()
            try:
                await self._round()
                pause = LIVE_TICK_SECONDS if any(t.answers for t in self._topics.values()) else QUIET_TICK_SECONDS
            except Unavailable:
                pause = TROUBLE_TICK_SECONDS
            except Exception:
                log.exception("a poll for readers failed; the next one tries again")
                pause = TROUBLE_TICK_SECONDS
            # A slow database is not asked more often than it can answer.
            await asyncio.sleep(max(HINTED_GAP_SECONDS, time.monotonic() - began))
            try:
                async with asyncio.timeout(pause):
                    await self._hinted.wait()
            except TimeoutError:
                pass

    async def _round(self) -> None:
        topics = dict(self._topics)
        versions = {key: topic.version for key, topic in topics.items()}
        cursors = {
            key: {m: (a.attempt, a.seq) for m, a in topic.answers.items()}
            for key, topic in topics.items()
            if topic.answers
        }
        news = await self._db.reading(changes.since, versions, cursors)
        self.polls += 1
        self._publish(topics, news)

    def _publish(self, topics: dict[UUID, _Topic], news: News) -> None:
        live: dict[UUID, list[Live]] = defaultdict(list)
        for answer in news.live:
            live[answer.conversation_id].append(answer)
        for head in news.heads:
            _take_over(topics[head.id], head, live[head.id])
        pieces: dict[UUID, list[Piece]] = defaultdict(list)
        for piece in news.pieces:
            pieces[piece.message_id].append(piece)
        moved = {head.id for head in news.heads}
        for key, topic in topics.items():
            grew = False
            for message_id in topic.answers.keys() & pieces.keys():
                topic.answers[message_id].pieces += pieces[message_id]
                grew = True
            ended = topic.shared is not None and not topic.open
            for reader in list(topic.readers):
                if key in moved or grew or ended or not reader.greeted:
                    _catch_up(topic, reader)


def _take_over(topic: _Topic, head: Head, live: list[Live]) -> None:
    """What the database says of a conversation that moved. The pieces of an attempt that goes on are kept."""
    topic.version, topic.owner, topic.shared = head.version, head.owner, head.shared
    left = head.shared_seconds
    topic.shared_until = None if left is None else time.monotonic() + left
    known = topic.answers
    topic.answers = {}
    for answer in live:
        held = known.get(answer.message_id)
        goes_on = held is not None and held.attempt == answer.attempt
        topic.answers[answer.message_id] = held if held and goes_on else _Answer(answer.attempt)


def _catch_up(topic: _Topic, reader: _Reader) -> None:
    """Tell a reader what it does not know yet."""
    mine = topic.owner is not None and topic.owner == reader.viewer
    if not mine and not topic.open:
        reader.tell("gone", {})
        return
    if not reader.greeted:
        reader.greeted = True
        reader.tell("ready", {"version": topic.version})
    if not mine and topic.shared == "snapshot":
        return  # it does not change; the stream is there to end when the share does
    reader.seen = {key: cursor for key, cursor in reader.seen.items() if key in topic.answers}
    if reader.version != topic.version:
        reader.version = topic.version
        reader.tell("changed", {"version": topic.version})
    for message_id, answer in topic.answers.items():
        attempt, seq = reader.seen.get(message_id, (0, 0))
        if attempt != answer.attempt or len(answer.pieces) - seq > MOST_MISSED:
            reader.seen[message_id] = (answer.attempt, answer.seq)
            reader.tell("answer", _whole(message_id, answer))
            continue
        for piece in answer.pieces[seq:]:
            reader.seen[message_id] = (piece.attempt, piece.seq)
            reader.tell("delta", {"message_id": str(message_id), **_delta(piece)})


def _whole(message_id: UUID, answer: _Answer) -> dict[str, Any]:
    return {
        "message_id": str(message_id),
        "attempt": answer.attempt,
        "seq": answer.seq,
        "text": answer.said("text"),
        "reasoning": answer.said("reasoning"),
    }


def _delta(piece: Piece) -> dict[str, Any]:
    return {"attempt": piece.attempt, "seq": piece.seq, "kind": piece.kind, "text": piece.text}


def _parse(event_id: str | None) -> tuple[int, dict[UUID, tuple[int, int]]]:
    """The version and the (attempt, seq) of each answer an event id speaks of; nothing for one that is not ours."""
    try:
        version, _, held = (event_id or "").partition(".")
        seen = {}
        for part in held.split(",") if held else []:
            key, attempt, seq = part.split(":")
            seen[UUID(key)] = (int(attempt), int(seq))
        if any(seq < 0 for _, seq in seen.values()):
            raise ValueError("counted from 1")
        return int(version), seen
    except ValueError:
        return 0, {}
