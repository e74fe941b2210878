"""Branches: a message can be continued or asked anew at any point, and nothing of the other branches is lost."""

from uuid import UUID, uuid4

import pytest

from convstore import messages
from convstore.database import Database
from convstore.errors import Invalid, NotFound
from convstore.messages import View
from tests.store.scenes import OWNER, ask, fence_of, finish, show, talk, texts


def _append(database: Database, conversation_id: UUID, text: str, parent_id: UUID | None) -> View:
    return database.run(messages.append, OWNER, conversation_id, "user", text, parent_id=parent_id)


def test_messages_stay_in_the_order_they_were_sent(database: Database) -> None:
    first, second = talk(database, "one", "two")
    window = show(database, first.conversation_id)
    assert texts(window) == ["one", "re: one", "two", "re: two"]
    assert [m.position for m in window.messages] == [0, 1, 2, 3]
    assert [m.parent_id for m in window.messages] == [None, *(m.id for m in window.messages[:-1])]
    assert window.leaf_id == second.answer_id and window.older is None


def test_an_edit_of_the_first_message_begins_anew_and_keeps_what_was(database: Database) -> None:
    first, second = talk(database, "one", "two")
    edit = ask(database, "uno", conversation_id=first.conversation_id, parent_id=None)
    finish(database, fence_of(edit), "re: uno")
    window = show(database, first.conversation_id)
    assert texts(window) == ["uno", "re: uno"]
    assert window.messages[0].siblings == (first.user_message_id, edit.user_message_id)
    assert window.messages[0].sibling_index == 1
    assert texts(show(database, first.conversation_id, leaf=first.user_message_id)) == [
        "one", "re: one", "two", "re: two",
    ]  # fmt: skip
    assert show(database, first.conversation_id, leaf=second.user_message_id).leaf_id == second.answer_id


def test_a_conversation_can_fork_at_any_message(database: Database) -> None:
    turns = talk(database, "one", "two", "three")
    conversation_id = turns[0].conversation_id
    trunk = show(database, conversation_id).messages
    for at, parent in enumerate(trunk):
        forked = _append(database, conversation_id, f"from {at}", parent.id)
        shown = show(database, conversation_id)
        assert [m.id for m in shown.messages] == [*(m.id for m in trunk[: at + 1]), forked.id]
        siblings = [trunk[at + 1].id, forked.id] if at + 1 < len(trunk) else [forked.id]
        assert list(forked.siblings) == siblings
    # The branch that goes on from the last message is the trunk itself, one longer.
    assert texts(show(database, conversation_id, leaf=trunk[0].id))[-1] == "from 5"


def test_every_branch_can_be_shown_by_any_message_on_it(database: Database) -> None:
    (first,) = talk(database, "one")
    conversation_id = first.conversation_id
    left = talk(database, "left", conversation_id=conversation_id)[0]
    right = ask(database, "right", conversation_id=conversation_id, parent_id=first.answer_id)
    finish(database, fence_of(right), "re: right")
    deeper = ask(database, "deeper", conversation_id=conversation_id, parent_id=right.answer_id)
    finish(database, fence_of(deeper), "re: deeper")
    on_the_left = ["one", "re: one", "left", "re: left"]
    on_the_right = ["one", "re: one", "right", "re: right", "deeper", "re: deeper"]
    assert texts(show(database, conversation_id)) == on_the_right
    for leaf in (left.user_message_id, left.answer_id, first.answer_id):
        assert texts(show(database, conversation_id, leaf=leaf)) == on_the_left
    for leaf in (right.user_message_id, right.answer_id, deeper.user_message_id, deeper.answer_id):
        assert texts(show(database, conversation_id, leaf=leaf)) == on_the_right


def test_a_send_that_names_a_leaf_which_has_moved_on_becomes_a_branch(database: Database) -> None:
    (first,) = talk(database, "one")
    there = talk(database, "from one window", conversation_id=first.conversation_id)[0]
    here = ask(database, "from the other window", conversation_id=first.conversation_id, parent_id=first.answer_id)
    shown = show(database, first.conversation_id)
    assert texts(shown)[:3] == ["one", "re: one", "from the other window"]
    assert shown.messages[2].siblings == (there.user_message_id, here.user_message_id)
    assert texts(show(database, first.conversation_id, leaf=there.answer_id))[2:] == [
        "from one window",
        "re: from one window",
    ]


def test_a_message_does_not_continue_from_one_of_another_conversation(database: Database) -> None:
    mine, other = talk(database, "mine")[0], talk(database, "other")[0]
    for parent in (other.answer_id, uuid4()):
        with pytest.raises(NotFound, match="not in this conversation"):
            ask(database, "hi", conversation_id=mine.conversation_id, parent_id=parent)
        with pytest.raises(NotFound, match="not in this conversation"):
            show(database, mine.conversation_id, leaf=parent)
        with pytest.raises(NotFound, match="not in this conversation"):
            show(database, mine.conversation_id, before=parent)
    assert len(show(database, mine.conversation_id).messages) == 2


def test_a_question_is_not_put_below_a_question(database: Database) -> None:
    (turn,) = talk(database, "one")
    with pytest.raises(Invalid, match="Edit the message"):
        ask(database, "two", conversation_id=turn.conversation_id, parent_id=turn.user_message_id)


def test_the_version_grows_with_every_change_of_shape(database: Database) -> None:
    seen = []
    (turn,) = talk(database, "one")
    seen.append(show(database, turn.conversation_id).conversation.version)
    asked = ask(database, "two", conversation_id=turn.conversation_id)
    assert asked.version > seen[-1]
    seen.append(asked.version)
    finish(database, fence_of(asked))
    assert show(database, turn.conversation_id).conversation.version > seen[-1]
