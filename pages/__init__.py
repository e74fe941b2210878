"""The pages people see, one Gradio page per module.

Nothing here remembers a person: a page draws what its URL names, and every call of it names all it needs.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convstore.database import Database
from convstore.follow import Hub
from convstore.runner import Runner

if TYPE_CHECKING:
    import gradio as gr


async def _no_models() -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Services:
    """What a page gets to work with. All of it is shared by every request of this process."""

    db: Database
    runner: Runner
    hub: Hub
    model_label: str = ""  # who answers, as the page names it
    demo: bool = False  # the offline demo agent answers: the page says so
    models: Callable[[], Awaitable[list[str]]] = _no_models  # to choose from; see `pages.offered`
    signed_in: bool = False  # a gateway says who people are, not a cookie
    trash_days: float = 30
    import_bytes: int = 256_000_000
    max_message_chars: int = 50_000
    window_messages: int = 50
    list_conversations: int = 30


def build(services: Services) -> "gr.Blocks":
    """All pages as one Gradio app, ready to be mounted (`pages.mount`)."""
    import gradio as gr  # `pages.mount` sets what Gradio reads when it is imported

    from pages import chat, library, settings

    with gr.Blocks(title="convstore", analytics_enabled=False, fill_width=True, fill_height=True) as app:
        chat.build(services)
    with app.route("Library", "/library", show_in_navbar=False):
        library.build(services)
    with app.route("Settings", "/settings", show_in_navbar=False):
        settings.build(services)
    return app
