"""An answer while it is written and how it ends: flushed in groups, stopped through anyone, never half an end."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select

from convstore import answers, claims
from convstore.answers import Delta, Outcome, Write
from convstore.database import Database
from convstore.models import MessageDelta
from tests.store.scenes import (
    HERE,
    OWNER,
    THERE,
    answer_of,
    ask,
    fence_of,
    finish,
    let_lease_pass,
    say,
    show,
    take,
)  # fmt: skip


def _deltas(database: Database) -> int:
    with database.read() as session:
        return int(session.execute(select(func.count()).select_from(MessageDelta)).scalar_one())


def test_the_text_so_far_is_there_for_whoever_looks(database: Database) -> None:
    turn = ask(database)
    fence = fence_of(turn)
    deltas = (Delta(1, "reasoning", "hm "), Delta(2, "text", "a"), Delta(3, "reasoning", "so"), Delta(4, "text", "b"))
    database.run(answers.flush, HERE, [Write(fence, deltas)])
    view = answer_of(database, turn)
    assert (view.content, view.reasoning, view.seq, view.status) == ("ab", "hm so", 4, "streaming")
    finish(database, fence, "abc")
    view = answer_of(database, turn)
    assert (view.content, view.status, view.active) == ("abc", "complete", False) and view.finished_at
    assert _deltas(database) == 0


def test_a_flush_whose_acknowledgement_was_lost_can_be_repeated(database: Database) -> None:
    turn = ask(database)
    fence = fence_of(turn)
    for _ in range(3):
        assert say(database, fence, "a", "b")
    assert say(database, fence, "a", "b", "c")  # with what was said meanwhile
    assert answer_of(database, turn).content == "abc"
    assert finish(database, fence, "abc")
    version = show(database, turn.conversation_id).conversation.version
    assert not finish(database, fence, "abc")  # told that it is not ours any more, and nothing moved
    assert answer_of(database, turn).content == "abc"
    assert show(database, turn.conversation_id).conversation.version == version


def test_two_hundred_answers_are_one_transaction(database: Database) -> None:
    turns = [ask(database, str(n)) for n in range(200)]
    writes = [Write(fence_of(turn), (Delta(1, "text", f"text {n}"),)) for n, turn in enumerate(turns)]
    held = database.run(answers.flush, HERE, writes)
    assert held == {turn.answer_id: False for turn in turns}
    ends = [Write(fence_of(turn), outcome=Outcome("complete", f"text {n}.")) for n, turn in enumerate(turns)]
    assert len(database.run(answers.flush, HERE, ends)) == 200
    assert [answer_of(database, turn).content for turn in turns[::40]] == [f"text {n}." for n in range(0, 200, 40)]


def test_everything_known_at_the_end_is_kept(database: Database) -> None:
    turn = ask(database, model="asked-for")
    outcome = Outcome("failed", "half", "thought", "The model went away. Try again.", None, 12, 34)
    database.run(answers.flush, HERE, [Write(fence_of(turn), outcome=outcome)])
    view = answer_of(database, turn)
    assert (view.status, view.content, view.reasoning, view.error) == (
        "failed", "half", "thought", "The model went away. Try again.",
    )  # fmt: skip
    assert (view.model, view.input_tokens, view.output_tokens) == ("asked-for", 12, 34)
    assert (view.served_by, view.attempt) == ("here", 1)


def test_an_answer_that_is_queued_stops_at_once(database: Database) -> None:
    turn = ask(database, lease=None)
    assert database.run(answers.request_stop, OWNER, turn.conversation_id) == 1
    view = answer_of(database, turn)
    assert (view.status, view.content, view.error) == ("stopped", "", None) and view.finished_at
    assert take(database) == []


def test_the_writer_learns_of_a_stop_with_its_next_flush_and_keeps_the_text(database: Database) -> None:
    turn, other = ask(database, "stop me"), ask(database, "not me")
    assert database.run(answers.request_stop, OWNER, turn.conversation_id, turn.answer_id) == 1
    writes = [Write(fence_of(turn), (Delta(1, "text", "so far"),)), Write(fence_of(other))]
    assert database.run(answers.flush, HERE, writes) == {turn.answer_id: True, other.answer_id: False}
    assert finish(database, fence_of(turn), "so far", status="stopped")
    view = answer_of(database, turn)
    assert (view.status, view.content) == ("stopped", "so far")


def test_a_stop_is_kept_when_the_writer_is_gone(database: Database) -> None:
    turn = ask(database)
    say(database, fence_of(turn), "so far")
    database.run(answers.request_stop, OWNER, turn.conversation_id)
    assert take(database, THERE) == []
    let_lease_pass(database, turn)
    done = database.run(claims.claim, THERE, 10, 5)
    assert done.fences == [] and done.ended == ["stopped"]
    view = answer_of(database, turn)
    assert (view.status, view.content, view.attempt) == ("stopped", "so far", 1)
    assert not finish(database, fence_of(turn), "so far and further")


def test_a_stop_of_the_conversation_ends_all_that_is_written_or_waits_there(database: Database) -> None:
    first = ask(database, "one")
    behind = ask(database, "two", conversation_id=first.conversation_id)
    elsewhere = ask(database, "elsewhere")
    assert database.run(answers.request_stop, OWNER, first.conversation_id) == 2
    assert answer_of(database, behind).status == "stopped"
    held = database.run(answers.flush, HERE, [Write(fence_of(first)), Write(fence_of(elsewhere))])
    assert held == {first.answer_id: True, elsewhere.answer_id: False}


def test_stopping_what_is_finished_changes_nothing(database: Database) -> None:
    turn = ask(database)
    finish(database, fence_of(turn))
    before = show(database, turn.conversation_id)
    assert database.run(answers.request_stop, OWNER, turn.conversation_id) == 0
    assert database.run(answers.request_stop, OWNER, turn.conversation_id, turn.answer_id) == 0
    assert show(database, turn.conversation_id) == before


def test_a_stop_and_the_end_at_the_same_moment_leave_one_end(database: Database) -> None:
    turns = [ask(database, str(n)) for n in range(30)]
    with ThreadPoolExecutor(8) as people:
        ends = [people.submit(finish, database, fence_of(turn), "done") for turn in turns]
        stops = [people.submit(database.run, answers.request_stop, OWNER, turn.conversation_id) for turn in turns]
        assert all(end.result(30) for end in ends)
        for stop in stops:
            assert stop.result(30) in (0, 1)
    for turn in turns:
        view = answer_of(database, turn)
        assert (view.status, view.content) == ("complete", "done")
    assert _deltas(database) == 0
