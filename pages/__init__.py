"""The pages people see, one Gradio page per module.

Nothing here remembers a person: a page draws what its URL names, and every call of it names all it needs.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from convstore.database import Database
from convstore.follow import Hub
from convstore.runner import Runner

if TYPE_CHECKING:
    import gradio as gr


@dataclass(frozen=True, slots=True)
class Services:
    """What a page gets to work with. All of it is shared by every request of this process."""

    db: Database
    runner: Runner
    hub: Hub
    model_label: str = ""  # who answers, as the page names it
    demo: bool = False  # the offline demo agent answers: the page says so
    max_message_chars: int = 50_000
    window_messages: int = 50
    list_conversations: int = 30


def build(services: Services) -> "gr.Blocks":
    """All pages as one Gradio app, ready to be mounted (`pages.mount`)."""
    import gradio as gr  # `pages.mount` sets what Gradio reads when it is imported

    from pages import chat

    with gr.Blocks(title="convstore", analytics_enabled=False, fill_width=True, fill_height=True) as app:
        chat.build(services)
    return app
