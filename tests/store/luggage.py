"""What tests of export and import carry: documents, ChatGPT's files, a conversation with something of everything."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from convstore import answers, conversations, feedback, tool_calls, turns
from convstore.answers import Outcome, Write
from convstore.conversations import Settings
from convstore.database import Database
from convstore.transfer import exports, markdown, receiving
from convstore.transfer.receiving import Report
from tests.store.scenes import HERE, OWNER, ask, fence_of, finish, talk


def exported(database: Database, owner: str = OWNER, conversation_id: UUID | None = None) -> bytes:
    """The whole document."""

    async def whole() -> bytes:
        return "".join([piece async for piece in exports.document(database, owner, conversation_id)]).encode()

    return asyncio.run(whole())


def as_markdown(database: Database, conversation_id: UUID, owner: str = OWNER, **options: Any) -> str:
    """The whole text."""

    async def whole() -> str:
        return "".join([piece async for piece in markdown.document(database, owner, conversation_id, **options)])

    return asyncio.run(whole())


def imported(database: Database, data: bytes, owner: str = OWNER, *, chunk: int = 65_536) -> Report:
    """Import a file that arrives in chunks of that size."""

    async def arriving() -> AsyncIterator[bytes]:
        for at in range(0, len(data), chunk):
            yield data[at : at + chunk]

    return asyncio.run(receiving.receive(database, owner, arriving()))


def counts(report: Report) -> tuple[int, int, int]:
    """Imported, unchanged, rejected."""
    return report.imported, report.unchanged, len(report.rejected)


def everything_in_one(database: Database, owner: str = OWNER) -> UUID:
    """A conversation with branches, tools, ratings, failures, settings; its shown branch is not its newest message."""
    first, second = talk(database, "one", "two", owner=owner)
    key = first.conversation_id

    def again() -> None:
        turn = database.run(turns.retry, owner, key, first.answer_id, lease=HERE)
        fence = fence_of(turn)
        database.run(tool_calls.start, fence, "c1", "clock", '{"zone":"UTC"}', repeatable=True, text_offset=0)
        database.run(tool_calls.settle, fence, "c1", "noon\x00\n```", failed=False)
        database.run(tool_calls.start, fence, "c2", "post", "{}", repeatable=False, text_offset=3)
        outcome = Outcome("failed", "It is", "thinking…", "The model broke off.", "m-1", 12, 3)
        database.run(answers.flush, HERE, [Write(fence, outcome=outcome)])

    again()
    assert second.user_message_id is not None
    edited = database.run(turns.edit, owner, key, second.user_message_id, "two, really", lease=HERE)
    finish(database, fence_of(edited), "```python\nprint('never closed')", status="stopped")
    database.run(feedback.give, owner, key, second.answer_id, "down", "no <b>good</b>")
    settings = Settings("Be brief.", "m-2", 0.7)
    database.run(conversations.change, owner, key, title="T ‹é› 🎈", pinned=True, archived=True, settings=settings)
    ask(database, "still being answered", owner=owner, conversation_id=key)
    return key


def document(*given: dict[str, Any]) -> bytes:
    """A file of ours with these conversations."""
    return json.dumps({"format": "convstore", "version": 1, "conversations": list(given)}).encode()


MOMENT = "2024-05-06T07:08:09.000001Z"


def conversation(*texts: str, **values: Any) -> dict[str, Any]:
    """A conversation of ours: these texts, one below the other."""
    messages = [
        {"parent": n - 1 if n else None, "role": ("user", "assistant")[n % 2], "content": text, "created_at": MOMENT}
        for n, text in enumerate(texts)
    ]
    return {"title": "t", "created_at": MOMENT, "updated_at": MOMENT, "messages": messages} | values


def node(key: str, parent: str | None, role: str = "user", *parts: Any, **message: Any) -> tuple[str, dict[str, Any]]:
    """A node of a ChatGPT conversation. `content`, `metadata` and others replace what would be made of `parts`."""
    author = message.pop("author", {"role": role, "name": None})
    content = message.pop("content", {"content_type": "text", "parts": list(parts)})
    said = {"id": key, "author": author, "content": content, "recipient": "all", "metadata": {}} | message
    return key, {"id": key, "message": said, "parent": parent, "children": []}


def chatgpt(*nodes: tuple[str, dict[str, Any]], **values: Any) -> dict[str, Any]:
    """A ChatGPT conversation below a root without a message, children listed as given."""
    mapping: dict[str, Any] = {"root": {"id": "root", "message": None, "parent": None, "children": []}}
    mapping |= dict(nodes)
    for key, value in nodes:
        if value["parent"] in mapping:
            mapping[value["parent"]]["children"].append(key)
    last = nodes[-1][0] if nodes else "root"
    return {
        "title": "A talk",
        "create_time": 1700000000.123456,
        "update_time": 1700000100.5,
        "mapping": mapping,
        "current_node": last,
        "conversation_id": "6f0e",
        "plugin_ids": None,
    } | values
