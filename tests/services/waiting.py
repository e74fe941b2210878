"""Wait for a condition with a deadline: the only way a test lets time pass."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T | None], what: str, seconds: float = 10.0, every: float = 0.02) -> T:
    """The first truthy value of `condition()`. Fails with `what` (and the last value) when `seconds` have passed."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what}; last seen: {value!r}")
        time.sleep(every)


async def until_async(
    condition: Callable[[], Awaitable[T | None]], what: str, seconds: float = 10.0, every: float = 0.02
) -> T:
    """`until`, of a condition that is awaited."""
    deadline = time.monotonic() + seconds
    while True:
        value = await condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what}; last seen: {value!r}")
        await asyncio.sleep(every)
