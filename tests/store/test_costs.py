"""What reading and writing costs: the same few statements, by index, however long and branched it has become."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, event, text

from convstore import answers, claims, prompts
from convstore.answers import Delta, Write
from convstore.database import Database
from convstore.messages import Window
from tests.bench.store import fill
from tests.store.scenes import HERE, OWNER, ask, fence_of, finish, say, show

LONG = 20_000
Statement = tuple[str, Any]


@contextmanager
def _statements(database: Database) -> Iterator[list[Statement]]:
    """The statements that run in this block."""
    seen: list[Statement] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if not statement.startswith("BEGIN"):
            seen.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def _plan(connection: Connection, dialect: str, statement: Statement) -> tuple[list[str], int]:
    """How `message` is read by this statement, and how many rows are looked at (SQLite does not say)."""
    sql, parameters = statement
    if dialect == "sqlite":
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters).all()
        return [str(row[3]) for row in rows], 0
    (plan,) = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters).scalar_one()
    steps: list[str] = []
    looked_at = 0
    todo = [plan["Plan"]]
    while todo:
        step = todo.pop()
        looked_at += (step["Actual Rows"] + step.get("Rows Removed by Filter", 0)) * step["Actual Loops"]
        steps.append(f"{step['Node Type']} {step.get('Relation Name', '')} {step.get('Index Name', '')}".strip())
        todo += step.get("Plans", [])
    return steps, int(looked_at)


def _reads_by_index(database: Database, statements: list[Statement]) -> None:
    with database.write() as session:  # some of them lock
        connection = session.connection()
        for statement in statements:
            steps, looked_at = _plan(connection, database.dialect, statement)
            for step in steps:
                assert "Seq Scan message" not in step and not step.startswith("SCAN message"), (statement[0], steps)
                # An index that is searched by its first column only is a walk through the whole conversation.
                assert not step.endswith("(conversation_id=?)"), (statement[0], steps)
            assert looked_at < 1500, (statement[0], steps)


@dataclass
class Big:
    """A database with a conversation of 20,000 messages without branches, and one whose newest thirty messages each
    begin a lane of their own."""

    database: Database
    long: UUID
    branched: UUID


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def big(request: pytest.FixtureRequest, fresh_database: Callable[[str], AbstractContextManager[str]]) -> Iterator[Big]:
    with fresh_database(request.param) as url:
        database = Database(url)
        found = Big(database, fill(database, LONG), fill(database, LONG, branches=30))
        if database.dialect == "postgresql":  # which does so by itself; SQLite has no statistics here, ever
            with database.write() as session:
                session.execute(text("ANALYZE"))
        yield found
        database.close()


def _costs(database: Database, conversation_id: UUID, **options: Any) -> tuple[int, Window]:
    """How many statements a window takes; each of them reads by index."""
    with _statements(database) as statements:
        window = show(database, conversation_id, **options)
    _reads_by_index(database, statements)
    return len(statements), window


def test_the_newest_window_of_a_long_conversation_is_two_statements(big: Big) -> None:
    count, window = _costs(big.database, big.long)
    assert count == 2 and [m.position for m in window.messages] == list(range(LONG - 50, LONG))
    count, window = _costs(big.database, big.long, before=window.older)
    assert count == 2 and window.messages[-1].position == LONG - 51
    middle = show(big.database, big.long, limit=1, before=window.older).messages[0].id
    assert _costs(big.database, big.long, leaf=middle)[0] == 3


def test_branches_cost_two_statements_more_however_many_there_are(big: Big) -> None:
    count, window = _costs(big.database, big.branched)
    assert count == 4 and len(window.messages) == 50
    assert sum(len(m.siblings) > 1 for m in window.messages) >= 29
    assert [b.parent_id for b in window.messages[1:]] == [a.id for a in window.messages[:-1]]
    count, window = _costs(big.database, big.branched, before=window.older)
    assert count == 3 and len(window.messages) == 50
    assert _costs(big.database, big.branched, leaf=window.messages[0].id)[0] == 4


def test_a_turn_costs_the_same_in_a_long_conversation(big: Big) -> None:
    costs = []
    for conversation_id in (fill(big.database, 10), big.branched):
        with _statements(big.database) as statements:
            turn = ask(big.database, "hi", conversation_id=conversation_id)
            with big.database.read() as session:
                prompt = prompts.load(session, fence_of(turn), most_messages=20, most_tokens=10**6)
            say(big.database, fence_of(turn), "a", "b")
            finish(big.database, fence_of(turn), "ab")
        assert prompt.owner == OWNER
        _reads_by_index(big.database, [s for s in statements if s[0].startswith(("SELECT", "WITH"))])
        costs.append(len(statements))
    assert costs[1] <= costs[0] + 1, "one walk through the branches"


def test_an_idle_look_for_work_reads_no_finished_message(big: Big) -> None:
    ask(big.database, "one that is being written")
    with _statements(big.database) as statements, big.database.read() as session:
        assert not claims.any_waiting(session)
    assert len(statements) == 1
    with big.database.read() as session:
        steps, looked_at = _plan(session.connection(), big.database.dialect, statements[0])
    assert any("message_active" in step for step in steps), steps
    assert looked_at < 20


def test_a_window_that_reaches_the_beginning_is_no_dearer(database: Database) -> None:
    small = fill(database, 10, branches=4)
    with _statements(database) as statements:
        window = show(database, small)
    assert len(statements) == 5 and window.older is None and window.messages[0].parent_id is None


def test_a_flush_costs_the_same_for_one_answer_and_for_fifty(database: Database) -> None:
    turns = [ask(database, str(n)) for n in range(50)]
    costs = []
    for group in (turns[:1], turns):
        with _statements(database) as statements:
            database.run(answers.flush, HERE, [Write(fence_of(t), (Delta(1, "text", "x"),)) for t in group])
        costs.append(len(statements))
    assert costs[0] == costs[1] == 2
