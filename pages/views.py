"""What the browser gets to see of a conversation, as plain JSON-able data.

Times are ISO 8601 in UTC; the browser says them in the reader's zone and language. Offsets count UTF-16 units, as
JavaScript does.
"""

from datetime import datetime
from typing import Any

from convstore import conversations, messages, search, sharing, tool_calls


def summary(found: conversations.Summary) -> dict[str, Any]:
    """A conversation as the list shows it."""
    return {
        "id": str(found.id),
        "title": found.title,
        "version": found.version,
        "updated_at": _time(found.updated_at),
        "pinned": found.pinned_at is not None,
        "archived": found.archived_at is not None,
        "trashed": found.trashed_at is not None,
    }


def row(found: conversations.Summary) -> dict[str, Any]:
    """A conversation as the library's table shows it."""
    return {
        **summary(found),
        "messages": found.message_count,
        "created_at": _time(found.created_at),
        "trashed_at": _time(found.trashed_at),
    }


def hit(found: search.Hit) -> dict[str, Any]:
    """What was found, as the search shows it: texts in pieces, with whether a piece is what was looked for."""
    is_title = found.message_id is None
    return {
        "conversation": str(found.conversation_id),
        "message": _id(found.message_id),
        "role": found.role,
        "title": found.snippet if is_title else [(found.title, False)],
        "snippet": [] if is_title else found.snippet,
        "archived": found.archived,
        "at": _time(found.created_at),
    }


def page(found: conversations.Page) -> dict[str, Any]:
    """A page of the list, and the cursor of the next one."""
    return {"items": [summary(item) for item in found.items], "next": found.next}


def window(found: messages.Window) -> dict[str, Any]:
    """A stretch of one branch, oldest message first."""
    return {
        "conversation": summary(found.conversation),
        "leaf": _id(found.leaf_id),
        "newest": found.leaf_id == found.conversation.leaf_id,  # this is the branch that grew last
        "older": _id(found.older),
        "messages": [message(view) for view in found.messages],
    }


def shared_window(found: sharing.Shared) -> dict[str, Any]:
    """`window` for somebody else: of the conversation no more than its title, and nothing of how the server answers."""
    shown = window(found.window)
    summary = found.window.conversation
    shown["conversation"] = {"id": str(summary.id), "title": summary.title, "version": summary.version}
    for message in shown["messages"]:
        message |= {"error": None, "served_by": None, "output_tokens": None}
    return shown


def door(found: sharing.Door) -> dict[str, Any]:
    """How a conversation is shared, as its readers may know."""
    return {
        "mode": found.mode,
        "tool_arguments": found.tool_arguments,
        "shared_at": _time(found.created_at),
        "expires_at": _time(found.expires_at),
    }


def message(view: messages.View) -> dict[str, Any]:
    """One message with all that the transcript draws of it."""
    return {
        "id": str(view.id),
        "parent": _id(view.parent_id),
        "role": view.role,
        "content": view.content,
        "reasoning": view.reasoning,
        "status": view.status,
        "error": view.error,
        "model": view.model,
        "served_by": view.served_by,
        "attempt": view.attempt,
        "seq": view.seq,
        "created_at": _time(view.created_at),
        "finished_at": _time(view.finished_at),
        "output_tokens": view.output_tokens,
        "siblings": [str(sibling) for sibling in view.siblings],
        "feedback": view.feedback,
        "tools": [_tool(call, view.content) for call in view.tool_calls],
    }


def _tool(call: tool_calls.Call, content: str) -> dict[str, Any]:
    return {
        "id": str(call.id),
        "name": call.name,
        "arguments": call.arguments,
        "result": call.result,
        "status": call.status,
        "offset": len(content[: call.text_offset].encode("utf-16-le", "surrogatepass")) // 2,
        "started_at": _time(call.started_at),
        "finished_at": _time(call.finished_at),
    }


def _id(value: object) -> str | None:
    return None if value is None else str(value)


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
