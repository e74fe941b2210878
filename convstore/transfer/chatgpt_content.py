"""What one node of a ChatGPT conversation says, in words: text, thoughts, a call of a tool, or what came of one.

Images, recordings and files are not in the export; a placeholder says that there was one.
"""

import json
from dataclasses import dataclass
from typing import Any

from convstore import titles
from convstore.text import storable
from convstore.transfer.fences import fenced
from convstore.transfer.schema import Role

# What the model was told about its user, and summaries of what is there in full.
SKIPPED = ("user_editable_context", "model_editable_context", "reasoning_recap", "app_pairing_content")


@dataclass(frozen=True, slots=True)
class Said:
    """`tool`: a call with `arguments`, when `result` is None; else what came of a call."""

    role: Role
    text: str = ""
    reasoning: str = ""
    tool: str = ""
    arguments: str = "{}"
    result: str | None = None
    model: str | None = None
    unfinished: bool = False


def read(message: dict[str, Any]) -> Said | None:
    """What a node's message says; None for one that is empty, or that its user never saw."""
    metadata, author = _dict(message.get("metadata")), _dict(message.get("author"))
    content = _dict(message.get("content"))
    role = author.get("role")
    kind = content.get("content_type")
    if role not in ("system", "user", "assistant", "tool") or kind in SKIPPED:
        return None
    if metadata.get("is_visually_hidden_from_conversation") is True:
        return None
    if role == "tool":
        result = _text(content)
        name = _string(author.get("name")) or "tool"
        return Said("assistant", tool=_named(name), result=result) if result.strip() else None
    slug = _named(_string(metadata.get("model_slug")))
    model = slug if slug and role == "assistant" else None
    unfinished = role == "assistant" and message.get("status") == "in_progress"
    if kind == "thoughts":
        reasoning = _thoughts(content.get("thoughts"))
        return Said("assistant", reasoning=reasoning, model=model) if reasoning else None
    text = _text(content)
    recipient = _string(message.get("recipient")) or "all"
    if role == "assistant" and recipient != "all":
        return Said(role, tool=_named(recipient), arguments=_arguments(text), model=model, unfinished=unfinished)
    if kind == "code" and text.strip():
        language = _string(content.get("language"))
        text = fenced(text, language if language.isalnum() and language != "unknown" else "")
    if role == "user":
        text = "\n".join([*_attachments(metadata.get("attachments")), *([text] if text else [])])
    if not text.strip():
        return None
    return Said(role, text, model=model, unfinished=unfinished)


def _text(content: dict[str, Any]) -> str:
    """The words in a content of any kind."""
    parts = content.get("parts")
    if isinstance(parts, list):
        return "\n\n".join(said for part in parts if (said := _part(part)).strip())
    for name in ("text", "result", "summary"):
        if isinstance(content.get(name), str) and content[name].strip():
            return _string(content[name])
    kind = _string(content.get("content_type"))
    return f"[{_named(kind)}]" if kind and kind not in ("text", "code", "execution_output", "thoughts") else ""


def _part(part: Any) -> str:
    if isinstance(part, str):
        return storable(part)
    if not isinstance(part, dict):
        return ""
    kind = _string(part.get("content_type"))
    if "image" in kind:
        return "[image]"
    if isinstance(part.get("text"), str):  # a transcription, among others
        return _string(part["text"])
    if "audio" in kind:
        return "[recording]"
    if "video" in kind:
        return "[video]"
    return f"[{_named(kind) or 'attachment'}]"


def _attachments(attachments: Any) -> list[str]:
    names = [_dict(one).get("name") for one in attachments] if isinstance(attachments, list) else []
    return [f"[file: {_named(name)}]" for name in names if isinstance(name, str)]


def _thoughts(thoughts: Any) -> str:
    found = []
    for thought in thoughts if isinstance(thoughts, list) else []:
        summary, text = _string(_dict(thought).get("summary")), _string(_dict(thought).get("content"))
        found.append("\n".join(part for part in (summary, text) if part.strip()))
    return "\n\n".join(part for part in found if part)


def _arguments(text: str) -> str:
    """What a tool was given, as JSON: as it is, or as the text that it was."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return json.dumps({"input": text}, ensure_ascii=False)
    return text


def _named(name: str) -> str:
    return titles.clean(name)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _string(value: Any) -> str:
    return storable(value) if isinstance(value, str) else ""
