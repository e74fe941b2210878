"""The chat page: conversations on the left, one of them in the middle, the composer below it.

The layout is Gradio's; what is in it is drawn by `static/`. Each listener finds the person in the request, everything
else in its order, and the truth in the database: any instance answers any call.
"""

from typing import Any
from uuid import UUID

import gradio as gr
from pydantic import Field

from convstore import messages, sharing
from convstore.runner import Runner
from convstore.turns import Turn
from pages import Services, branching, frame, reading, tuning, views
from pages import sharing as share_dialog
from pages.gate import MAX_BODY_BYTES
from pages.islands import Order, answer, island

EXAMPLES = (
    ("Explain something", "Explain how a hash map works, with a small Python example."),
    ("Compare", "Compare SQLite and PostgreSQL for a small web app in a table."),
    ("Use a tool", "What time is it in Tokyo?"),
)


class Send(Order):
    """Write a message. Without a conversation a new one begins; the same key is the same turn."""

    text: str
    key: str = Field(min_length=8, max_length=100)
    conversation: UUID | None = None
    parent: UUID | None = None


class Stop(Order):
    """End every running answer of the conversation; what is written so far is kept."""

    conversation: UUID


def build(services: Services) -> None:
    """Lay the page out and connect it. To be called within `gr.Blocks`."""
    settings = {
        "max_message_chars": services.max_message_chars,
        "max_call_bytes": MAX_BODY_BYTES,
        "demo": services.demo,
        "model_label": services.model_label,
        "tunable": True,
        "examples": [{"title": title, "text": text} for title, text in EXAMPLES],
    }
    frame.sidebar(services)
    with gr.Column(elem_id="stage", min_width=0):
        island("top-bar", elem_id="top-bar", settings=settings)
        transcript = island("transcript", elem_id="transcript", calls=("open",), settings=settings)
        with gr.Column(elem_id="composer", min_width=0):
            island("error-banner", elem_id="error-banner")
            with gr.Row(elem_id="composer-box"):
                gr.Textbox(
                    elem_id="message-box",
                    label="Message",
                    show_label=False,
                    container=False,
                    placeholder="Ask anything",
                    lines=1,
                    max_lines=10,
                )
                gr.Button("Send", elem_id="send-button")
                gr.Button("Stop", elem_id="stop-button")
            turns = island("turns", elem_id="turns", calls=("send", "stop", *branching.CALLS), settings=settings)
        share_dialog.build(services)
        tuning.connect(services, island("tuning", elem_id="tuning", calls=tuning.CALLS))
    _connect(services, transcript, turns)


def _connect(services: Services, transcript: gr.HTML, turns: gr.HTML) -> None:
    db, runner, limit = services.db, services.runner, services.window_messages

    async def shown(owner: str, turn: Turn) -> dict[str, Any]:
        window = await db.reading(messages.window, owner, turn.conversation_id, limit=limit, leaf=turn.answer_id)
        return {"window": views.window(window), "answer": str(turn.answer_id)}

    async def open_(viewer: str, order: reading.Open) -> dict[str, Any]:
        reply = await db.reading(reading.opened, viewer, order, limit)
        if order.entering and not order.as_reader and "reader" in reply:
            await db.writing(sharing.count_opened, order.conversation)
        return reply

    async def send(owner: str, order: Send) -> dict[str, Any]:
        return await shown(owner, await _send(runner, owner, order))

    async def stop(owner: str, order: Stop) -> dict[str, Any]:
        await runner.stop(owner, order.conversation)
        return {}

    answer(transcript, "open", reading.Open, open_)
    answer(turns, "send", Send, send)
    answer(turns, "stop", Stop, stop)
    branching.connect(services, turns, shown)


async def _send(runner: Runner, owner: str, order: Send) -> Turn:
    if order.parent is None:
        return await runner.send(owner, order.text, conversation_id=order.conversation, key=order.key)
    return await runner.send(
        owner, order.text, conversation_id=order.conversation, parent_id=order.parent, key=order.key
    )
