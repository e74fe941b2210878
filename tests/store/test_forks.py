"""A copy of one's own: of one's own conversation or of a shared one, whole and independent."""

import json
import time
from uuid import UUID, uuid4

import pytest

from convstore import answers, conversations, forks, messages, sharing, tool_calls, trash, turns
from convstore.conversations import Settings, Summary
from convstore.database import Database
from convstore.errors import Invalid, NotFound
from tests.store.luggage import MOMENT, conversation, document, exported, imported
from tests.store.scenes import HERE, OWNER, STRANGER, answer_of, ask, fence_of, finish, show, take, talk, texts


def fork(database: Database, key: UUID, until: UUID | None = None, *, viewer: str = OWNER) -> Summary:
    return database.run(forks.fork, viewer, key, until)


def copied(database: Database, copy: Summary, owner: str = OWNER) -> list[str]:
    return texts(show(database, copy.id, owner=owner))


def test_a_copy_has_the_branch_and_says_where_it_came_from(database: Database) -> None:
    first, second = talk(database, "one", "two")
    copy = fork(database, first.conversation_id)
    assert copied(database, copy) == ["one", "re: one", "two", "re: two"]
    assert copy.forked_from == first.conversation_id
    assert copy.title == "one"
    again = fork(database, first.conversation_id, first.answer_id)
    assert copied(database, again) == ["one", "re: one"]
    talk(database, "three", conversation_id=copy.id)
    assert len(show(database, second.conversation_id).messages) == 4, "the original knows nothing of it"


def test_only_the_branch_that_was_asked_for_is_copied(database: Database) -> None:
    (turn,) = talk(database, "one")
    again = database.run(turns.retry, OWNER, turn.conversation_id, turn.answer_id, lease=HERE)
    finish(database, fence_of(again), "again")
    assert copied(database, fork(database, turn.conversation_id)) == ["one", "again"]
    assert copied(database, fork(database, turn.conversation_id, turn.answer_id)) == ["one", "re: one"]


def test_settings_tools_and_times_come_along_for_the_owner(database: Database) -> None:
    turn = ask(database, "use it")
    database.run(tool_calls.start, fence_of(turn), "c", "clock", "{}", repeatable=True, text_offset=0)
    database.run(tool_calls.settle, fence_of(turn), "c", "noon", failed=False)
    finish(database, fence_of(turn), "it is noon")
    settings = Settings("Be brief.", "m", 0.5)
    database.run(conversations.change, OWNER, turn.conversation_id, settings=settings)
    copy = fork(database, turn.conversation_id)
    assert (copy.system_prompt, copy.model, copy.temperature) == ("Be brief.", "m", 0.5)
    was, now = answer_of(database, turn), show(database, copy.id).messages[1]
    assert [(c.name, c.arguments, c.result) for c in now.tool_calls] == [("clock", "{}", "noon")]
    assert (now.created_at, now.finished_at) == (was.created_at, was.finished_at)
    assert now.id != was.id and now.tool_calls[0].id != was.tool_calls[0].id


def test_an_answer_in_the_making_is_left_out_with_its_question(database: Database) -> None:
    (turn,) = talk(database, "one")
    ask(database, "still running", conversation_id=turn.conversation_id)
    assert copied(database, fork(database, turn.conversation_id)) == ["one", "re: one"]
    alone = ask(database, "alone")
    with pytest.raises(Invalid, match="nothing to copy"):
        fork(database, alone.conversation_id)


def test_what_waits_behind_an_answer_in_the_making_is_left_out_even_when_it_has_ended(database: Database) -> None:
    (turn,) = talk(database, "one")
    ask(database, "running", conversation_id=turn.conversation_id)
    behind = ask(database, "behind", conversation_id=turn.conversation_id)
    database.run(answers.request_stop, OWNER, turn.conversation_id, behind.answer_id)
    copy = fork(database, turn.conversation_id)
    assert copied(database, copy) == ["one", "re: one"]
    assert not any(fence.conversation_id == copy.id for fence in take(database))


def test_a_reader_copies_a_shared_conversation_without_what_is_the_owners_alone(database: Database) -> None:
    turn = ask(database, "use it")
    database.run(messages.append, OWNER, turn.conversation_id, "system", "secret", parent_id=None)
    database.run(tool_calls.start, fence_of(turn), "c", "look", '{"secret":1}', repeatable=True, text_offset=0)
    finish(database, fence_of(turn), "done")
    settings = Settings("secret", "m", None)
    database.run(conversations.change, OWNER, turn.conversation_id, settings=settings)
    database.run(sharing.share, OWNER, turn.conversation_id)
    copy = fork(database, turn.conversation_id, turn.answer_id, viewer=STRANGER)
    assert copied(database, copy, STRANGER) == ["use it", "done"]
    assert copy.system_prompt is None and copy.model is None
    assert show(database, copy.id, owner=STRANGER).messages[1].tool_calls == ()
    assert b"secret" not in exported(database, STRANGER)
    database.run(sharing.share, OWNER, turn.conversation_id, tool_arguments=True)
    copy = fork(database, turn.conversation_id, turn.answer_id, viewer=STRANGER)
    assert show(database, copy.id, owner=STRANGER).messages[1].tool_calls[0].arguments == '{"secret":1}'


def test_what_only_a_system_prompt_would_be_left_of_is_nothing_to_copy(database: Database) -> None:
    key = database.run(conversations.create, OWNER, "x").id
    database.run(messages.append, OWNER, key, "system", "secret")
    database.run(sharing.share, OWNER, key)
    with pytest.raises(Invalid, match="nothing to copy"):
        fork(database, key, viewer=STRANGER)


def test_a_snapshot_is_copied_to_its_end_and_no_further(database: Database) -> None:
    first, second = talk(database, "one", "two")
    key = first.conversation_id
    database.run(sharing.share, OWNER, key, "snapshot", until_message_id=first.answer_id)
    assert copied(database, fork(database, key, viewer=STRANGER), STRANGER) == ["one", "re: one"]
    with pytest.raises(NotFound):
        fork(database, key, second.answer_id, viewer=STRANGER)
    assert len(copied(database, fork(database, key))) == 4, "its owner still copies all"


def test_what_may_not_be_read_may_not_be_copied(database: Database) -> None:
    (turn,) = talk(database, "one")
    key = turn.conversation_id
    attempts = [(key, None), (uuid4(), None), (key, turn.answer_id)]
    for target, until in attempts:
        with pytest.raises(NotFound, match="Conversation not found"):
            fork(database, target, until, viewer=STRANGER)
    database.run(sharing.share, OWNER, key)
    database.run(sharing.stop, OWNER, key)
    with pytest.raises(NotFound):
        fork(database, key, viewer=STRANGER)
    database.run(sharing.share, OWNER, key)
    database.run(trash.discard, OWNER, key)
    for viewer in (OWNER, STRANGER):
        with pytest.raises(NotFound):
            fork(database, key, viewer=viewer)
    other = talk(database, "other")[0]
    with pytest.raises(NotFound):
        fork(database, other.conversation_id, turn.answer_id)


@pytest.mark.alone
def test_a_thousand_messages_are_copied_in_half_a_second(database: Database) -> None:
    long = conversation(*(f"message {number} " + "lorem ipsum " * 40 for number in range(1_000)))
    for message in long["messages"][1::2]:
        message["tool_calls"] = [{"call_id": "c", "name": "n", "arguments": "{}", "result": "r", "started_at": MOMENT}]
    imported(database, document(long))
    with database.read() as session:
        (source,) = conversations.recent(session, OWNER).items
    took = []
    for _ in range(5):
        began = time.monotonic()
        copy = fork(database, source.id)
        took.append(time.monotonic() - began)
    assert copy.message_count == 1_000
    assert min(took) < 0.5
    original, *copies = json.loads(exported(database))["conversations"]
    assert all(copy["messages"] == original["messages"] for copy in copies)
    with pytest.raises(Invalid, match="999 messages"):
        database.run(forks.fork, OWNER, source.id, most=999)
