"""Finding: a page of hits for whatever somebody types.

What fits is looked at in windows, the newest hundred first, each ranked by how well a text fits and how recent it is.
So a word that is everywhere costs no more than a rare one, and what is recent comes first without burying the best.
A cursor names the window and the last hit shown: rows that come or go meanwhile do not shift the pages.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from convstore.errors import Invalid
from convstore.search import candidates, words
from convstore.search.candidates import TOP, Candidate
from convstore.search.entries import MESSAGE, TITLE
from convstore.search.snippets import Segment, fit, snippet
from convstore.search.words import Wanted

MOST = 200  # hits on one page
WINDOW = {TITLE: 30, MESSAGE: 100}  # candidates
WIDER = 4  # each further window for the same page, while most of what is found is in the trash
WINDOWS = 4  # for one page: it may then be short, and go on with the next
WIDEST = 2 * WIDER ** (WINDOWS - 1)  # with what may have come into a window since it was first read
HALF_LIFE_SECONDS = 30 * 24 * 3600
LASTING = 0.35  # of its weight is left to the oldest
TITLE_WEIGHT = 2.0
UNDECIDED = 0.3  # how well a long text fits whose beginning does not have it all


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that fits, or a conversation whose title does (no `message_id`, no `role`)."""

    conversation_id: UUID
    title: str
    message_id: UUID | None
    role: str | None
    created_at: datetime
    archived: bool
    snippet: list[Segment]


@dataclass(frozen=True, slots=True)
class Results:
    """A page of hits, the best first. `next`: pass it as `before` for the page below; None at the end."""

    hits: list[Hit]
    next: str | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page begins: a window per kind of entry, [lowest, below), and the rank of the last hit shown in it.

    Without `lowest` the window is still to be read; a lowest of 0 is the end. `newest` (seconds since 1970) is what age
    is counted from.
    """

    below: tuple[int, int] = (TOP, TOP)
    lowest: tuple[int, int] | None = None
    after: tuple[float, str] | None = None
    newest: float | None = None


def find(session: Session, owner: str, query: str, *, limit: int = 20, before: str | None = None) -> Results:
    """What the owner has, outside the trash, with all words of the query in it; the last one may be unfinished.

    Any text is a query. Raises `Invalid` only for a cursor that is not one of ours.
    """
    place = _Place() if before is None else _read(before)
    wanted = words.wanted(query)
    if not wanted:
        return Results([], None)
    phrase = " ".join(words.fold(words.composed(query[: words.QUERY_CHARACTERS])).split())
    limit = max(1, min(limit, MOST))
    hits: list[Hit] = []
    for window in range(WINDOWS):
        place, found = _window(session, owner, wanted, place, WIDER**window)
        ranked = _ranked(found, wanted, phrase, place)
        shown = ranked[: limit - len(hits)]
        hits += _hits(session, [candidate for _, candidate in shown], wanted)
        if len(ranked) > len(shown):
            return Results(hits, _cursor(replace(place, after=_rank(shown[-1]))))
        assert place.lowest is not None
        if place.lowest == (0, 0):
            return Results(hits, None)
        place = _Place(below=place.lowest, newest=place.newest)
        if len(hits) >= limit:
            break
    return Results(hits, _cursor(place))


def _window(
    session: Session, owner: str, wanted: Sequence[Wanted], place: _Place, wider: int
) -> tuple[_Place, list[Candidate]]:
    """The candidates of the window, and the place with its bounds."""
    entry_numbers: list[int] = []
    lowest: list[int] = []
    for which, (kind, usual) in enumerate(WINDOW.items()):
        limit = usual * wider if place.lowest is None else usual * WIDEST
        low = 0 if place.lowest is None else place.lowest[which]
        found = candidates.numbers(session, owner, kind, wanted, lowest=low, below=place.below[which], limit=limit)
        entry_numbers += found
        lowest.append(low if place.lowest is not None or len(found) < limit else found[-1])
    rows = candidates.indexed(session, owner, entry_numbers)
    for candidate in candidates.pending(session, owner):
        which = 1 if candidate.message_id else 0
        if lowest[which] <= candidate.number < place.below[which]:
            rows.append(candidate)
    once = {(row.conversation_id, row.message_id): row for row in rows}
    newest = place.newest or max((row.created_at.timestamp() for row in rows), default=None)
    return replace(place, lowest=(lowest[0], lowest[1]), newest=newest), list(once.values())


def _ranked(
    found: Sequence[Candidate], wanted: Sequence[Wanted], phrase: str, place: _Place
) -> list[tuple[float, Candidate]]:
    ranked: list[tuple[float, Candidate]] = []
    for candidate in found:
        fits = fit(candidate.text, wanted, phrase)
        if fits is None and not candidate.is_whole:
            fits = UNDECIDED
        if fits is not None:
            weight = 1 if candidate.message_id else TITLE_WEIGHT
            ranked.append((fits * weight * _recency(candidate.created_at, place.newest), candidate))
    # A title that is but the start of the first message says nothing beside messages of that conversation.
    in_messages = {candidate.conversation_id for _, candidate in ranked if candidate.message_id}
    ranked = [
        (score, candidate)
        for score, candidate in ranked
        if candidate.message_id or candidate.titled_by != "start" or candidate.conversation_id not in in_messages
    ]
    ranked.sort(key=_rank, reverse=True)
    return [one for one in ranked if place.after is None or _rank(one) < place.after]


def _recency(created_at: datetime, newest: float | None) -> float:
    age_seconds = max(0.0, newest - created_at.timestamp()) if newest is not None else 0.0
    return LASTING + (1 - LASTING) * float(0.5 ** (age_seconds / HALF_LIFE_SECONDS))


def _rank(one: tuple[float, Candidate]) -> tuple[float, str]:
    return one[0], (one[1].message_id or one[1].conversation_id).hex


def _hits(session: Session, shown: Sequence[Candidate], wanted: Sequence[Wanted]) -> list[Hit]:
    found = [(candidate, snippet(candidate.text, wanted)) for candidate in shown]
    unseen = [c.message_id for c, marked in found if not marked and c.message_id is not None]
    texts = candidates.whole_texts(session, unseen) if unseen else {}
    hits = []
    for candidate, marked in found:
        if not marked and candidate.message_id in texts:
            marked = snippet(texts[candidate.message_id], wanted)
        if marked:
            hits.append(
                Hit(
                    candidate.conversation_id,
                    candidate.title,
                    candidate.message_id,
                    candidate.role,
                    candidate.created_at,
                    candidate.archived,
                    marked,
                )
            )
    return hits


def _cursor(place: _Place) -> str:
    text = json.dumps([place.below, place.lowest, place.after, place.newest], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str) -> _Place:
    try:
        below, lowest, after, newest = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return _Place(
            below=_pair(below),
            lowest=None if lowest is None else _pair(lowest),
            after=None if after is None else (float(after[0]), str(after[1])),
            newest=None if newest is None else float(newest),
        )
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        raise Invalid("This cursor is not valid. Start again from the first page.") from error


def _pair(given: Any) -> tuple[int, int]:
    first, second = given
    return _number(first), _number(second)


def _number(given: Any) -> int:
    if type(given) is not int or not 0 <= given <= TOP:
        raise ValueError("not a number of an entry")
    return given
