"""What is exported can be imported again: by anybody, anywhere, any number of times."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from convstore import answers, conversations, messages, trash, turns
from convstore.database import Database
from convstore.errors import NotFound
from convstore.transfer import exports
from tests.store.luggage import conversation, counts, document, everything_in_one, exported, imported
from tests.store.scenes import HERE, OWNER, STRANGER, answer_of, ask, fence_of, finish, say, show, talk, texts


def test_a_tree_comes_back_as_it_was_for_another_owner(database: Database) -> None:
    everything_in_one(database)
    talk(database, "another")
    database.run(conversations.create, OWNER, "empty")
    before = exported(database)
    assert counts(imported(database, before, STRANGER, chunk=7)) == (3, 0, 0)
    assert exported(database, STRANGER) == before


def test_a_tree_comes_back_as_it_was_in_the_other_database(
    database: Database, dialect: str, fresh_database: Callable[[str], AbstractContextManager[str]]
) -> None:
    everything_in_one(database)
    before = exported(database)
    with fresh_database("sqlite" if dialect == "postgresql" else "postgresql") as url:
        other = Database(url)
        assert counts(imported(other, before)) == (1, 0, 0)
        assert exported(other) == before
        other.close()


def test_the_imported_tree_is_whole(database: Database) -> None:
    key = everything_in_one(database)
    imported(database, exported(database), STRANGER)
    with database.read() as session:
        (copy,) = conversations.recent(session, STRANGER, state="archived").items
    was, now = show(database, key), show(database, copy.id, owner=STRANGER)
    assert texts(now) == texts(was)
    assert [m.sibling_index for m in now.messages] == [m.sibling_index for m in was.messages]
    assert [len(m.siblings) for m in now.messages] == [len(m.siblings) for m in was.messages]
    assert copy.pinned_at is not None and copy.system_prompt == "Be brief." and copy.temperature == 0.7
    assert {m.id for m in was.messages}.isdisjoint(m.id for m in now.messages)


def test_an_imported_conversation_goes_on(database: Database) -> None:
    talk(database, "one", "two")
    imported(database, exported(database), STRANGER)
    with database.read() as session:
        (copy,) = conversations.recent(session, STRANGER).items
    talk(database, "three", conversation_id=copy.id, owner=STRANGER)
    assert texts(show(database, copy.id, owner=STRANGER)) == ["one", "re: one", "two", "re: two", "three", "re: three"]


def test_importing_twice_adds_nothing(database: Database) -> None:
    everything_in_one(database)
    talk(database, "another")
    before = exported(database)
    assert counts(imported(database, before)) == (0, 2, 0), "it is here already"
    assert counts(imported(database, before, STRANGER)) == (2, 0, 0)
    assert counts(imported(database, before, STRANGER)) == (0, 2, 0)
    assert exported(database) == before
    assert exported(database, STRANGER) == before


def test_two_that_are_alike_stay_two(database: Database) -> None:
    twins = document(conversation("same"), conversation("same"))
    assert counts(imported(database, twins)) == (2, 0, 0)
    assert counts(imported(database, twins)) == (0, 2, 0)
    assert exported(database).count(b'"messages"') == 2


def test_what_was_added_there_since_is_added_here(database: Database) -> None:
    (turn,) = talk(database, "one")
    imported(database, exported(database), STRANGER)
    talk(database, "two", conversation_id=turn.conversation_id)
    database.run(turns.retry, OWNER, turn.conversation_id, turn.answer_id)
    later = exported(database)
    assert counts(imported(database, later, STRANGER)) == (1, 0, 0)
    assert exported(database, STRANGER) == later
    assert counts(imported(database, later, STRANGER)) == (0, 1, 0)


def test_an_older_export_takes_nothing_back(database: Database) -> None:
    (turn,) = talk(database, "one")
    older = exported(database)
    talk(database, "two", conversation_id=turn.conversation_id)
    database.run(conversations.rename, OWNER, turn.conversation_id, "renamed since")
    newer = exported(database)
    assert counts(imported(database, older)) == (0, 1, 0)
    assert exported(database) == newer


def test_what_has_gone_another_way_becomes_a_conversation_beside_it(database: Database) -> None:
    imported(database, document(conversation("one", "two")))
    assert counts(imported(database, document(conversation("one", "too")))) == (1, 0, 0)
    assert exported(database).count(b'"messages"') == 2


def test_what_was_deleted_can_be_imported_again(database: Database) -> None:
    (turn,) = talk(database, "one")
    before = exported(database)
    database.run(trash.discard, OWNER, turn.conversation_id)
    assert b"re: one" not in exported(database), "the trash is not exported"
    assert counts(imported(database, before)) == (1, 0, 0)
    assert exported(database) == before


def test_an_answer_in_the_making_is_exported_as_interrupted_and_recognized_when_it_is_done(database: Database) -> None:
    turn = ask(database, "write")
    say(database, fence_of(turn), "so f", "ar")
    before = exported(database)
    answer = json.loads(before)["conversations"][0]["messages"][1]
    assert (answer["content"], answer["status"]) == ("so far", "interrupted")
    imported(database, before, STRANGER)
    with database.read() as session:
        (copy,) = conversations.recent(session, STRANGER).items
        assert messages.window(session, STRANGER, copy.id).messages[1].status == "interrupted"
    finish(database, fence_of(turn), "so far, so good")
    assert counts(imported(database, before)) == (0, 1, 0)
    assert answer_of(database, turn).content == "so far, so good"


def test_an_export_that_is_read_slowly_has_what_was_there_when_it_began(database: Database) -> None:
    (turn,) = talk(database, "one")
    with database.read() as session:
        _, cursor = exports._conversation(session, OWNER, exports.Cursor(only=turn.conversation_id))
    talk(database, "two", conversation_id=turn.conversation_id)
    assert cursor is not None
    with database.read() as session:
        text, _ = exports.part(session, OWNER, cursor)
    assert "re: one" in text and "two" not in text


def test_not_yours_is_not_exported(database: Database) -> None:
    (turn,) = talk(database, "one")
    with pytest.raises(NotFound):
        exported(database, STRANGER, turn.conversation_id)
    assert json.loads(exported(database, STRANGER)) == {"format": "convstore", "version": 1, "conversations": []}


def test_a_long_conversation_is_exported_in_parts(database: Database) -> None:
    long = conversation(*(f"{number} " + "x" * 5_000 for number in range(300)))
    assert counts(imported(database, document(long))) == (1, 0, 0)
    cursor: exports.Cursor | None = exports.Cursor()
    parts = []
    while cursor is not None:
        with database.read() as session:
            text, cursor = exports.part(session, OWNER, cursor)
        parts.append(text)
    assert max(len(part) for part in parts) < 2_000_000
    assert len(parts) > 1
    assert len(json.loads(exported(database))["conversations"][0]["messages"]) == 300


def test_an_answer_being_written_ends_while_its_conversation_is_exported(database: Database) -> None:
    turn = ask(database, "write")
    with database.read() as session:
        _, cursor = exports._conversation(session, OWNER, exports.Cursor(only=turn.conversation_id))
    database.run(answers.request_stop, OWNER, turn.conversation_id)
    finish(database, fence_of(turn), "stopped", status="stopped", lease=HERE)
    assert cursor is not None
    with database.read() as session:
        text, _ = exports.part(session, OWNER, cursor)
    assert '"status":"stopped"' in text
