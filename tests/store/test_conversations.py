"""The list of conversations: newest first, in pages that do not shift, and nobody else's."""

import base64
import json
from uuid import UUID, uuid4

import pytest

from convstore import conversations, messages
from convstore.database import Database
from convstore.errors import Invalid, NotFound
from tests.store.scenes import OWNER, STRANGER, ask, show, talk


def _titles(database: Database, limit: int = 30, before: str | None = None) -> tuple[list[str], str | None]:
    with database.read() as session:
        page = conversations.recent(session, OWNER, limit=limit, before=before)
    return [item.title for item in page.items], page.next


def test_the_one_written_to_last_comes_first(database: Database) -> None:
    turns = [talk(database, name)[0] for name in ("a", "b", "c")]
    assert _titles(database) == (["c", "b", "a"], None)
    talk(database, "again", conversation_id=turns[0].conversation_id)
    assert _titles(database)[0] == ["a", "c", "b"]


def test_pages_show_every_conversation_once_while_new_ones_come_in(database: Database) -> None:
    for n in range(25):
        database.run(conversations.create, OWNER, f"{n:02}")
    seen, cursor = _titles(database, limit=7)
    pages = 1
    while cursor is not None:
        database.run(conversations.create, OWNER, "new")
        titles, cursor = _titles(database, limit=7, before=cursor)
        seen += titles
        pages += 1
    assert seen == [f"{n:02}" for n in reversed(range(25))] and pages == 4


def test_conversations_of_the_same_moment_are_not_lost_between_pages(database: Database) -> None:
    with database.write() as session:  # on SQLite many of these fall into one millisecond
        for n in range(40):
            conversations.create(session, OWNER, str(n))
    seen, cursor = _titles(database, limit=1)
    while cursor is not None:
        titles, cursor = _titles(database, limit=1, before=cursor)
        seen += titles
    assert sorted(map(int, seen)) == list(range(40))


def _cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


NOBODY = uuid4().hex
NOT_OURS = [
    "",
    "x",
    "é",
    "%%%",
    _cursor([]),
    _cursor({}),
    _cursor(["2026-01-01T00:00:00", NOBODY]),
    _cursor(["2026-01-01T00:00:00+00:00", "nobody"]),
    _cursor(["2026-01-01T00:00:00+00:00", 7]),
    _cursor(["0001-01-01T00:00:00+23:59", NOBODY]),
    _cursor(["9999-12-31T23:59:59-23:59", NOBODY]),
    base64.urlsafe_b64encode(b"[" * 20_000).decode(),
]


def test_a_cursor_that_is_not_ours_is_refused_in_words(database: Database) -> None:
    for cursor in NOT_OURS:
        with pytest.raises(Invalid, match="Start again from the first page"):
            _titles(database, before=cursor)


def test_a_new_conversation_is_named_after_its_first_message(database: Database) -> None:
    turn = ask(database, "  How do\nhash maps work, and why are they " + "so very " * 20 + "fast?")
    title = show(database, turn.conversation_id).conversation.title
    assert title.startswith("How do hash maps work, and why") and title.endswith("…") and len(title) <= 60


def test_a_title_cannot_reorder_the_list_around_it(database: Database) -> None:
    given = database.run(conversations.create, OWNER, "a\u202egnp.exe\x00\ud800\n\tb" + "c" * 500)
    assert given.title.startswith("agnp.exe b") and len(given.title) == 200
    with pytest.raises(Invalid):
        database.run(conversations.rename, OWNER, given.id, " \u202e\x00 ")


def test_a_name_the_owner_gave_stays(database: Database) -> None:
    turn = ask(database, "hello")
    renamed = database.run(conversations.rename, OWNER, turn.conversation_id, "Mine")
    assert (renamed.title, renamed.titled_by) == ("Mine", "owner") and renamed.version > turn.version
    ask(database, "something else", conversation_id=turn.conversation_id)
    assert show(database, turn.conversation_id).conversation.title == "Mine"


def test_an_empty_conversation_has_an_empty_window(database: Database) -> None:
    created = database.run(conversations.create, OWNER)
    window = show(database, created.id)
    assert window.messages == [] and window.leaf_id is None and window.older is None


def test_a_conversation_needs_an_owner(database: Database) -> None:
    with pytest.raises(Invalid):
        database.run(conversations.create, "")


def test_ten_lines_are_enough_without_the_web_app(database: Database) -> None:
    with database.write() as session:
        created = conversations.create(session, OWNER, "Notes")
        messages.append(session, OWNER, created.id, "system", "Be brief.")
        messages.append(session, OWNER, created.id, "user", "Hi")
        messages.append(session, OWNER, created.id, "assistant", "Hello!")
        assert messages.history(session, OWNER, created.id) == [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello!"},
        ]


def test_an_owner_sees_nobody_elses_list(database: Database) -> None:
    talk(database, "mine")
    with database.read() as session:
        assert conversations.recent(session, STRANGER).items == []
        assert conversations.recent(session, OWNER + " ").items == []
        with pytest.raises(NotFound):
            conversations.get(session, STRANGER, UUID(int=0))
