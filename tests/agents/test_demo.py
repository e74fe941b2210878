"""The demo model: the same answer every time, honest about what it is, with a scenario for whatever a test needs."""

import re
from typing import Any

import pytest

from convstore.agents import Message, PastCall, Text
from convstore.agents.demo import Demo
from convstore.agents.demo_answers import HASH_MAP
from tests.agents.conftest import answer

pytestmark = pytest.mark.anyio


@pytest.fixture
def demo() -> Demo:
    return Demo(delay_seconds=0)


@pytest.mark.parametrize("asked", ["/plain", "/markdown", "/long 300", "/tool", "/reasoning", "/hostile", "hello"])
async def test_the_same_message_gets_the_same_answer_in_pieces(demo: Demo, asked: str) -> None:
    first, second = await answer(demo, asked), await answer(demo, asked)
    assert first.events == second.events
    assert sum(isinstance(event, Text) for event in first.events) > 5
    assert first.usage is not None and first.usage.model == "demo"


async def test_it_repeats_the_message_and_counts_the_history_it_was_given(demo: Demo) -> None:
    assert demo.label == "Demo model"
    history = [Message("system", "s"), Message("user", "a"), Message("assistant", "b"), Message("user", "I like tea")]
    got = (await answer(demo, history)).text
    assert "> I like tea" in got
    assert "**2 earlier messages**" in got
    assert "demo model" in got
    assert "no earlier messages" in (await answer(demo, "hi")).text


@pytest.mark.parametrize(
    ("asked", "name", "said"),
    [
        ("What time is it in Tokyo?", "current_time", "Asia/Tokyo"),
        ("what's the time in New York now?", "current_time", "America/New_York"),
        ("What time is it in Tokyo right now?", "current_time", "Asia/Tokyo"),
        ("What is the current time in Paris?", "current_time", "Europe/Paris"),
        ("tell me the time in London, please", "current_time", "Europe/London"),
        ("what is 17 * 23", "calculator", "**391**"),
        ("What is 1,000 * 2?", "calculator", "**2000**"),
        ("what is 17% of 2,340?", "calculator", "17 % of 2,340 is **397.8**"),
        ("How much is 5 percent of 80?", "calculator", "**4"),
        ("List my conversations", "my_conversations", "no other conversations"),
        ("/tool 2 + 3", "calculator", "**5**"),
        ("/tool_fails", "calculator", "Division by zero"),
        ("/tool_slow 0", "run_errand", "is done"),
    ],
)
async def test_some_questions_are_answered_with_real_tools(demo: Demo, asked: str, name: str, said: str) -> None:
    got = await answer(demo, asked)
    assert [call.name for call in got.calls] == [name]
    assert list(got.results) == [call.id for call in got.calls]
    assert said in got.text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("Explain how a hash map works, with a small Python example.", "class HashMap"),
        ("How does a hash table work?", "class HashMap"),
        ("Compare SQLite and PostgreSQL for a small web app in a table.", "| Writers at once |"),
        ("postgres or sqlite?", "| Writers at once |"),
    ],
)
async def test_what_the_page_offers_is_answered_by_heart_and_says_so(demo: Demo, asked: str, said: str) -> None:
    got = (await answer(demo, asked)).text
    assert said in got
    assert "knows this text by heart" in got


def test_the_program_in_the_text_about_hash_maps_runs(capsys: pytest.CaptureFixture[str]) -> None:
    program = HASH_MAP.split("```python\n")[1].split("```")[0]
    scope: dict[str, Any] = {}
    exec(program, scope)
    assert capsys.readouterr().out == "36\n"
    many = scope["HashMap"]()
    for number in range(1000):
        many.put(number, str(number))
    many.put(7, "seven")
    assert many.size == 1000
    assert (many.get(7), many.get(999), many.get(-1)) == ("seven", "999", None)


async def test_two_tools_at_once_are_both_announced_before_either_result(demo: Demo) -> None:
    kinds = [type(event).__name__ for event in (await answer(demo, "/tools")).events]
    assert kinds[:4] == ["ToolCall", "ToolCall", "ToolResult", "ToolResult"]


async def test_an_errand_is_not_safe_to_repeat_and_a_second_run_would_show(demo: Demo) -> None:
    first, second = await answer(demo, "/tool_slow 0"), await answer(demo, "/tool_slow 0")
    assert not first.calls[0].repeatable
    assert first.text != second.text


@pytest.mark.parametrize(
    ("status", "result", "said"),
    [
        ("complete", "errand 1234 is done", "The errand 1234 is done."),
        ("interrupted", "interrupted, outcome unknown", "interrupted, outcome unknown"),
    ],
)
async def test_after_a_takeover_a_settled_errand_is_not_run_again(
    demo: Demo, status: str, result: str, said: str
) -> None:
    past = PastCall("demo_1_1", "run_errand", '{"seconds": 0.0}', result, status)
    got = await answer(demo, "/tool_slow 0", tool_calls=(past,), attempt=2)
    assert got.calls == []
    assert said in got.text


async def test_a_slow_answer_has_numbered_words_so_that_a_lost_one_shows(demo: Demo) -> None:
    got = (await answer(demo, "/slow 0.05")).text
    assert re.findall(r"word (\d+)", got) == [str(n) for n in range(1, 11)]


async def test_a_long_answer_has_as_many_words_as_asked_for(demo: Demo) -> None:
    assert len((await answer(demo, "/long 1234")).text.split()) == 1234
    assert len((await answer(demo, "/long 999999")).text.split()) == 20_000


async def test_failures_come_where_they_are_asked_for(demo: Demo) -> None:
    broken = await answer(demo, "/breaks_midway")
    assert broken.text and broken.error is not None
    busy = await answer(demo, "/error 429")
    assert not busy.text and busy.error is not None and busy.error.retry_after_seconds == 5
    empty = await answer(demo, "/empty")
    assert not empty.text and empty.error is None
    with pytest.raises(RuntimeError):
        await answer(demo, "/bug")


async def test_an_unknown_command_and_a_huge_message_are_just_messages(demo: Demo) -> None:
    assert "> /nothing of the kind" in (await answer(demo, "/nothing of the kind")).text
    assert "You wrote" in (await answer(demo, "list " * 10_000)).text
