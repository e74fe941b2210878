"""Two questions that the demo model has an answer to, written by people and always the same; it says so itself."""

import re

HASH_MAP_QUESTION = re.compile(r"\bhash[ -]?(?:map|table)s?\b|\bhow (?:does|do) (?:a )?(?:python )?dict", re.I)
COMPARISON_QUESTION = re.compile(r"\bsqlite\b.*\bpostgres|\bpostgres\w*\b.*\bsqlite\b", re.I | re.DOTALL)

_BY_HEART = "\n*The demo model knows this text by heart. Set `OPENAI_API_KEY` to ask a model that can think.*\n"

HASH_MAP = (
    """\
A **hash map** finds a value by its key without looking at the others. It keeps an array of *buckets*, and a hash
function turns each key into a number that says which bucket the key belongs in.

1. **Put**: hash the key, go to that bucket, store the pair there.
2. **Get**: hash the key again, go to the same bucket, compare the few keys in it.
3. **Collision**: two keys may land in one bucket, so a bucket holds a short list of pairs.
4. **Grow**: when there are too many pairs for the buckets, double them and put every pair in its new place.

```python
class HashMap:
    def __init__(self, buckets=8):
        self.buckets = [[] for _ in range(buckets)]
        self.size = 0

    def _bucket(self, key):
        return self.buckets[hash(key) % len(self.buckets)]

    def put(self, key, value):
        bucket = self._bucket(key)
        for index, (known, _) in enumerate(bucket):
            if known == key:
                bucket[index] = (key, value)  # replace
                return
        bucket.append((key, value))
        self.size += 1
        if self.size > 0.75 * len(self.buckets):
            self._grow()

    def get(self, key, default=None):
        for known, value in self._bucket(key):
            if known == key:
                return value
        return default

    def _grow(self):
        pairs = [pair for bucket in self.buckets for pair in bucket]
        self.buckets = [[] for _ in range(2 * len(self.buckets))]
        for key, value in pairs:
            self._bucket(key).append((key, value))


ages = HashMap()
ages.put("Ada", 36)
print(ages.get("Ada"))  # 36
```

With a good hash function the buckets stay short, so both `put` and `get` take **constant time on average**, O(1). If
every key landed in one bucket it would be a plain list again: O(n). Python's own `dict` is a hash map, too; it looks
for the next free place in one array instead of keeping lists.
"""
    + _BY_HEART
)

COMPARISON = (
    """\
Both are excellent, and for a small web app either will do. What differs is where the data lives and who may write.

| | SQLite | PostgreSQL |
|---|---|---|
| Runs as | a library inside your app | a server of its own |
| Set up with | nothing: one file | an installation or a hosted service |
| Writers at once | one at a time, per file | many |
| App servers | one machine | as many as you like |
| Backup | copy the file (`.backup`) | `pg_dump`, or continuous archiving |
| Types and SQL | flexible types, a good part of SQL | strict types, nearly all of SQL, extensions |
| Full-text search | FTS5 | `tsvector` |
| Costs | nothing | a server to run and to update |

**Begin with SQLite** when the app runs on one machine, and switch on `WAL` mode so that readers and the writer do not
wait for each other. **Take PostgreSQL** as soon as a second server should write, or others need the data as well.
"""
    + _BY_HEART
)


def known(asked: str) -> str | None:
    """The text that answers this question, when it is one of the two."""
    if COMPARISON_QUESTION.search(asked):
        return COMPARISON
    return HASH_MAP if HASH_MAP_QUESTION.search(asked) else None
