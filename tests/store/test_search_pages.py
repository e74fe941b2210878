"""Pages of hits: none twice and none missing, while rows come and go between one page and the next."""

import base64
import json

import pytest

from convstore import trash
from convstore.database import Database
from convstore.errors import Invalid
from convstore.search import Hit
from tests.store.looking import index, page, write
from tests.store.scenes import OWNER


def _keys(hits: list[Hit]) -> list[tuple[object, object]]:
    return [(hit.conversation_id, hit.message_id) for hit in hits]


def test_new_messages_between_two_pages_shift_nothing(database: Database) -> None:
    write(database, *(f"common {n}" for n in range(300)))
    index(database)
    seen: list[Hit] = []
    cursor = None
    while True:
        found = page(database, "common", limit=25, before=cursor)
        seen += found.hits
        cursor = found.next
        if cursor is None:
            break
        write(database, "common and new, common and better")
        index(database)
    old = [hit for hit in seen if "new" not in hit.snippet[-1][0]]
    assert len(set(_keys(seen))) == len(seen)
    assert len(old) == 300


def test_what_is_indexed_between_two_pages_is_not_shown_again(database: Database) -> None:
    write(database, *(f"common {n}" for n in range(150)))
    first = page(database, "common", limit=40)
    index(database)
    seen, cursor = first.hits, first.next
    while cursor is not None:
        found = page(database, "common", limit=40, before=cursor)
        seen, cursor = seen + found.hits, found.next
    assert len(set(_keys(seen))) == len(seen) == 150


def test_what_is_deleted_between_two_pages_takes_nothing_else_along(database: Database) -> None:
    doomed = write(database, *(f"common {n}" for n in range(40)))
    kept = write(database, *(f"common {n}" for n in range(260)))
    index(database)
    first = page(database, "common", limit=30)
    database.run(trash.discard, OWNER, doomed)
    seen, cursor = first.hits, first.next
    while cursor is not None:
        found = page(database, "common", limit=30, before=cursor)
        seen, cursor = seen + found.hits, found.next
    assert len({key for key in _keys(seen) if key[0] == kept}) == 260


def test_what_is_found_behind_a_full_trash(database: Database) -> None:
    kept = write(database, "common and kept")
    for _ in range(5):
        database.run(trash.discard, OWNER, write(database, *(f"common {n}" for n in range(200))))
    index(database)
    assert [hit.conversation_id for hit in page(database, "common").hits] == [kept]


def _cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


NOT_OURS: list[object] = [
    [],
    {},
    None,
    [[1, 2], None, None],
    [[-1, 2], None, None, None],
    [[2**70, 2], None, None, None],
    [[1.5, 2], None, None, None],
    [[True, 2], None, None, None],
    [[1, 2], [1], None, None],
    [[1, 2], [1, 2], ["x", 1], None],
    [[1, 2], [1, 2], [0.5], None],
    [[1, 2], [1, 2], None, 10**400],
]


@pytest.mark.parametrize("cursor", ["", "x", "é", "A" * 5000, *map(_cursor, NOT_OURS)])
def test_a_cursor_that_is_not_ours_is_refused(database: Database, cursor: str) -> None:
    write(database, "common")
    with pytest.raises(Invalid, match="cursor"):
        page(database, "common", before=cursor)


def test_a_cursor_with_odd_but_possible_numbers_is_harmless(database: Database) -> None:
    write(database, "common")
    for value in (
        [[0, 0], None, None, None],
        [[5, 5], [9, 9], [1e308, 0], 7],
        [[1, 9], None, [float("nan"), {}], float("inf")],
        [[2**63 - 1] * 2, [0, 0], None, 0],
    ):
        page(database, "common", before=_cursor(value))
