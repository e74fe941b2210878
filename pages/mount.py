"""Gradio under our application, with everything shut that a server without memory cannot keep or should not offer.

Gradio is built for one process that remembers its visitors. Mounted here it remembers none: no session, no queue, no
file, no run. Each line of `mount` that looks optional closes something; `tests/hardening` shows what.
"""

import inspect
import os
import warnings
from collections.abc import Callable
from copy import copy
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported

import gradio as gr
from gradio.state_holder import SessionState, StateHolder
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import Mount
from starlette.types import Scope

from pages import Services, build, reading
from pages.assets import FOLDER, Assets
from pages.gate import Gate
from pages.look import look
from pages.standing import Standing

APP_ID = 1  # the same on every instance: a page that lost its server compares this, and reloads when it differs

Viewer = Callable[[HTTPConnection], str | None]
IsOurs = Callable[[Scope], bool]


class _NewSession(SessionState):
    """A session that begins with the page as it was built. Gradio's own computes every component's settings first,
    which only deep links need and which costs milliseconds in each call."""

    def __init__(self, blocks: gr.Blocks) -> None:
        self.blocks_config = copy(blocks.default_config)
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, Any] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = 0


class _NoSessions(StateHolder):
    """Gives every call a new session and keeps none: no answer depends on which instance served the last one."""

    def __getitem__(self, session_id: str) -> SessionState:
        return _NewSession(self.blocks)


def mount(app: Starlette, services: Services, viewer: Viewer, is_ours: IsOurs) -> frozenset[str]:
    """Serve all pages at their paths and their own files at `/ui`. Returns the paths of the pages.

    `viewer` says who sent a request (None: 401), `is_ours` whether one of our own pages did. Call it after every other
    route is in place, because it answers for all that is left.
    """
    pages = mount_demo(app, build(services), viewer, is_ours, **look())
    route = app.router.routes[-1]
    assert isinstance(route, Mount)
    assert isinstance(route.app, Gate)
    route.app.page = Standing(route.app.page, reading.is_there(services.db, viewer))
    return pages


def mount_demo(
    app: Starlette, demo: gr.Blocks, viewer: Viewer, is_ours: IsOurs, *, head: str = "", **dress: Any
) -> frozenset[str]:
    """`mount` for any Gradio demo whose listeners pass `check_listeners`.

    `head` is written into the page itself: Gradio would add it from a script, after the first paint. `dress` goes to
    Gradio (theme, css).
    """
    check_listeners(demo)
    app.mount("/ui", Assets())
    icon = FOLDER / "icon.svg"
    demo.app_id = APP_ID
    anything: Any = app
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "SSR mode is not supported")  # we do not ask for it
        gr.mount_gradio_app(
            anything,
            demo,
            path="/",
            auth_dependency=viewer,
            show_error=False,
            run_history=False,
            footer_links=[],
            enable_monitoring=False,  # None would leave it open
            mcp_server=False,
            ssr_mode=False,
            pwa=False,
            max_file_size="1kb",
            allowed_paths=[],
            blocked_paths=["/"],
            favicon_path=str(icon) if icon.exists() else None,
            **dress,
        )
    demo.has_launched = True  # else Gradio skips its own check of file paths in inputs
    demo.extra_startup_events.append(lambda: _close_queue(demo))
    route = app.router.routes[-1]
    assert isinstance(route, Mount)
    gradio_app: Any = route.app
    gradio_app.state_holder = _NoSessions()
    gradio_app.state_holder.set_blocks(demo)
    pages = frozenset(f"/{page[0]}" for page in demo.pages)
    handlers = {index: len(fn.inputs) for index, fn in demo.fns.items() if fn.fn is not None}
    route.app = Gate(gradio_app, pages, handlers, is_ours, head)
    return pages


async def _close_queue(demo: gr.Blocks) -> None:
    # No listener uses it, and unused it wakes up a thousand times a second.
    demo._queue.close()


def check_listeners(demo: gr.Blocks) -> None:
    """Raises `AssertionError` for a listener that would only work on the instance that drew the page."""
    for fn in demo.fns.values():
        name = f"{fn.api_name or fn._id}: "
        assert fn.queue is False, name + "queue=False is missing; the queue lives in one process"
        assert fn.api_visibility == "private", name + "api_visibility='private' is missing"
        assert not fn.batch and not fn.cancels and fn.connection != "stream", name + "not without a queue"
        if fn.fn is None:
            continue
        assert isinstance(fn.api_name, str) and not fn.api_name.startswith("lambda"), name + "needs its own api_name"
        assert not inspect.isgeneratorfunction(fn.fn) and not inspect.isasyncgenfunction(fn.fn), name + "yields"
        assert not any(isinstance(block, gr.State) for block in (*fn.inputs, *fn.outputs)), name + "uses gr.State"
        assert not any(isinstance(block, gr.Chatbot) for block in fn.inputs), name + "takes a Chatbot from the browser"
    assert not demo.renderables, "gr.render listeners exist in one process only"
