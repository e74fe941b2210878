"""The table of all conversations: filtered, sorted, a page at a time, one person's only."""

import pytest

from convstore import catalogue, conversations, messages, trash
from convstore.database import Database
from convstore.errors import Invalid

TITLES = ["pears", "Apples", "100% plums", "under_score", "Ärger mit Äpfeln"]


@pytest.fixture
def shelf(database: Database) -> Database:
    """Five conversations of ada's, the last one with the most messages, and one of somebody else's."""
    for number, title in enumerate(TITLES):
        with database.write() as session:
            made = conversations.create(session, "ada", title)
            for _ in range(number):
                messages.append(session, "ada", made.id, "user", "hello")
    with database.write() as session:
        conversations.create(session, "bob", "Apples of bob")
    return database


def titles(found: catalogue.Sheet) -> list[str]:
    return [item.title for item in found.items]


@pytest.mark.parametrize("by", catalogue.ORDERS)
@pytest.mark.parametrize("descending", [True, False])
def test_every_order_gives_each_row_once_page_by_page(shelf: Database, by: str, descending: bool) -> None:
    with shelf.read() as session:
        whole = catalogue.sheet(session, "ada", by=by, descending=descending)
        assert whole.total == len(TITLES)
        assert sorted(titles(whole)) == sorted(TITLES)
        seen: list[str] = []
        after: str | None = None
        while True:
            page = catalogue.sheet(session, "ada", by=by, descending=descending, limit=2, after=after)
            seen += titles(page)
            if (after := page.next) is None:
                break
        assert seen == titles(whole)


def test_orders_are_what_they_say(shelf: Database) -> None:
    with shelf.read() as session:
        assert titles(catalogue.sheet(session, "ada", by="messages")) == TITLES[::-1]
        assert titles(catalogue.sheet(session, "ada", by="created", descending=False)) == TITLES
        assert titles(catalogue.sheet(session, "ada", by="title", descending=False))[:2] == ["100% plums", "Apples"]


@pytest.mark.parametrize(("text", "expected"), [("APPLES", ["Apples"]), ("%", ["100% plums"]), ("_", ["under_score"])])
def test_the_filter_takes_every_character_for_itself(shelf: Database, text: str, expected: list[str]) -> None:
    with shelf.read() as session:
        assert titles(catalogue.sheet(session, "ada", text=text)) == expected


def test_states_are_separate(shelf: Database) -> None:
    with shelf.write() as session:
        first, second, *_ = catalogue.sheet(session, "ada").items
        trash.discard(session, "ada", first.id)
        conversations.change(session, "ada", second.id, archived=True)
        assert titles(catalogue.sheet(session, "ada", state="trash")) == [first.title]
        assert titles(catalogue.sheet(session, "ada", state="archived")) == [second.title]
        assert catalogue.sheet(session, "ada").total == len(TITLES) - 2


@pytest.mark.parametrize("after", ["", "x", "bm9wZQ==", "WyJ0aXRsZSIsIDEsICJ4Il0="])
def test_a_cursor_that_is_not_ours_is_refused(shelf: Database, after: str) -> None:
    with shelf.read() as session, pytest.raises(Invalid):
        catalogue.sheet(session, "ada", by="title", after=after)
