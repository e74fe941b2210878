"""Titles: one bounded line, whatever it was made from."""

import re

from convstore.errors import Invalid

CHARACTERS = 200
_NOT_IN_A_FILE_NAME = re.compile(r"[^\w -]+")


def start_of(text: str, characters: int = 60) -> str:
    """A title from the first words of a message: one line, cut at a word, with an ellipsis where it was cut."""
    line = " ".join(text.split())
    if len(line) <= characters:
        return line
    cut = line[: characters - 1]
    word = cut.rfind(" ")
    return (cut[:word] if word > characters // 2 else cut).rstrip(" ,.;:-") + "…"


def clean(title: str) -> str:
    """One line, without control or bidi-override characters (they would reorder the list around it), bounded."""
    kept = "".join(" " if c.isspace() else c for c in title if c.isspace() or c.isprintable() or c == "\u200d")
    return " ".join(kept.split())[:CHARACTERS].rstrip()


def required(title: str) -> str:
    """`clean`, of a title that somebody gave. Raises `Invalid` when nothing is left of it."""
    title = clean(title)
    if not title:
        raise Invalid("A title needs at least one character.")
    return title


def file_name(title: str) -> str:
    """What of a title can be a file's name on any system, without an ending; "conversation" when nothing is left."""
    return _NOT_IN_A_FILE_NAME.sub("", title).strip()[:60].strip() or "conversation"
