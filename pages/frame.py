"""What every page shares: the sidebar with the list of conversations, and the search that opens over the page."""

import gradio as gr

from pages import Services, managing, searching
from pages.islands import island


def sidebar(services: Services) -> None:
    """The column on the left, connected. To be called within a page's layout."""
    with gr.Column(elem_id="sidebar", min_width=0):
        island("sidebar-head", elem_id="sidebar-head")
        listing = island("conversation-list", elem_id="conversation-list", calls=("more", "arrange"))
        island("sidebar-foot", elem_id="sidebar-foot")
        finder = island("finder", elem_id="finder", calls=("find",))
    managing.connect(services, listing)
    searching.connect(services, finder)
