"""A file of conversations, cut into its conversations while it arrives: memory follows the largest one, not the file.

Two kinds are known by how they begin: ours, `{"format": "convstore", "version": 1, "conversations": [` (the first two
may be at the end, where some programs sort them), and ChatGPT's `conversations.json`, which is a bare list. What lies
between two brackets is not understood here, only where it ends.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from convstore.errors import Invalid
from convstore.transfer.schema import FORMAT, VERSION

CONVERSATION_BYTES = 64_000_000
VALUES = 3_000_000  # in one conversation: parsed, a value takes far more memory than its two bytes
DEPTH = 100
HEADER_BYTES = 1_000

_NEITHER = "This is neither an export of convstore nor ChatGPT's conversations.json."
_CUT_OFF = "The file ends in the middle. What came before was read; get the whole file to have the rest."
_MORE = "There is something after the conversations that does not belong there. It was not read."
_UNSAID = f"The file does not say that it is an export of convstore, version {VERSION}."
WHOLE = {"format": FORMAT, "version": VERSION, "conversations": []}

# A whole string, or one that does not end in this chunk, or a bracket.
_OUTSIDE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\]]', re.DOTALL)
_INSIDE = re.compile(rb'["\\]')
_NOT_BETWEEN = re.compile(rb"[^\s,]")


@dataclass(frozen=True, slots=True)
class Cut:
    """The text of one conversation, or why it is not looked at."""

    text: bytes
    problem: str | None = None


class Splitter:
    """Feed it the bytes as they come; it gives back the conversations that are complete."""

    def __init__(self) -> None:
        self.kind = ""  # "convstore" or "chatgpt", once it is known
        self.problem: str | None = None  # why nothing is read any more
        self._where = self._header
        self._buffer = bytearray()
        self._depth, self._deepest, self._length = 0, 0, 0
        self._in_string = self._escaped = False
        self._beginning = b""

    def feed(self, chunk: bytes) -> list[Cut]:
        """The conversations that end in this chunk. Raises `Invalid` when the file is of neither kind."""
        done: list[Cut] = []
        at = 0
        while at < len(chunk) and self.problem is None:
            at = self._where(chunk, at, done)
        return done

    def close(self) -> None:
        """There is no more. Raises `Invalid` for a file that never began; `problem` says what it lacks at its end."""
        if not self.kind:
            raise Invalid(_NEITHER)
        if self.problem is None:
            ended = self._where == self._tail
            self.problem = _problem_of(self.kind, self._beginning, bytes(self._buffer)) if ended else _CUT_OFF

    def _header(self, chunk: bytes, at: int, done: list[Cut]) -> int:
        end = chunk.find(b"[", at)
        self._buffer += chunk[at : min(end + 1 or len(chunk), at + HEADER_BYTES + 1)]
        if self._buffer.startswith((b"PK", b"\x1f\x8b")):
            raise Invalid("This is a compressed file. Unpack it and import the conversations.json in it.")
        if len(self._buffer) > HEADER_BYTES:
            raise Invalid(_NEITHER)
        if end < 0:
            return len(chunk)
        self.kind = _kind_of(bytes(self._buffer))
        self._beginning = bytes(self._buffer)
        self._buffer.clear()
        self._where = self._between
        return end + 1

    def _between(self, chunk: bytes, at: int, done: list[Cut]) -> int:
        found = _NOT_BETWEEN.search(chunk, at)
        if found is None:
            return len(chunk)
        if found[0] == b"]":
            self._where = self._tail
            return found.end()
        if found[0] != b"{":
            self.problem = "There is something between the conversations that is none. The rest was not read."
        self._where = self._inside
        self._depth = self._deepest = self._length = 0
        return found.start()

    def _inside(self, chunk: bytes, at: int, done: list[Cut]) -> int:
        end = self._end_of_conversation(chunk, at)
        self._length += end - at
        if self._length <= CONVERSATION_BYTES:
            self._buffer += chunk[at:end]
        else:
            self._buffer.clear()
        if self._depth == 0:
            done.append(self._cut())
            self._buffer.clear()
            self._where = self._between
        return end

    def _end_of_conversation(self, chunk: bytes, at: int) -> int:
        while at < len(chunk):
            if self._in_string:
                if self._escaped:
                    self._escaped = False
                    at += 1
                    continue
                found = _INSIDE.search(chunk, at)
                if found is None:
                    break
                at = found.end()
                self._escaped = found[0] == b"\\"
                self._in_string = self._escaped
                continue
            found = _OUTSIDE.search(chunk, at)
            if found is None:
                break
            at = found.end()
            token = found[0]
            if token in (b"{", b"["):
                self._depth += 1
                self._deepest = max(self._deepest, self._depth)
            elif token in (b"}", b"]"):
                self._depth -= 1
                if self._depth == 0:
                    return at
            elif token == b'"':
                self._in_string = True  # it goes on in the next chunk
        return len(chunk)

    def _cut(self) -> Cut:
        if self._length > CONVERSATION_BYTES:
            return Cut(b"", f"It has {self._length:,} bytes; {CONVERSATION_BYTES:,} is the most for one conversation.")
        if self._deepest > DEPTH:
            return Cut(b"", "It is nested too deep.")
        text = bytes(self._buffer)
        if text.count(b",") + text.count(b"[") + text.count(b"{") > VALUES:
            return Cut(b"", "It has too many values for one conversation.")
        return Cut(text)

    def _tail(self, chunk: bytes, at: int, done: list[Cut]) -> int:
        self._buffer += chunk[at:].strip()[: HEADER_BYTES + 1]
        if len(self._buffer) > HEADER_BYTES:
            self.problem = _MORE
        return len(chunk)


def _kind_of(header: bytes) -> str:
    """The kind of the file that begins so. Raises `Invalid`."""
    header = _bare(header)
    if header == b"[":
        return "chatgpt"
    envelope = _envelope(header + b"]}")
    if envelope is None or envelope.get("conversations") != [] or envelope.get("format", FORMAT) != FORMAT:
        raise Invalid(_NEITHER)
    if envelope.get("version", VERSION) != VERSION:
        raise Invalid(f"This export has another version than {VERSION}. Update convstore to import it.")
    if not envelope.keys() <= WHOLE.keys():
        raise Invalid(_NEITHER)
    return FORMAT


def _problem_of(kind: str, header: bytes, tail: bytes) -> str | None:
    """What is wrong with how the file began and ended, the conversations taken out."""
    if kind == "chatgpt":
        return _MORE if tail else None
    envelope = _envelope(_bare(header) + b"]" + tail)
    if envelope == WHOLE:
        return None
    if envelope is not None and envelope.keys() <= WHOLE.keys():
        return _UNSAID
    return _MORE if b"}" in tail else _CUT_OFF


def _envelope(text: bytes) -> dict[str, Any] | None:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _bare(header: bytes) -> bytes:
    return header.removeprefix(b"\xef\xbb\xbf").strip()
