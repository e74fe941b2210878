"""The library, at `/library`: a table of all conversations, archived and deleted ones too; import and export."""

from typing import Any, Literal

import gradio as gr
from pydantic import Field

from convstore import catalogue
from pages import Services, frame, managing, views
from pages.islands import Order, answer, island

PAGE_ROWS = 50


class Sheet(Order):
    """A page of the table."""

    state: Literal["active", "archived", "trash"] = "active"
    text: str = Field(default="", max_length=1000)
    by: Literal["updated", "created", "title", "messages"] = "updated"
    descending: bool = True
    after: str | None = Field(default=None, max_length=2000)


def build(services: Services) -> None:
    """Lay the page out and connect it. To be called within `demo.route`."""
    frame.sidebar(services)
    with gr.Column(elem_id="stage", min_width=0):
        island("top-bar", elem_id="top-bar")
        given = {"name": "Library", "trash_days": services.trash_days, "import_bytes": services.import_bytes}
        table = island("library", elem_id="library", calls=("sheet", "arrange"), settings=given)
    db = services.db

    async def sheet(owner: str, order: Sheet) -> dict[str, Any]:
        wanted = order.model_dump(exclude={"n"})
        found = await db.reading(catalogue.sheet, owner, limit=PAGE_ROWS, **wanted)
        return {"items": [views.row(item) for item in found.items], "next": found.next, "total": found.total}

    async def arrange(owner: str, order: managing.Change) -> dict[str, Any]:
        return await db.writing(managing.apply, owner, order)

    answer(table, "sheet", Sheet, sheet)
    answer(table, "arrange", managing.Change, arrange)
