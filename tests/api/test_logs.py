"""Lines that a person can read and a program can take apart, and a warning only when it matters."""

import json
import logging
import multiprocessing
from pathlib import Path

from convstore import neighbours
from convstore.logs import JsonLines, TextLines


def record(message: str, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("convstore.runner", logging.INFO, "", 0, message, (), None)
    made.__dict__.update(fields)
    return made


def test_fields_follow_the_message_and_odd_values_are_quoted() -> None:
    line = TextLines().format(record("answer finished", outcome="complete", tokens=12, title='two "words"\nx=1'))
    assert line.endswith(r'info convstore.runner answer finished outcome=complete tokens=12 title="two \"words\"\nx=1"')


def test_a_line_break_in_a_message_cannot_forge_a_line() -> None:
    assert "\n" not in TextLines().format(record("title is a\n2026-01-01T00:00:00Z error forged"))


def test_json_lines_hold_the_same() -> None:
    line = json.loads(JsonLines().format(record("answer\nfinished", outcome="complete", message_id=Path("x"))))
    assert line["message"] == "answer\nfinished"
    assert line["level"] == "info"
    assert line["outcome"] == "complete"
    assert line["message_id"] == "x"


def _move_in(file: Path, answer: "multiprocessing.SimpleQueue[bool]") -> None:
    answer.put(neighbours.move_in(file))


def test_a_process_knows_whether_it_shares_its_database_file(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    answer: multiprocessing.SimpleQueue[bool] = spawn.SimpleQueue()
    heard = []
    for here in (False, False, True):
        if here:
            neighbours.move_in(tmp_path / "c.db")
        process = spawn.Process(target=_move_in, args=(tmp_path / "c.db", answer))
        process.start()
        process.join(30)
        heard.append(answer.get())
    assert heard == [False, False, True], "one after the other is alone; beside this process it is not"
