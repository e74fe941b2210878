"""An import from its first byte to its report: conversations are taken in one by one as they arrive.

One that cannot be taken is reported with the reason, the others are imported. What was imported stays when the rest
does not come; the same file again adds only what is missing.
"""

import asyncio
import json
from collections.abc import AsyncIterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from convstore import titles
from convstore.database import Database
from convstore.errors import Invalid
from convstore.transfer import chatgpt, imports, schema
from convstore.transfer.splitting import Cut, Splitter

BYTES = 256_000_000  # of one file
CONVERSATIONS = 20_000
TITLE_BYTES = 1_000_000  # of a rejected conversation, to look for its title in


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

    @property
    def seen(self) -> int:
        return self.imported + self.unchanged + len(self.rejected)

    def reject(self, reason: str, title: str = "") -> None:
        """Count one more that was not imported."""
        self.rejected.append(Rejected(self.seen + 1, title, reason))


async def receive(db: Database, owner: str, chunks: AsyncIterable[bytes]) -> Report:
    """Import a file of ours or of ChatGPT's for that owner. Raises `Invalid` when it is neither; `Unavailable`."""
    splitter, report, taken = Splitter(), Report(), set[UUID]()
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > BYTES:
            splitter.problem = f"The file has more than {BYTES:,} bytes. The rest was not read."
        for cut in await asyncio.to_thread(splitter.feed, chunk):
            if report.seen >= CONVERSATIONS:
                splitter.problem = f"The file has more than {CONVERSATIONS:,} conversations. The rest was not read."
                break
            await _take(db, owner, splitter.kind, cut, report, taken)
        if splitter.problem is not None:
            break
    splitter.close()
    if splitter.problem is not None:
        report.reject(splitter.problem)
    return report


async def _take(db: Database, owner: str, kind: str, cut: Cut, report: Report, taken: set[UUID]) -> None:
    try:
        if cut.problem is not None:
            raise Invalid(cut.problem)
        conversation = await asyncio.to_thread(parse, kind, cut.text)
        outcome, conversation_id = await db.writing(imports.put, owner, conversation, frozenset(taken))
    except Invalid as error:
        report.reject(str(error), await asyncio.to_thread(_title, cut.text))
        return
    taken.add(conversation_id)
    if outcome == "imported":
        report.imported += 1
    else:
        report.unchanged += 1


def parse(kind: str, text: bytes) -> schema.Conversation:
    """One conversation of a file of that kind. Raises `Invalid` with the reason in words."""
    try:
        if kind == "chatgpt":
            return chatgpt.conversation(json.loads(text))
        return schema.Conversation.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise Invalid(titles.clean(f"{where}: {what}" if where else what)) from None
    except (ValueError, RecursionError):
        raise Invalid("This is not valid JSON.") from None


def _title(text: bytes) -> str:
    if len(text) > TITLE_BYTES:
        return ""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    title = found.get("title") if isinstance(found, dict) else None
    return titles.clean(title) if isinstance(title, str) else ""
