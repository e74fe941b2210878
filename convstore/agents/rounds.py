"""One round of the model: its chunks put together into text, reasoning, tool calls, usage, and how it ended.

Servers differ; this is read generously. Reasoning comes as `reasoning_content` or `reasoning`; the arguments of a call
in fragments, by index, or by id, or whole; content as text or as parts. Not generous is the end: a round without a
`finish_reason` was cut off, and must not pass for an answer.
"""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from convstore.agents.base import AgentError, Reasoning, Text
from convstore.agents.wire import Json, Malformed

MAX_CALLS = 16  # at once; the model hears only of those that were run, and may ask again

CUT_OFF_NOTE = "\n\n*The answer was cut off here: the model reached its length limit. Write “continue” for the rest.*"


@dataclass(slots=True)
class Call:
    """A tool call as far as it has arrived."""

    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class Round:
    """What has arrived so far."""

    parts: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    finish_reason: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    model: str | None = None
    _by_index: dict[int, Call] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def take(self, batch: list[Json]) -> list[Text | Reasoning]:
        """Add chunks that arrived together; returns what is new to show, neighbours joined."""
        shown: list[Text | Reasoning] = []
        try:
            for chunk in batch:
                for kind, text in self._take(chunk):
                    if shown and type(shown[-1]) is kind:
                        shown[-1] = kind(shown[-1].text + text)
                    else:
                        shown.append(kind(text))
        except (AttributeError, TypeError, KeyError, ValueError):
            raise Malformed from None
        return shown

    def _take(self, chunk: Json) -> list[tuple[type[Text] | type[Reasoning], str]]:
        self.model = chunk.get("model") or self.model
        if usage := chunk.get("usage"):  # usually in the last chunk; where it is in every one it grows
            self.input_tokens = int(usage.get("prompt_tokens") or 0)
            self.output_tokens = int(usage.get("completion_tokens") or 0)
        new: list[tuple[type[Text] | type[Reasoning], str]] = []
        for choice in chunk.get("choices") or ():
            if choice.get("index") not in (None, 0):
                continue
            delta = choice.get("delta") or choice.get("message") or {}
            if reasoning := delta.get("reasoning_content") or delta.get("reasoning"):
                new.append((Reasoning, _plain(reasoning)))
            if text := _plain(delta.get("content")) or _plain(delta.get("refusal")):
                self.parts.append(text)
                new.append((Text, text))
            for fragment in delta.get("tool_calls") or ():
                self._take_call(fragment)
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
        return new

    def _take_call(self, fragment: Json) -> None:
        function = fragment.get("function") or {}
        index, call_id, name = fragment.get("index"), fragment.get("id") or "", function.get("name") or ""
        arguments = function.get("arguments")
        call = self._call_for(index, call_id, bool(name))
        call.id = call.id or call_id
        call.name = call.name or name
        if arguments:
            call.arguments += arguments if isinstance(arguments, str) else json.dumps(arguments)

    def _call_for(self, index: Any, call_id: str, named: bool) -> Call:
        """The call a fragment belongs to. Some servers send every call with index 0 and its own id, or no index."""
        known = self._by_index.get(index) if isinstance(index, int) else None
        if known is None and not isinstance(index, int) and self.calls:
            same = [call for call in self.calls if call.id == call_id] if call_id else self.calls[-1:]
            known = same[-1] if same and not (named and not call_id) else None
        if known is None or (call_id and known.id and call_id != known.id):
            known = Call()
            self.calls.append(known)
        if isinstance(index, int):
            self._by_index[index] = known
        return known

    def finish(self, taken_ids: set[str]) -> list[Call]:
        """The calls to run, each with an id that no other call of this answer has. Raises `AgentError` on a bad end."""
        if self.finish_reason is None:
            raise AgentError("The connection to the model ended in the middle of the answer. Press Retry.")
        if self.finish_reason == "content_filter":
            raise AgentError("The model's content filter stopped this answer. Put the question differently.")
        calls = [call for call in self.calls if call.name][:MAX_CALLS]
        if self.finish_reason == "length" and (calls or not self.parts):
            raise AgentError(
                "The model reached its length limit before it had written an answer. Ask for something shorter, "
                "or start a new chat."
            )
        for call in calls:
            if not call.id or call.id in taken_ids:
                call.id = f"call_{secrets.token_hex(8)}"
            taken_ids.add(call.id)
            call.arguments = call.arguments.strip() or "{}"
        return calls


def _plain(content: Any) -> str:
    """Text that may come as text or as a list of parts."""
    if isinstance(content, list):
        return "".join(_plain(part.get("text")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
