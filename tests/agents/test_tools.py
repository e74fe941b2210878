"""Tools: what a model is told about a function, what it may send, and what it gets back."""

import asyncio
import json
import threading
from typing import Annotated, Literal

import pytest
from pydantic import Field

from convstore.agents import Context, ToolResult
from convstore.agents.standard_tools import current_time, find_zone, my_conversations
from convstore.agents.tools import MAX_RESULT_CHARS, Toolbox, ToolError, tool
from tests.agents.conftest import context

pytestmark = pytest.mark.anyio


@tool(repeatable=True)
def forecast(
    city: Annotated[str, "City and country"],
    days: Literal[1, 3, 7] = 1,
    units: str | None = None,
    least: Annotated[int, "Lowest chance", Field(ge=0, le=100)] = 0,
) -> str:
    """The weather forecast for a city."""
    return f"{city} {days} {units} {least}"


async def run(function: object, arguments: object, **values: object) -> ToolResult:
    box = Toolbox([function])  # type: ignore[list-item]
    name = next(iter(box)).name
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return await box.run(box.call("c1", name, text), context(**values))


async def test_the_schema_comes_from_the_signature() -> None:
    assert forecast.description == "The weather forecast for a city."
    schema = forecast.parameters
    assert schema["required"] == ["city"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["city"] == {"type": "string", "description": "City and country"}
    assert schema["properties"]["days"] == {"type": "integer", "enum": [1, 3, 7], "default": 1}
    assert schema["properties"]["least"]["maximum"] == 100


async def test_good_arguments_reach_the_function_and_defaults_stay() -> None:
    assert (await run(forecast, {"city": "Oslo", "days": 3})).result == "Oslo 3 None 0"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "city: Field required"),
        ({"city": "Oslo", "days": 2}, "days"),
        ({"city": "Oslo", "least": 101}, "least"),
        ({"city": "Oslo", "wind": 1}, "wind: Extra inputs"),
        ("[1]", "object"),
        ("{", "Invalid JSON"),
    ],
)
async def test_bad_arguments_are_told_and_the_function_does_not_run(arguments: object, complaint: str) -> None:
    got = await run(forecast, arguments)
    assert got.failed
    assert complaint in got.result


async def test_a_context_parameter_is_filled_in_and_hidden_from_the_model() -> None:
    def whose(context: Context, suffix: str = "!") -> str:
        """Whose conversation this is."""
        return context.owner + suffix

    assert list(tool(whose).parameters["properties"]) == ["suffix"]
    assert (await run(whose, {})).result == "ada!"
    assert (await run(whose, {"context": "eve"})).failed


async def test_a_plain_function_does_not_hold_up_the_loop() -> None:
    release = threading.Event()

    def wait() -> str:
        """Blocks its thread."""
        release.wait(5)
        return "done"

    task = asyncio.create_task(run(wait, {}))
    await asyncio.sleep(0)
    release.set()
    assert (await task).result == "done"


@pytest.mark.parametrize("blocking", [True, False])
async def test_a_tool_that_hangs_is_given_up(blocking: bool) -> None:
    release = threading.Event()

    @tool(timeout_seconds=0.05)
    def hang() -> str:
        """Never ends by itself."""
        release.wait(5)
        return ""

    @tool(timeout_seconds=0.05)
    async def hang_too() -> str:
        """Never ends by itself."""
        await asyncio.Event().wait()
        return ""

    got = await run(hang if blocking else hang_too, {})
    release.set()
    assert got.failed
    assert "longer than 0.05 seconds" in got.result


async def test_a_bug_in_a_tool_is_its_result() -> None:
    def broken() -> str:
        """Divides."""
        return str(1 / 0)

    def refuses() -> str:
        """Knows what is wrong."""
        raise ToolError("Say which city.")

    assert (await run(broken, {})) == ToolResult("c1", "broken failed: ZeroDivisionError: division by zero", True)
    assert (await run(refuses, {})) == ToolResult("c1", "Say which city.", True)


async def test_a_huge_result_is_cut_and_says_so() -> None:
    def huge() -> str:
        """Too much."""
        return "x" * (MAX_RESULT_CHARS + 7)

    got = (await run(huge, {})).result
    assert got.endswith("[cut: 7 more characters]")


async def test_a_result_that_is_no_text_becomes_json() -> None:
    def table() -> list[dict[str, int]]:
        """Rows."""
        return [{"a": 1}]

    assert (await run(table, {})).result == '[{"a":1}]'


async def test_functions_that_cannot_be_described_are_refused_when_they_are_registered() -> None:
    def untyped(x) -> str:  # type: ignore[no-untyped-def]
        return str(x)

    def many(*numbers: int) -> str:
        return str(numbers)

    for function in (untyped, many):
        with pytest.raises(TypeError, match=function.__name__):
            Toolbox([function])
    with pytest.raises(ValueError, match="forecast"):
        Toolbox([forecast, forecast])


@pytest.mark.parametrize(
    ("text", "zone"),
    [("tokyo", "Asia/Tokyo"), ("New York", "America/New_York"), ("europe/paris", "Europe/Paris"), ("UTC", "UTC")],
)
async def test_a_zone_is_found_by_its_name_or_city(text: str, zone: str) -> None:
    assert find_zone(text) == zone
    assert zone in (await run(current_time, {"zone": text})).result


@pytest.mark.parametrize("zone", ["Atlantis", "../../etc/passwd", "/etc/passwd", "", "Europe"])
async def test_no_file_is_opened_for_a_zone_that_does_not_exist(zone: str) -> None:
    got = await run(current_time, {"zone": zone})
    assert got.failed
    assert "no time zone" in got.result


async def test_my_conversations_are_the_ones_the_context_knows() -> None:
    async def recent(limit: int) -> list[dict[str, str]]:
        return [{"title": "Trip"}][:limit]

    got = await run(my_conversations, {"limit": 5}, recent_conversations=recent)
    assert got.result == '[{"title":"Trip"}]'
    assert (await run(my_conversations, {"limit": 5000})).failed
