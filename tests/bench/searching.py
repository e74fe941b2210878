"""Search over many messages: words that are rare, that are everywhere, unfinished, several at once, and none at all."""

import random
import statistics
import time

from convstore import search
from convstore.database import Database
from convstore.search.indexing import catch_up
from tests.bench.store import OWNER, straight

IN_ONE, WORDS_EACH = 100, 40  # messages of a conversation, words of a message
SYLLABLES = [consonant + vowel for consonant in "bdkt" for vowel in "aeiou"]
QUERIES = {
    "a word that is rare": "zanzibar",
    "a word that is everywhere": "{0}",
    "two words that are everywhere": "{0} {1}",
    "the first letters of very many": "b",
    "a seldom word and an everyday one": "{2} {0}",
    "a sentence": "{0} {1} {2} {3}",
    "nothing of the kind": "nowhereatall",
}


def vocabulary() -> list[str]:
    """8,000 words, the most frequent first."""
    return [a + b + c for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES]


def fill(database: Database, messages: int) -> None:
    """So many messages of one person, their words about as frequent as in a language (Zipf), all indexed."""
    rng = random.Random(1)
    words = vocabulary()
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    for start in range(0, messages, IN_ONE):
        texts = [" ".join(rng.choices(words, weights, k=WORDS_EACH)) for _ in range(IN_ONE)]
        if start % 10_000 == 0:
            texts[0] += " Zanzibar"
        with database.write() as session:
            straight(session, texts)
    while database.run(catch_up):
        pass


def measure(database: Database, messages: int, rounds: int) -> None:
    """Print the median and the longest of each kind of query."""
    fill(database, messages)
    words = vocabulary()
    for what, pattern in QUERIES.items():
        query = pattern.format(words[0], words[1], words[100], words[7])
        taken = []
        for _ in range(rounds):
            began = time.perf_counter()
            with database.read() as session:
                hits = search.find(session, OWNER, query, limit=20).hits
            taken.append((time.perf_counter() - began) * 1000)
        assert bool(hits) == (what != "nothing of the kind")
        print(
            f"  {messages:,} messages, {what:<34} median {statistics.median(taken):6.1f} ms, most {max(taken):6.1f} ms"
            "  goal < 100",
            flush=True,
        )
