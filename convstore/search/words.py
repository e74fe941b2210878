"""Words: what search takes a text apart into, the same way for what is indexed, what is asked and what is marked.

A word is a run of letters and digits, folded: case, accents and compatibility forms do not count. Scripts that write
without spaces (Chinese, Japanese, Thai, …), and Korean, where endings are glued on, are indexed as pairs of characters
that stand together: any piece of such a text can be found, on any database, without a dictionary. Emoji are words, too.

Doing this here, and not in the databases' own parsers, is what makes both find the same things: SQLite's knows no words
inside Chinese text, PostgreSQL's depends on the locale of the database and takes `a/b.c` for one word.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

WORD_CHARACTERS = 48  # a longer word (a key, a hash, encoded bytes) is found by its beginning
WORDS = 20_000  # of one text; what a message of 50,000 characters has is well below
QUERY_CHARACTERS = 1000
QUERY_PAIRS = 16  # of one piece without spaces; what is found is compared with all of it
QUERY_WORDS = 16  # what is asked beyond that would hardly change the answer

# Thai, Lao, Burmese, Hangul, Khmer, kana, bopomofo, Han
_UNSPACED = (
    "\u0e01-\u0e4e\u0e81-\u0edf\u1000-\u109f\u1100-\u11ff\u1780-\u17d3\u3005-\u3007\u3041-\u3096\u3099\u309a"
    "\u309d-\u309f\u30a1-\u30fa\u30fc-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97c"
    "\uac00-\ud7fb\uf900-\ufaff\U00020000-\U0003ffff"
)
_SIGNS = "\u203c\u2049\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2934-\u2b55\U0001f000-\U0001faff"
# Vowel signs and the like: letters to their readers, though not to Python's \w.
_MARKS = "".join(
    chr(code)
    for block in (range(0x483, 0x2000), range(0xA66F, 0xABEE), range(0x10A01, 0x11F50))
    for code in block
    if unicodedata.category(chr(code)) in ("Mn", "Mc")
)
_ASCII_WORD = re.compile(r"[a-z0-9]+")
# The first branch is the second one for plain words, several times as fast; `++` gives nothing back (Python 3.11).
_WORD = re.compile(
    r"[a-z0-9]++(?=[\x00-\x7f]|\Z)"
    rf"|[^\W_{_UNSPACED}]+(?:[{_MARKS}]+[^\W_{_UNSPACED}]*)*"
    rf"|[{_UNSPACED}]+|[{_SIGNS}]"
)
_WORD_CHARACTER = re.compile(rf"[^\W_{_UNSPACED}]|[{_MARKS}]")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_FIRST_UNSPACED = _UNSPACED[0]
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")

# Accents, points and vowel marks that readers leave out, and characters that are not seen.
_DROPPED = re.compile(
    "[\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\U0001f3fb-\U0001f3ff\U000e0000-\U000e01ef]"
)
_WRITTEN_AS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"}
)


class _Folds(dict[int, str]):
    """Code point → what it is folded to; filled as characters turn up, up to what a chat's languages have."""

    def __missing__(self, code: int) -> str:
        plain = _DROPPED.sub("", unicodedata.normalize("NFKD", chr(code))).casefold().translate(_WRITTEN_AS)
        folded = unicodedata.normalize("NFC", plain)
        if len(self) < 20_000:
            self[code] = folded
        return folded


_FOLDS = _Folds()


def composed(text: str) -> str:
    """The text with letters and their accents as one character each: what `fold` and `origins` are about."""
    return unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """A `composed` text as it is compared."""
    if not text.isascii():
        text = _NOT_ASCII.sub(lambda found: found[0].translate(_FOLDS), text)
    return text.lower()


def origins(text: str) -> list[int] | None:
    """For each character of `fold(text)`, the place in `text` it came from; None when they are the same places."""
    if text.isascii() or all(len(_FOLDS[ord(c)]) == 1 for c in set(text) if c > "\x7f"):
        return None
    places: list[int] = []
    for place, character in enumerate(text):
        places.extend([place] * (1 if character < "\x80" else len(_FOLDS[ord(character)])))
    return places


def of(text: str) -> list[str]:
    """What a text is indexed under: each once, the first `WORDS` of them."""
    folded = fold(composed(text))
    found = _ASCII_WORD.findall(folded) if folded.isascii() else _with_pairs(_WORD.findall(folded))
    return [word[:WORD_CHARACTERS] for word in islice(dict.fromkeys(found), WORDS)]


def _with_pairs(found: list[str]) -> Iterator[str]:
    for word in found:
        if word < _FIRST_UNSPACED or not _IS_UNSPACED.match(word):
            yield word
        else:
            yield from (a + b for a, b in pairwise(word))
            yield word[-1]  # so that every character begins one of the terms


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing a query asks for.

    `anywhere`: a sign, or a piece of a text in a script without spaces, wherever it stands. `unfinished`: the word that
    somebody is still typing, or one too long for the index: its beginning counts.
    """

    text: str
    anywhere: bool = False
    unfinished: bool = False

    @property
    def terms(self) -> list[tuple[str, bool]]:
        """What to look up in the index, all of it: (term, whether it is the beginning of one)."""
        if not self.anywhere:
            return [(self.text[:WORD_CHARACTERS], self.unfinished)]
        if len(self.text) == 1:
            return [(self.text, True)]
        return [(a + b, False) for a, b in islice(pairwise(self.text), QUERY_PAIRS)]

    def places(self, folded: str, most: int) -> list[int]:
        """Where it stands in a folded text, the first `most`."""
        found: list[int] = []
        at = folded.find(self.text)
        while at >= 0 and len(found) < most:
            if self.anywhere or (
                not (at and _WORD_CHARACTER.match(folded[at - 1])) and (self.unfinished or self.is_whole(folded, at))
            ):
                found.append(at)
            at = folded.find(self.text, at + 1)
        return found

    def is_whole(self, folded: str, at: int) -> bool:
        """Whether what stands there is all of a word, not the beginning of a longer one."""
        end = at + len(self.text)
        return self.anywhere or end >= len(folded) or not _WORD_CHARACTER.match(folded[end])


def wanted(query: str) -> list[Wanted]:
    """What a query asks for, all of it. Any text is a query; one without a word asks for nothing."""
    folded = fold(composed(query[:QUERY_CHARACTERS]))
    asked: dict[str, Wanted] = {}
    for found in _WORD.finditer(folded):
        text = found[0]
        anywhere = _WORD_CHARACTER.match(text) is None
        unfinished = found.end() == len(folded) or len(text) > WORD_CHARACTERS
        asked[text] = Wanted(text, anywhere, unfinished and not anywhere)
        if len(asked) == QUERY_WORDS:
            break
    return list(asked.values())
