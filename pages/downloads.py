"""A shared conversation as a file: Markdown to read, JSON to work with. Made of what its readers see, nothing else."""

import json
from typing import Any
from uuid import UUID

from sqlmodel import Session

from convstore import sharing, titles
from convstore.errors import Invalid
from convstore.transfer.fences import contained, plain
from pages import views

MOST_CHARACTERS = 5_000_000
SPEAKERS = {"user": "You", "assistant": "Assistant"}
FORMAT = "convstore.shared"


def document(session: Session, conversation_id: UUID, leaf: UUID | None, format_: str) -> dict[str, str]:
    """The whole branch as `{"name", "type", "text"}`. Raises `NotFound`, and `Invalid` for one that is too long."""
    title, messages = _branch(session, conversation_id, leaf)
    name = titles.file_name(title)
    if format_ == "json":
        text = json.dumps({"format": FORMAT, "version": 1, "title": title, "messages": messages}, ensure_ascii=False)
        return {"name": f"{name}.json", "type": "application/json", "text": text}
    return {"name": f"{name}.md", "type": "text/markdown", "text": _markdown(title, messages)}


def _branch(session: Session, conversation_id: UUID, leaf: UUID | None) -> tuple[str, list[dict[str, Any]]]:
    title, before, size = "", None, 0
    stretches: list[list[dict[str, Any]]] = []
    while True:
        found = sharing.read(session, conversation_id, limit=200, leaf=leaf, before=before)
        shown = views.shared_window(found)
        title = shown["conversation"]["title"]
        stretches.append([_message(message) for message in shown["messages"]])
        size += sum(len(message["content"]) for message in stretches[-1])
        if size > MOST_CHARACTERS:
            raise Invalid("This conversation is too long to download in one piece.")
        before = found.window.older
        if before is None:
            return title, [message for stretch in reversed(stretches) for message in stretch]


def _message(message: dict[str, Any]) -> dict[str, Any]:
    kept = {key: message[key] for key in ("role", "content", "reasoning", "status", "model", "created_at")}
    tools = ({key: call[key] for key in ("name", "arguments", "result", "status")} for call in message["tools"])
    return kept | {"tool_calls": list(tools)}


def _markdown(title: str, messages: list[dict[str, Any]]) -> str:
    parts = [f"# {plain(title) or 'Conversation'}"]
    for message in messages:
        parts.append(f"## {SPEAKERS.get(message['role'], message['role'])}")
        parts += [f"*Used a tool: {call['name'].replace('_', ' ')}*" for call in message["tool_calls"]]
        parts.append(contained(message["content"].strip()) or f"*({message['status']})*")
    return "\n\n".join(parts) + "\n"
