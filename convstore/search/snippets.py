"""Snippets: the stretch of a text that shows why it was found, with what was found marked; and how well it fits.

Both look at the text itself, not at the index: what is shown as a hit is one.
"""

import re
from collections.abc import Sequence

from convstore.search.words import Wanted, composed, fold, origins

Segment = tuple[str, bool]  # a piece of text, and whether it is marked

CHARACTERS = 200  # of a snippet
LEAD = 35  # of them before the first mark: on a phone two lines show some eighty
MARKS = 40  # looked at per word, to find the stretch with the most of them
COUNTED = 8  # a word that stands there more often does not make a text fit any better
CUT = "…"
_SPACE = re.compile(r"\s+")


def fit(text: str, wanted: Sequence[Wanted], phrase: str) -> float | None:
    """How well a text fits, 0.7 to 2.5: whole words, said often, the whole query as it is. None: not all is there."""
    folded = fold(composed(text))
    total = 0.0
    for one in wanted:
        places = one.places(folded, COUNTED)
        if not places:
            return None
        whole = any(one.is_whole(folded, at) for at in places)
        total += (1.0 if whole else 0.7) * (0.9 + 0.1 * len(places))
    return total / len(wanted) * (1.5 if len(wanted) > 1 and phrase in folded else 1.0)


def snippet(text: str, wanted: Sequence[Wanted], characters: int = CHARACTERS) -> list[Segment]:
    """The stretch of the text with the most of what is wanted in it, on one line. Empty when not all of it is there."""
    text = composed(text)
    folded = fold(text)
    found = [(at, at + len(one.text), which) for which, one in enumerate(wanted) for at in one.places(folded, MARKS)]
    if {which for _, _, which in found} != set(range(len(wanted))):
        return []
    places = origins(text)
    if places is not None:
        found = [(places[start], places[end - 1] + 1, which) for start, end, which in found]
    first, last = _stretch(text, sorted(found), characters)
    return _segments(text, first, last, [(start, end) for start, end, _ in found])


def _stretch(text: str, found: list[tuple[int, int, int]], characters: int) -> tuple[int, int]:
    if len(text) <= characters:
        return 0, len(text)
    room = characters - LEAD
    start = max(found, key=lambda one: (len({w for s, e, w in found if s >= one[0] and e <= one[0] + room}), -one[0]))[
        0
    ]
    first = max(0, start - LEAD)
    if first and (space := _SPACE.search(text, first, start)):
        first = space.end()  # the beginning of a word
    last = min(len(text), first + characters)
    if last < len(text):
        end = max(text.rfind(space, start + room // 2, last) for space in " \n")
        last = end if end >= 0 else last
    return first, last


def _segments(text: str, first: int, last: int, spans: list[tuple[int, int]]) -> list[Segment]:
    segments: list[Segment] = [(CUT, False)] if first else []
    at = first
    for start, end in sorted(spans):
        start, end = max(start, at), min(end, last)
        if start < end:
            segments += [(text[at:start], False), (text[start:end], True)]
            at = end
    segments.append((text[at:last], False))
    if last < len(text):
        segments.append((CUT, False))
    cleaned = [(_on_one_line(piece), marked) for piece, marked in segments]
    return [(piece, marked) for piece, marked in cleaned if piece]


def _on_one_line(piece: str) -> str:
    """Without line breaks, and without characters that are not seen but would reorder or hide what stands around."""
    kept = "".join(" " if c.isspace() else c for c in piece if c.isspace() or c.isprintable() or c == "\u200d")
    words = " ".join(kept.split())
    return (" " if kept[:1] == " " else "") + words + (" " if words and kept[-1:] == " " else "")
