"""Search as one types, over titles and messages. A hit is pieces of text, some of them marked: never markup."""

from typing import Any

import gradio as gr
from pydantic import Field

from convstore import search
from pages import Services, views
from pages.islands import Order, answer

HITS = 30


class Find(Order):
    """What to look for. Any text is a query."""

    query: str = Field(max_length=1000)


def connect(services: Services, finder: gr.HTML) -> None:
    """Let the palette search."""

    async def find(owner: str, order: Find) -> dict[str, Any]:
        found = await services.db.reading(search.find, owner, order.query, limit=HITS)
        return {"items": [views.hit(hit) for hit in found.hits]}

    answer(finder, "find", Find, find)
