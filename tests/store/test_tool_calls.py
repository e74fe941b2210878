"""Tool calls are on record before they run, so that a takeover knows what may have happened."""

import pytest

from convstore import tool_calls
from convstore.database import Database
from convstore.errors import LeaseLost
from convstore.messages import View
from convstore.tool_calls import Fence
from tests.store.scenes import HERE, answer_of, ask, fence_of, finish, let_lease_pass, show, take, take_over, talk

UNSAFE = "interrupted, outcome unknown"


def _start(database: Database, fence: Fence, call_id: str, *, repeatable: bool = False, at: int = 0) -> None:
    database.run(tool_calls.start, fence, call_id, f"tool_{call_id}", '{"a": 1}', repeatable=repeatable, text_offset=at)


def _settle(database: Database, fence: Fence, call_id: str, result: str = "42", failed: bool = False) -> None:
    database.run(tool_calls.settle, fence, call_id, result, failed=failed)


def _calls(view: View) -> list[tuple[str, str, str | None]]:
    return [(call.call_id, call.status, call.result) for call in view.tool_calls]


def test_a_reader_sees_each_call_begin_and_end(database: Database) -> None:
    turn = ask(database)
    fence = fence_of(turn)
    version = turn.version
    _start(database, fence, "a", at=7)
    (call,) = answer_of(database, turn).tool_calls
    assert (call.status, call.name, call.arguments, call.text_offset) == ("running", "tool_a", '{"a": 1}', 7)
    assert call.started_at and call.finished_at is None and call.result is None
    _settle(database, fence, "a")
    _start(database, fence, "b")
    _settle(database, fence, "b", "no such city", failed=True)
    window = show(database, turn.conversation_id)
    assert _calls(window.messages[-1]) == [("a", "complete", "42"), ("b", "failed", "no such city")]
    assert window.conversation.version == version + 4
    finish(database, fence, "It is 42.")
    assert len(answer_of(database, turn).tool_calls) == 2


def test_calls_that_run_side_by_side_are_settled_each_by_its_own_name(database: Database) -> None:
    turn = ask(database)
    fence = fence_of(turn)
    for call_id in ("a", "b", "c"):
        _start(database, fence, call_id)
    _settle(database, fence, "b", "B")
    _settle(database, fence, "a", "A")
    assert _calls(answer_of(database, turn)) == [("a", "complete", "A"), ("b", "complete", "B"), ("c", "running", None)]


def test_a_model_may_use_the_same_name_for_two_calls(database: Database) -> None:
    turn = ask(database)
    fence = fence_of(turn)
    for result in ("first", "second"):
        _start(database, fence, "call_0")
        _settle(database, fence, "call_0", result)
    assert _calls(answer_of(database, turn)) == [("call_0", "complete", "first"), ("call_0", "complete", "second")]


def test_a_call_recorded_twice_for_a_lost_acknowledgement_is_one_call(database: Database) -> None:
    turn = ask(database)
    fence = fence_of(turn)
    for _ in range(2):
        _start(database, fence, "a")
    for _ in range(2):
        _settle(database, fence, "a")
    assert _calls(answer_of(database, turn)) == [("a", "complete", "42")]
    _start(database, fence, "a")
    assert _calls(answer_of(database, turn)) == [("a", "complete", "42"), ("a", "running", None)]


def test_on_takeover_finished_calls_are_kept_and_only_safe_ones_run_again(database: Database) -> None:
    turn = ask(database)
    fence = fence_of(turn)
    _start(database, fence, "done", at=5)
    _settle(database, fence, "done")
    _start(database, fence, "failed")
    _settle(database, fence, "failed", "refused", failed=True)
    _start(database, fence, "safe", repeatable=True)
    _start(database, fence, "unsafe")
    fresh = take_over(database, turn)
    view = answer_of(database, turn)
    assert _calls(view) == [
        ("done", "complete", "42"),
        ("failed", "failed", "refused"),
        ("unsafe", "interrupted", UNSAFE),
    ]
    assert {call.text_offset for call in view.tool_calls} == {0}, "the text is written again from its beginning"
    _start(database, fresh, "safe", repeatable=True)
    _settle(database, fresh, "safe", "again")
    assert _calls(answer_of(database, turn))[-1] == ("safe", "complete", "again")
    with pytest.raises(LeaseLost):
        _settle(database, fence, "safe", "STALE")
    again = take_over(database, turn, HERE)
    assert len(answer_of(database, turn).tool_calls) == 4
    _start(database, again, "next")
    assert [call.call_id for call in answer_of(database, turn).tool_calls][-1] == "next"


@pytest.mark.parametrize("status", ["complete", "stopped", "failed"])
def test_no_call_of_a_finished_answer_stays_running(database: Database, status: str) -> None:
    turn = ask(database)
    _start(database, fence_of(turn), "a", repeatable=True)
    finish(database, fence_of(turn), "text", status=status)
    assert _calls(answer_of(database, turn)) == [("a", "interrupted", UNSAFE)]


def test_no_call_of_an_interrupted_answer_stays_running(database: Database) -> None:
    turn = ask(database)
    _start(database, fence_of(turn), "a")
    let_lease_pass(database, turn)
    assert take(database, attempts=1) == []
    view = answer_of(database, turn)
    assert (view.status, _calls(view)) == ("interrupted", [("a", "interrupted", UNSAFE)])


def test_what_tools_and_models_write_is_made_storable(database: Database) -> None:
    turn = ask(database)
    fence = fence_of(turn)
    database.run(tool_calls.start, fence, "a\x00", "t\ud800", '{"x": "\x00"}', repeatable=False, text_offset=0)
    _settle(database, fence, "a\x00", "r\x00\udfff" + "x" * 200_000)
    (call,) = answer_of(database, turn).tool_calls
    assert (call.status, call.call_id, call.name) == ("complete", "a\ufffd", "t\ufffd")
    assert call.result is not None and len(call.result) == 200_003


def test_a_windows_calls_belong_to_their_own_messages(database: Database) -> None:
    turns = talk(database, "one")
    for n in range(3):
        turn = ask(database, str(n), conversation_id=turns[0].conversation_id)
        _start(database, fence_of(turn), f"call {n}")
        _settle(database, fence_of(turn), f"call {n}", str(n))
        finish(database, fence_of(turn), str(n))
    shown = show(database, turns[0].conversation_id).messages
    assert [[c.call_id for c in m.tool_calls] for m in shown] == [
        [], [], [], ["call 0"], [], ["call 1"], [], ["call 2"]
    ]  # fmt: skip
