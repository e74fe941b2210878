"""What the model reads: the newest messages of the branch that fit, the question always whole."""

import pytest

from convstore import prompts, tool_calls, trash
from convstore.database import Database
from convstore.errors import LeaseLost
from convstore.prompts import Prompt
from convstore.tool_calls import Fence
from tests.store.scenes import OWNER, ask, fence_of, finish, say, take_over, talk


def _load(database: Database, fence: Fence, *, messages: int = 50, tokens: int = 16_000) -> Prompt:
    with database.read() as session:
        return prompts.load(session, fence, most_messages=messages, most_tokens=tokens)


def _said(prompt: Prompt) -> list[str]:
    return [entry.content for entry in prompt.history]


def test_the_history_is_the_branch_up_to_the_question(database: Database) -> None:
    (first,) = talk(database, "one")
    talk(database, "left", conversation_id=first.conversation_id)
    right = ask(database, "right", conversation_id=first.conversation_id, parent_id=first.answer_id, model="m")
    prompt = _load(database, fence_of(right))
    assert [(e.role, e.content) for e in prompt.history] == [
        ("user", "one"), ("assistant", "re: one"), ("user", "right"),
    ]  # fmt: skip
    assert (prompt.owner, prompt.model, prompt.settled) == (OWNER, "m", ())


def test_only_the_newest_messages_that_fit_are_read_and_the_question_is_always_whole(database: Database) -> None:
    turns = talk(database, *(f"question {n}" for n in range(10)))
    asked = ask(database, "x" * 1000, conversation_id=turns[0].conversation_id)
    assert _said(_load(database, fence_of(asked), messages=3)) == ["question 9", "re: question 9", "x" * 1000]
    assert _said(_load(database, fence_of(asked), tokens=1)) == ["x" * 1000]
    assert _said(_load(database, fence_of(asked), tokens=254)) == ["re: question 9", "x" * 1000]


def test_an_answer_without_a_word_is_left_out_and_a_partial_one_is_read(database: Database) -> None:
    (first,) = talk(database, "one")
    failed = ask(database, "two", conversation_id=first.conversation_id)
    finish(database, fence_of(failed), "", status="failed")
    stopped = ask(database, "three", conversation_id=first.conversation_id)
    finish(database, fence_of(stopped), "half of", status="stopped")
    asked = ask(database, "four", conversation_id=first.conversation_id)
    assert _said(_load(database, fence_of(asked))) == ["one", "re: one", "two", "three", "half of", "four"]


def test_a_new_attempt_reads_what_earlier_ones_have_settled(database: Database) -> None:
    (first,) = talk(database, "one")
    turn = ask(database, "two", conversation_id=first.conversation_id)
    fence = fence_of(turn)
    for call_id in ("a", "b"):
        database.run(tool_calls.start, fence, call_id, "tool", "{}", repeatable=False, text_offset=0)
    database.run(tool_calls.settle, fence, "a", "A", failed=False)
    say(database, fence, "gone with the old attempt")
    prompt = _load(database, take_over(database, turn))
    assert [(c.call_id, c.status, c.result) for c in prompt.settled] == [
        ("a", "complete", "A"), ("b", "interrupted", tool_calls.UNKNOWN_OUTCOME),
    ]  # fmt: skip
    assert _said(prompt) == ["one", "re: one", "two"]


def test_calls_of_earlier_answers_are_part_of_the_history(database: Database) -> None:
    (first,) = talk(database, "one")
    turn = ask(database, "two", conversation_id=first.conversation_id)
    database.run(tool_calls.start, fence_of(turn), "a", "tool", "{}", repeatable=False, text_offset=0)
    database.run(tool_calls.settle, fence_of(turn), "a", "A", failed=False)
    finish(database, fence_of(turn), "")
    asked = ask(database, "three", conversation_id=first.conversation_id)
    history = _load(database, fence_of(asked)).history
    assert [[c.call_id for c in entry.tool_calls] for entry in history] == [[], [], [], ["a"], []]


def test_what_was_trashed_meanwhile_is_not_written(database: Database) -> None:
    turn = ask(database)
    database.run(trash.discard, OWNER, turn.conversation_id)
    with pytest.raises(LeaseLost):
        _load(database, fence_of(turn))
