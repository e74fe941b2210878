"""What people and models write: all of it, bounded, and without what no database takes."""

import random

import pytest

from convstore import conversations, messages
from convstore.database import Database
from convstore.errors import Invalid
from convstore.text import storable
from tests.store.scenes import OWNER, answer_of, ask, fence_of, finish, say, show, texts

ODD = {
    "nul": "a\x00b",
    "a lone surrogate": "a\ud83db",
    "the wrong way round": "\ude00\ud83d",
    "emoji": "👩‍👩‍👧‍👦 🇩🇪 ✌🏽",
    "right to left": "\u202eabc\u202c שלום",
    "combining": "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢",
    "control": "\x01\x02\x1b[31m\x7f\x85",
    "newlines": "a\r\nb\rc\u2028d\n\n",
    "hostile": "'; DROP TABLE message; -- %s %(a)s {x} :name ? $1 \\",
    "not a character": "\ufffe\uffff\U0010ffff",
}


def test_odd_text_comes_back_as_it_was_sent(database: Database) -> None:
    for text in ODD.values():
        _comes_back(database, text)


def _comes_back(database: Database, text: str) -> None:
    expected = text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    turn = ask(database, text)
    fence = fence_of(turn)
    assert say(database, fence, storable(text), "é", storable(text))
    assert answer_of(database, turn).content == f"{expected}é{expected}"
    assert finish(database, fence, storable(text))
    assert texts(show(database, turn.conversation_id)) == [expected, expected]
    assert "\x00" not in show(database, turn.conversation_id).conversation.title
    with database.read() as session:
        assert messages.history(session, OWNER, turn.conversation_id)[0]["content"] == expected


def test_only_whitespace_is_no_message(database: Database) -> None:
    for text in ("", " \n\t", "\u3000"):
        with pytest.raises(Invalid, match="empty"):
            ask(database, text)


def test_a_message_that_is_too_long_is_refused_with_its_length(database: Database) -> None:
    assert ask(database, "x" * 50_000).claimed
    with pytest.raises(Invalid, match="50,001"):
        ask(database, "x" * 50_001)


def test_a_huge_message_is_stored_whole(database: Database) -> None:
    chance = random.Random(1)
    text = "".join(chr(chance.choice([chance.randint(33, 126), chance.randint(0x4E00, 0x9FFF)])) for _ in range(10**6))
    with database.write() as session:
        created = conversations.create(session, OWNER)
        assert messages.append(session, OWNER, created.id, "user", text).content == text
    with pytest.raises(Invalid, match="1,000,001"):
        database.run(messages.append, OWNER, created.id, "user", text + "x")


def test_an_unknown_role_is_refused(database: Database) -> None:
    created = database.run(conversations.create, OWNER)
    with pytest.raises(Invalid, match="role"):
        database.run(messages.append, OWNER, created.id, "robot", "beep")
