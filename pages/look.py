"""How the pages look, as Gradio's mount wants to be told: a bare theme, and our own scripts and styles in the head.

Modules import each other by relative paths below `/ui/<version>/`, so a browser never mixes those of two releases.
"""

from html import escape
from typing import Any

import gradio as gr

from pages import assets

_STYLES = (
    "tokens",
    "gradio",
    "frame",
    "sidebar",
    "rows",
    "transcript",
    "branching",
    "steps",
    "placeholders",
    "prose",
    "composer",
    "overlays",
    "forms",
    "palette",
    "sheets",
    "library",
    "reading",
    "sharing",
)
# Fetched later: the theme script (it is in the head itself) and the highlighter (with the first code block).
_NOT_PRELOADED = frozenset({"theme.js", "vendor/highlight.js"})


def look() -> dict[str, Any]:
    """Keyword arguments for `pages.mount.mount`."""
    system = gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    return {"theme": system, "head": head()}


def head() -> str:
    """What belongs into the page's head. The theme script comes first and blocks: no flash of the other theme."""
    modules = sorted(path.relative_to(assets.FOLDER).as_posix() for path in assets.FOLDER.rglob("*.js"))
    return "\n".join(
        [
            f'<script src="{escape(assets.url("theme.js"))}"></script>',
            *(f'<link rel="stylesheet" href="{escape(assets.url(f"style/{name}.css"))}">' for name in _STYLES),
            *(
                f'<link rel="modulepreload" href="{escape(assets.url(name))}">'
                for name in modules
                if name not in _NOT_PRELOADED
            ),
            '<meta name="color-scheme" content="light dark">',
        ]
    )
