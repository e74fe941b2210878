"""Markdown that stays inside its section, and loads and runs nothing, whoever renders it.

Outside of code, images become links and tags become text: what a model or a stranger wrote may name a foreign host, and
a program that shows the file would call it. What counts as code follows CommonMark (https://spec.commonmark.org/0.31.2/
4.5 and 6.1) where that is certain, and is escaped where it is not: a backslash too many is the harmless mistake.
"""

import re
from collections.abc import Iterator

LONGEST_INDENTED = 8
_FENCE = re.compile(r"( {0,3})(`{3,}(?=[^`]*$)|~{3,})")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_TICKS = re.compile(r"(`+)")
_MEANINGFUL = re.compile(r"([\\`*_\[\]<>#!|~&])")


def contained(text: str) -> str:
    """The text, safe to show, every fence in it closed."""
    return "\n".join(_lines(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")))


def fenced(text: str, language: str = "") -> str:
    """The text as a block of code that nothing in it can end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def plain(text: str) -> str:
    """The text in one line in which nothing means anything to Markdown."""
    return _MEANINGFUL.sub(r"\\\1", " ".join(text.split()))


def _lines(lines: list[str]) -> Iterator[str]:
    at = 0
    settled = True  # no code span may be open from a line above
    unclosed: dict[str, int] = {}
    while at < len(lines):
        line = lines[at]
        opening = _FENCE.match(line)
        if opening is None:
            if not line.strip():
                settled = True
            safe, closed = _line(line, settled)
            settled = settled and closed
            yield safe
            at += 1
            continue
        settled = True
        indent, fence = opening.groups()
        end = _end_of_fence(lines, at, indent, fence, unclosed)
        if end is not None:
            yield from lines[at : end + 1]
            at = end + 1
        elif not indent:  # certainly a fence, and it would swallow all that follows
            yield from lines[at:]
            yield fence
            return
        else:
            yield f"{indent}\\{_line(line[len(indent) :], False)[0]}"
            at += 1


def _end_of_fence(lines: list[str], at: int, indent: str, fence: str, unclosed: dict[str, int]) -> int | None:
    """The line that closes it. An indented one may stand in a list, and ends with the list: at a line further left.

    `unclosed` remembers down to which line there is no end for such a fence: no text makes this look twice.
    """
    if indent and (len(fence) > LONGEST_INDENTED or at < unclosed.get(indent + fence, 0)):
        return None
    closing = re.compile(rf"{indent or ' {0,3}'}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*$")
    for number in range(at + 1, len(lines)):
        line = lines[number]
        if closing.match(line):
            return number
        if indent and line.strip() and not line.startswith(indent):
            unclosed[indent + fence] = number
            return None
    unclosed[indent + fence] = len(lines)
    return None


def _line(line: str, settled: bool) -> tuple[str, bool]:
    """A line outside of fences, and whether every code span that begins in it ends in it."""
    if not settled or "\\`" in line:
        return _escape(line), False
    parts = _TICKS.split(line)  # text, ticks, text, ticks, …
    safe: list[str] = [_escape(parts[0])]
    at = 1
    while at < len(parts):
        end = next((n for n in range(at + 2, len(parts), 2) if parts[n] == parts[at]), None)
        if end is None:
            return _escape(line), False
        safe += [*parts[at : end + 1], _escape(parts[end + 1])]
        at = end + 2
    return "".join(safe), True


def _escape(text: str) -> str:
    return _TAG.sub(r"\\<", text).replace("![", r"\![")
