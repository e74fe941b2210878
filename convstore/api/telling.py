"""What one client has been told about one answer, and what it has to be told next.

The events of a streamed chat, in order:

- `start`: the ids of the turn.
- `delta` {"text"}: append it. All of them together are `response`, to the byte.
- `tool_call`, `tool_result`: the answer uses a tool, and what came of it, at their place in the text.
- `reset`: another instance has taken the answer over and writes it again: drop the text and the tool calls so far.
- `done`: the same body as without `stream`. The stream ends.

Every event's id says all of this object, so any instance goes on for a client that was cut off.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from convstore.messages import View
from convstore.tool_calls import Call

_ID = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{32})\.(\d{1,9})\.(\d{1,9})\.([012]{0,1000})", re.ASCII)

Told = tuple[str, dict[str, Any]]  # an event's name and data


@dataclass(slots=True)
class Telling:
    """One answer, and how far its client has it: the attempt, characters of text, and per tool call 1 (called) or 2
    (with its result)."""

    conversation_id: UUID
    answer_id: UUID
    attempt: int = 0
    characters: int = 0
    calls: str = ""
    _seq: int = field(default=0, init=False)  # the last delta contained in these characters
    _waiting: bool = field(default=False, init=False)  # a call is known whose place in the text has not been reached

    @classmethod
    def from_id(cls, event_id: str) -> "Telling | None":
        """As it was when this event was sent; None for an id that is not ours."""
        found = _ID.fullmatch(event_id)
        if found is None:
            return None
        return cls(UUID(found[1]), UUID(found[2]), int(found[3]), int(found[4]), found[5])

    @property
    def id(self) -> str:
        """The id of an event sent now."""
        return f"{self.conversation_id.hex}.{self.answer_id.hex}.{self.attempt}.{self.characters}.{self.calls}"

    def misses(self, event: str, data: dict[str, Any]) -> bool:
        """Whether the answer has to be read from the database for this event of the hub."""
        if event == "changed":
            return True
        mine = data.get("message_id") == str(self.answer_id)
        return mine and (self._waiting or data["attempt"] > self.attempt)

    def hear(self, event: str, data: dict[str, Any]) -> Iterator[Told]:
        """What to tell for an event of the hub about this answer."""
        if data.get("message_id") != str(self.answer_id) or data["attempt"] != self.attempt:
            return
        if data["seq"] <= self._seq:
            return
        self._seq = data["seq"]
        if event == "answer":
            yield from self._text(data["text"])
        elif event == "delta" and data["kind"] == "text":
            self.characters += len(data["text"])
            yield "delta", {"text": data["text"]}

    def catch_up(self, answer: View) -> Iterator[Told]:
        """What to tell so that the client has all of the answer as it is now."""
        if answer.attempt != self.attempt:
            begun = self.characters > 0 or self.calls != ""
            self.attempt, self.characters, self.calls = answer.attempt, 0, ""
            if begun:
                yield "reset", {}
        self._seq = answer.seq
        self._waiting = False
        for index, call in enumerate(answer.tool_calls):
            if answer.active and call.text_offset > len(answer.content):
                self._waiting = True  # what was said before the call is still on its way to the database
                break
            yield from self._text(answer.content[: call.text_offset])
            yield from self._call(index, call)
        yield from self._text(answer.content)

    def _text(self, whole: str) -> Iterator[Told]:
        rest = whole[self.characters :]
        if rest:
            self.characters += len(rest)
            yield "delta", {"text": rest}

    def _call(self, index: int, call: Call) -> Iterator[Told]:
        told = self.calls[index : index + 1]
        if not told:
            self.calls += "1"
            yield "tool_call", {"id": str(call.id), "name": call.name, "arguments": call.arguments}
        if told != "2" and call.status != "running":
            self.calls = self.calls[:index] + "2" + self.calls[index + 1 :]
            yield "tool_result", {"id": str(call.id), "name": call.name, "result": call.result, "status": call.status}
