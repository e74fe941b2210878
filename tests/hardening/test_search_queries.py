"""Any text is a query: nothing that somebody types is an error, leads to others' texts, or keeps a server busy."""

import random
import sys
import time

import pytest

from convstore import search
from convstore.database import Database
from convstore.errors import Invalid
from tests.store.looking import all_pages, index, look, page, write
from tests.store.scenes import OWNER, STRANGER

HOSTILE = [
    "",
    " ",
    "\x00",
    "need\x00le",
    "\ud800",
    "needle \udfff",
    '"',
    '""""',
    "'",
    "';--",
    "' OR 1=1 --",
    "'; DROP TABLE search_entry; --",
    '" OR terms:"',
    "terms:needle",
    "search_text:needle",
    "{terms} : needle",
    "- terms : needle",
    "^needle",
    "needle*",
    "*",
    "**",
    "(",
    ")",
    "((((((((((",
    "NEAR(a b, 1)",
    "a NEAR/2 b",
    "AND",
    "a AND",
    "OR needle",
    "NOT needle",
    "needle NOT needle",
    "needle -secret",
    "+needle",
    "a:b:c",
    "needle:*",
    "needle & !secret",
    "needle | secret",
    "needle <-> thread",
    "!needle",
    "\\",
    "needle\\'",
    "%",
    "_",
    "%needle%",
    "$1",
    ":lookup",
    ":owner needle",
    "%(lookup)s",
    "${needle}",
    "{{needle}}",
    "<img src=x onerror=alert(1)>",
    "🎉🎉🎉",
    "👨‍👩‍👧‍👦",
    "\u202eneedle",
    "ﷺ",
    "İİİİ",
    "ß" * 3000,
    "日本語" * 3000,
    "한" * 900,
    "a" * 10_000,
    "a " * 5000,
    " ".join(f"w{n}" for n in range(2000)),
    "needle " * 1500,
    "é" * 10_000,
    "e\u0301" * 5000,
    "\u0301" * 10_000,
    "\u200b" * 10_000,
    "9" * 400,
    "-1",
    "1e309",
    "NaN",
    "null",
]


@pytest.fixture
def texts(database: Database) -> Database:
    """A few texts of two people, half of them indexed."""
    for owner, word in ((OWNER, "mine"), (STRANGER, "classified")):
        write(database, f"a needle and thread, {word}", f"日本語 {word} 100% O'Neill \\ path", owner=owner, title=word)
        index(database)
        write(database, f"another needle, {word}", *HOSTILE_TEXTS, owner=owner)
    return database


HOSTILE_TEXTS = [query for query in HOSTILE if query.strip() and len(query) < 1000]


def test_any_text_is_a_query(texts: Database) -> None:
    for query in HOSTILE:
        began = time.monotonic()
        hits = all_pages(texts, query)
        assert time.monotonic() - began < 5, f"{query[:50]!a} took seconds, too long even on a busy machine"
        for hit in hits:
            assert hit.title in ("", "mine"), query
            assert "classified" not in "".join(piece for piece, _ in hit.snippet), query
            assert any(marked for _, marked in hit.snippet), query


def test_random_text_is_a_query(texts: Database) -> None:
    chance = random.Random(20261121)
    pieces = [
        "needle",
        "日本",
        '"',
        "'",
        "*",
        "(",
        ")",
        " ",
        ":",
        "\\",
        "&",
        "|",
        "!",
        "-",
        "\x00",
        "AND",
        "é",
        "🎉",
        "%",
    ]
    for _ in range(150):
        length = chance.randint(1, 30)
        made = "".join(chance.choice(pieces) for _ in range(length))
        wild = "".join(chr(chance.randrange(sys.maxunicode + 1)) for _ in range(length))
        for query in (made, wild, made + wild):
            page(texts, query)


def test_what_operators_would_do_is_not_done(texts: Database) -> None:
    assert look(texts, "needle NOT thread") == []  # three words, of which one is nowhere
    assert look(texts, "nothere OR needle") == []
    assert "a [needle] and [thread], mine" in look(texts, '"thread needle"')
    assert look(texts, "nee*dle") == []


@pytest.mark.parametrize("owner", ["", "'", '"', "o:*", "\x00", "%", "é" * 1000, "ada' OR '1'='1"])
def test_a_hostile_name_finds_nothing_of_others(texts: Database, owner: str) -> None:
    if "\x00" in owner and texts.dialect == "postgresql":
        return  # no such name gets that far, and PostgreSQL takes none
    with texts.read() as session:
        assert search.find(session, owner, "needle").hits == []


def test_a_cursor_of_somebody_else_shows_nothing_of_theirs(texts: Database) -> None:
    theirs = page(texts, "needle", owner=STRANGER, limit=1)
    assert theirs.next is not None
    for hit in page(texts, "needle", before=theirs.next).hits:
        assert "classified" not in "".join(piece for piece, _ in hit.snippet)


def test_a_size_of_page_out_of_range_is_brought_into_it(texts: Database) -> None:
    for limit in (-5, 0, 1, 10**9):
        assert len(page(texts, "needle", limit=limit).hits) in range(1, 201)


def test_a_hostile_cursor_is_refused_in_words(texts: Database) -> None:
    for cursor in ("'; DROP TABLE message; --", "AAAA", "W10", "bnVsbA", "[" * 100_000):
        with pytest.raises(Invalid, match="Start again"):
            page(texts, "needle", before=cursor)
