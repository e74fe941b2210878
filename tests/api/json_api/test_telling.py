"""What a stream's client is told, whatever the order in which its instance learns of things: the answer, once, whole.

A thousand answers by chance: flushed in pieces, with tools, taken over, read late, cut off anywhere and taken up again.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from convstore.api.telling import Telling, Told
from convstore.messages import View
from convstore.tool_calls import Call

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LETTERS = "abc äß漢字\U0001f469\u200d\U0001f4bb\u2028\r\n"


@dataclass
class Answer:
    """An answer as the database has it: what was flushed, which calls are on record, whether it is finished."""

    rng: random.Random
    id: UUID = field(default_factory=uuid4)
    attempt: int = 1
    version: int = 1
    said: str = ""  # by the agent, flushed or not
    pieces: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    finished: bool = False

    def step(self) -> None:
        """One thing happens."""
        what = self.rng.choices(("say", "flush", "call", "result", "take over", "finish"), (6, 6, 1, 1, 0.3, 0.5))[0]
        flushed = len("".join(self.pieces))
        if self.finished:
            return
        if what == "say":
            self.said += "".join(self.rng.choices(LETTERS, k=self.rng.randint(1, 9)))
        elif what == "flush" and flushed < len(self.said):
            self.pieces.append(self.said[flushed:])
        elif what == "call":
            offset = len(self.said)
            self.calls.append(Call(uuid4(), "c", "tool", "{}", None, "running", offset, NOW, None))
            self.version += 1
        elif what == "result" and (running := [c for c in self.calls if c.status == "running"]):
            done = self.rng.choice(running)
            self.calls[self.calls.index(done)] = replace(done, status="complete", result="r")
            self.version += 1
        elif what == "take over":
            kept = [replace(call, text_offset=0) for call in self.calls if call.status != "running"]
            self.attempt, self.said, self.pieces, self.calls = self.attempt + 1, "", [], kept
            self.version += 1
        elif what == "finish":
            self.calls = [replace(c, status="interrupted") if c.status == "running" else c for c in self.calls]
            self.finished = True
            self.version += 1

    def view(self) -> View:
        """As it is read now."""
        text = self.said if self.finished else "".join(self.pieces)
        status, seq = ("complete", 0) if self.finished else ("streaming", len(self.pieces))
        rest = (None, None, None, self.attempt, seq, NOW, None, None, None, (self.id,), tuple(self.calls), None)
        return View(self.id, uuid4(), 1, "assistant", text, "", status, *rest)

    def events(self, seen: tuple[int, int, int]) -> tuple[list[tuple[str, dict[str, Any]]], tuple[int, int, int]]:
        """What a poll of the hub has for a reader who has seen (version, attempt, seq)."""
        version, attempt, seq = seen
        found: list[tuple[str, dict[str, Any]]] = []
        if version != self.version:
            found.append(("changed", {"version": self.version}))
        mine = {"message_id": str(self.id), "attempt": self.attempt}
        if not self.finished and attempt != self.attempt:
            whole = "".join(self.pieces)
            found.append(("answer", {**mine, "seq": len(self.pieces), "text": whole, "reasoning": ""}))
        elif not self.finished:
            for number, piece in enumerate(self.pieces[seq:], seq + 1):
                found.append(("delta", {**mine, "seq": number, "kind": "text", "text": piece}))
        return found, (self.version, self.attempt, len(self.pieces))


@dataclass
class Client:
    """What somebody makes of the events."""

    text: str = ""
    calls: dict[str, Any] = field(default_factory=dict)
    last_id: str = ""

    def take(self, told: Told, event_id: str) -> None:
        name, data = told
        self.last_id = event_id
        if name == "reset":
            self.text, self.calls = "", {}
        elif name == "delta":
            assert data["text"]
            self.text += data["text"]
        elif name == "tool_call":
            assert data["id"] not in self.calls, "told twice"
            self.calls[data["id"]] = None
        else:
            assert self.calls[data["id"]] is None, "a result before its call, or twice"
            self.calls[data["id"]] = data["status"]


def follow(answer: Answer, client: Client, talk: UUID, rng: random.Random) -> bool:
    """One connection: until the answer is told (True), or the connection breaks."""
    telling = Telling.from_id(client.last_id) or Telling(talk, answer.id)
    assert (telling.conversation_id, telling.answer_id) == (talk, answer.id)
    seen = (0, 0, 0)
    while True:
        events, seen = answer.events(seen)
        for name, data in events:
            if rng.random() < 0.5:
                answer.step()  # time passes between a poll and what comes of it
            read = telling.misses(name, data)
            view = answer.view()
            for told in telling.catch_up(view) if read else telling.hear(name, data):
                client.take(told, telling.id)
                if rng.random() < 0.1:
                    return False
            if read and not view.active:
                return True
        answer.step()


@pytest.mark.parametrize("seed", range(1000))
def test_however_it_comes_about_the_client_has_the_answer(seed: int) -> None:
    rng = random.Random(seed)
    answer, client, talk = Answer(rng), Client(), uuid4()
    while not follow(answer, client, talk, rng):
        for _ in range(rng.randint(0, 5)):
            answer.step()
    assert client.text == answer.said
    assert client.calls == {str(call.id): call.status for call in answer.calls}


@pytest.mark.parametrize(
    "event_id",
    ["", "7", "4.abc:1:2", "x" * 2000, f"{'0' * 32}.{'0' * 32}.1.2", f"{'0' * 32}.{'0' * 32}.-1.2.", "é.é.1.1."],
)
def test_an_id_that_is_not_of_such_a_stream_says_nothing(event_id: str) -> None:
    assert Telling.from_id(event_id) is None
