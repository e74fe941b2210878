"""An import from its first byte to its report: conversations are taken in one by one as they arrive.

One that cannot be taken is reported with the reason, the others are imported. What was imported stays when the rest
does not come; the same file again adds only what is missing.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from convstore import titles
from convstore.database import Database
from convstore.errors import Invalid, LimitReached
from convstore.transfer import chatgpt, imports, schema, trees
from convstore.transfer.splitting import Cut, Splitter

BYTES = 256_000_000  # of one file
CONVERSATIONS = 20_000
TOGETHER, TOGETHER_BYTES = 100, 500_000  # taken in by one transaction, or a single one that is larger
AT_ONCE = 3  # files that this process holds a conversation of in memory
LONGEST_SECONDS = 900.0
RETRY_SECONDS = 5.0
TITLE_BYTES = 1_000_000  # of a rejected conversation, to look for its title in

_room = threading.Semaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A conversation that was not imported. `number`: which one in the file, from 1."""

    number: int
    title: str
    reason: str


@dataclass(slots=True)
class Report:
    """What became of a file."""

    imported: int = 0
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)


async def receive(db: Database, owner: str, chunks: AsyncIterable[bytes]) -> Report:
    """Import a file of ours or of ChatGPT's for that owner.

    Raises `Invalid` when it is neither, `LimitReached` when other files are being imported here, `Unavailable`.
    """
    if not _room.acquire(blocking=False):
        raise LimitReached("Other files are being imported right now. Try again in a moment.", RETRY_SECONDS)
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            return await _receive(db, owner, chunks)
    except TimeoutError:
        raise Invalid(
            "The file took too long to arrive. Import it again: what has arrived is not added twice."
        ) from None
    finally:
        _room.release()


async def _receive(db: Database, owner: str, chunks: AsyncIterable[bytes]) -> Report:
    splitter, incoming = Splitter(), _Incoming(db, owner)
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > BYTES:
            splitter.problem = f"The file has more than {BYTES:,} bytes. The rest was not read."
        for cut in await asyncio.to_thread(splitter.feed, chunk):
            if incoming.number == CONVERSATIONS:
                splitter.problem = f"The file has more than {CONVERSATIONS:,} conversations. The rest was not read."
                break
            await incoming.take(splitter.kind, cut)
        if splitter.problem is not None:
            break
    await incoming.settle()
    splitter.close()
    if splitter.problem is not None:
        if incoming.number == 0:
            raise Invalid(f"{splitter.problem} Nothing was imported.")
        incoming.reject(splitter.problem)
    return incoming.report


class _Incoming:
    """What has arrived, and what waits to be taken in: several conversations in one transaction."""

    def __init__(self, db: Database, owner: str) -> None:
        self.db, self.owner = db, owner
        self.report = Report()
        self.number = 0
        self._waiting: list[schema.ExportedConversation] = []
        self._size = 0
        self._taken: set[UUID] = set()

    async def take(self, kind: str, cut: Cut) -> None:
        """One more of the file."""
        self.number += 1
        try:
            if cut.problem is not None:
                raise Invalid(cut.problem)
            conversation = await asyncio.to_thread(parse, kind, cut.text)
        except Invalid as error:
            self.report.rejected.append(Rejected(self.number, await asyncio.to_thread(_title, cut.text), str(error)))
            return
        self._waiting.append(conversation)
        self._size += len(cut.text)
        if self._size >= TOGETHER_BYTES or len(self._waiting) == TOGETHER:
            await self.settle()

    def reject(self, reason: str) -> None:
        """What comes next in the file is not read."""
        self.report.rejected.append(Rejected(self.number + 1, "", reason))

    async def settle(self) -> None:
        """Take in what waits. Those that are here already are looked for first, in nobody's way."""
        waiting, self._waiting, self._size = self._waiting, [], 0
        if not waiting:
            return
        found = await self.db.reading(imports.find, self.owner, waiting, self._taken)
        self._taken |= {key for key in found if key is not None}
        self.report.unchanged += sum(key is not None for key in found)
        missing = [conversation for conversation, key in zip(waiting, found, strict=True) if key is None]
        if not missing:
            return
        for outcome, key in await self.db.writing(imports.put, self.owner, missing, self._taken):
            self._taken.add(key)
            self.report.imported += outcome == imports.IMPORTED
            self.report.unchanged += outcome == imports.UNCHANGED


def parse(kind: str, text: bytes) -> schema.ExportedConversation:
    """One conversation of a file of that kind. Raises `Invalid` with the reason in words."""
    try:
        if kind == "chatgpt":
            found = chatgpt.conversation(json.loads(text))
        else:
            found = schema.ExportedConversation.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise Invalid(titles.clean(f"{where}: {what}" if where else what)) from None
    except (ValueError, RecursionError):
        raise Invalid("This is not valid JSON.") from None
    trees.check(found)
    return found


def _title(text: bytes) -> str:
    if len(text) > TITLE_BYTES:
        return ""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    title = found.get("title") if isinstance(found, dict) else None
    return titles.clean(title) if isinstance(title, str) else ""
