"""Agents for the tests, plugged in as anyone's are: AGENT=tests.services.agents:patient.

They are the demo model at other speeds, and one scenario more: `/signed SECONDS` writes numbered words that carry the
attempt, twenty a second, so that a single character of an older attempt would show.
"""

import asyncio
import re
from collections.abc import AsyncIterator

from convstore.agents.base import Context, Event, Message, Text
from convstore.agents.demo import Demo


def signed_words(attempt: int, seconds: float) -> list[str]:
    """What `/signed SECONDS` says in this attempt."""
    return [f"attempt{attempt}-word{n} " for n in range(1, int(seconds * 20) + 1)]


class Signing(Demo):
    """The demo model, and `/signed`."""

    async def __call__(self, messages: list[Message], context: Context) -> AsyncIterator[Event]:
        asked = re.match(r"/signed ([\d.]+)", messages[-1].content)
        if asked is None:
            async for event in super().__call__(messages, context):
                yield event
            return
        for word in signed_words(context.attempt, float(asked[1])):
            yield Text(word)
            await asyncio.sleep(0.05)


patient = Signing(delay_seconds=0.1)  # time to kill it between two words
quick = Signing(delay_seconds=0.005)


async def at_once(messages: list[Message], context: Context) -> AsyncIterator[str]:
    """For a crowd of turns: the answer is there at once and says what it answers."""
    yield f"re: {messages[-1].content}"
