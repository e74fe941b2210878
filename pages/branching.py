"""Other versions of what was said: a message edited, an answer asked for again, and what a person thinks of an answer.

Nothing is overwritten: an edit and another answer stand beside the first, and the reply shows the branch they began.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Literal
from uuid import UUID

import gradio as gr
from pydantic import Field

from convstore import feedback
from convstore.turns import Turn
from pages import Services
from pages.islands import Order, answer

CALLS = ("retry", "edit", "rate")

Shown = Callable[[str, Turn], Awaitable[dict[str, Any]]]


class Retry(Order):
    """Answer once more what that answer answered."""

    conversation: UUID
    message: UUID
    key: str = Field(min_length=8, max_length=100)


class Edit(Order):
    """Put another version of a message beside it, and have that one answered."""

    conversation: UUID
    message: UUID
    text: str
    key: str = Field(min_length=8, max_length=100)


class Rate(Order):
    """What the person thinks of an answer; no rating takes it back."""

    conversation: UUID
    message: UUID
    rating: Literal["up", "down"] | None = None
    comment: str = ""


def connect(services: Services, turns: gr.HTML, shown: Shown) -> None:
    """Let `turns` make these calls. `shown` is the reply that shows a turn."""
    db, runner = services.db, services.runner

    async def retry(owner: str, order: Retry) -> dict[str, Any]:
        return await shown(owner, await runner.retry(owner, order.conversation, order.message, key=order.key))

    async def edit(owner: str, order: Edit) -> dict[str, Any]:
        turn = await runner.edit(owner, order.conversation, order.message, order.text, key=order.key)
        return await shown(owner, turn)

    async def rate(owner: str, order: Rate) -> dict[str, Any]:
        rating, comment = order.rating, order.comment
        await db.writing(feedback.give, owner, order.conversation, order.message, rating, comment)
        return {}

    answer(turns, "retry", Retry, retry)
    answer(turns, "edit", Edit, edit)
    answer(turns, "rate", Rate, rate)
