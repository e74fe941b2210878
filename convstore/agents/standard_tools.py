"""The tools every agent here has: the time, a calculator, the person's own conversations. All safe to repeat."""

from datetime import datetime
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field

from convstore.agents.base import Context
from convstore.agents.calculator import calculator
from convstore.agents.tools import ToolError, tool


@cache
def _zones() -> dict[str, str]:
    """Every zone by its name in lower case, and by its city alone. Read once: this walks the zone files."""
    names = sorted(available_timezones() - {"localtime", "posixrules", "Factory"})
    cities = {name.rsplit("/", 1)[-1].lower(): name for name in reversed(names) if "/" in name}
    return cities | {name.lower(): name for name in names}


def find_zone(text: str) -> str | None:
    """The IANA name for a zone or a city ("tokyo", "New York", "Europe/Paris"), or None."""
    return _zones().get(text.strip().lower().replace(" ", "_"))


@tool(repeatable=True, timeout_seconds=5)
def current_time(zone: Annotated[str, "An IANA time zone, such as Europe/Paris or Asia/Tokyo"] = "UTC") -> str:
    """The current date and time in a time zone."""
    name = find_zone(zone)  # never opens a file by a name that the model made up
    if name is None:
        raise ToolError(f"There is no time zone {zone[:60]!r}. Use an IANA name, such as Europe/Paris.")
    now = datetime.now(ZoneInfo(name))
    offset = f"{now:%z}"
    return f"{now:%A}, {now.day} {now:%B %Y, %H:%M:%S} ({name}, UTC{offset[:3]}:{offset[3:]})"


@tool(repeatable=True)
async def my_conversations(
    context: Context, limit: Annotated[int, "How many, newest first", Field(ge=1, le=50)] = 10
) -> list[dict[str, str]]:
    """The person's own recent conversations, with their titles."""
    return await context.recent_conversations(limit)


STANDARD_TOOLS = (current_time, calculator, my_conversations)
