"""Not yours is not found: the same error, word for word, as for what does not exist, in every function there is."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session

from convstore import answers, conversations, messages, trash, turns
from convstore.database import Database
from convstore.errors import NotFound
from tests.store.scenes import OWNER, STRANGER, ask, fence_of, finish, show

Work = Callable[[Session, str, UUID, UUID], Any]

EVERYTHING: dict[str, Work] = {
    "get": lambda s, who, c, m: conversations.get(s, who, c),
    "rename": lambda s, who, c, m: conversations.rename(s, who, c, "stolen"),
    "pin": lambda s, who, c, m: conversations.change(s, who, c, pinned=True),
    "change a version": lambda s, who, c, m: conversations.change(s, who, c, archived=True, if_version=1),
    "window": lambda s, who, c, m: messages.window(s, who, c),
    "window of a message": lambda s, who, c, m: messages.window(s, who, c, leaf=m),
    "window above a message": lambda s, who, c, m: messages.window(s, who, c, before=m),
    "history": lambda s, who, c, m: messages.history(s, who, c),
    "append": lambda s, who, c, m: messages.append(s, who, c, "user", "hi"),
    "append below": lambda s, who, c, m: messages.append(s, who, c, "user", "hi", parent_id=m),
    "append a beginning": lambda s, who, c, m: messages.append(s, who, c, "user", "hi", parent_id=None),
    "send": lambda s, who, c, m: turns.begin(s, who, "hi", conversation_id=c),
    "send below": lambda s, who, c, m: turns.begin(s, who, "hi", conversation_id=c, parent_id=m),
    "send with a key": lambda s, who, c, m: turns.begin(s, who, "hi", conversation_id=c, key="k"),
    "retry": lambda s, who, c, m: turns.retry(s, who, c, m),
    "retry with a key": lambda s, who, c, m: turns.retry(s, who, c, m, key="k"),
    "edit": lambda s, who, c, m: turns.edit(s, who, c, m, "hi"),
    "stop": lambda s, who, c, m: answers.request_stop(s, who, c),
    "stop one": lambda s, who, c, m: answers.request_stop(s, who, c, m),
    "trash": lambda s, who, c, m: trash.discard(s, who, c),
    "restore": lambda s, who, c, m: trash.restore(s, who, c),
}


def test_not_yours_is_not_there_and_nothing_is_touched(database: Database) -> None:
    done = ask(database, "a secret")
    finish(database, fence_of(done))
    ask(database, "another", conversation_id=done.conversation_id)
    before = show(database, done.conversation_id)
    for name, work in EVERYTHING.items():
        for conversation_id, message_id in ((done.conversation_id, done.answer_id), (uuid4(), uuid4())):
            with pytest.raises(NotFound) as refused:
                database.run(work, STRANGER, conversation_id, message_id)
            assert str(refused.value) == "Conversation not found", name
        assert show(database, done.conversation_id) == before, name


def test_what_is_in_the_trash_is_not_there_for_its_owner_either(database: Database) -> None:
    turn = ask(database)
    finish(database, fence_of(turn))
    database.run(trash.discard, OWNER, turn.conversation_id)
    for name, work in EVERYTHING.items():
        if name != "restore":
            with pytest.raises(NotFound, match="Conversation not found"):
                database.run(work, OWNER, turn.conversation_id, turn.answer_id)
    database.run(trash.restore, OWNER, turn.conversation_id)
    assert len(show(database, turn.conversation_id).messages) == 2


def test_a_message_of_my_other_conversation_is_not_in_this_one(database: Database) -> None:
    here, there = ask(database, "here"), ask(database, "there")
    assert there.user_message_id is not None
    finish(database, fence_of(there))
    with pytest.raises(NotFound):
        database.run(turns.retry, OWNER, here.conversation_id, there.answer_id)
    with pytest.raises(NotFound):
        database.run(turns.edit, OWNER, here.conversation_id, there.user_message_id, "hi")
    assert database.run(answers.request_stop, OWNER, here.conversation_id, there.answer_id) == 0
