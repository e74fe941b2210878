"""Pieces of the page that our own ES modules draw, and the calls they make.

An island is a `gr.HTML` without a template: Gradio evaluates what goes through a template as JavaScript, so nothing a
person or a model wrote ever does. Its value is one JSON text: on the way up the order of a call, on the way down the
reply to it. One string is also the only thing Gradio neither copies deeply nor searches for files.
"""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import gradio as gr
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from convstore.errors import Conflict, ConvstoreError, Invalid, LimitReached, NotFound, Unavailable
from pages import assets

log = logging.getLogger(__name__)

_KINDS: tuple[tuple[type[ConvstoreError], str], ...] = (
    (NotFound, "not_found"),
    (Conflict, "conflict"),
    (Invalid, "invalid"),
    (LimitReached, "limit"),
    (Unavailable, "unavailable"),
)
_ORDER_CHARACTERS = 2_000_000  # the mount bounds the body; this bounds what is parsed if someone mounts it otherwise


class Order(BaseModel):
    """What a call asks for. Anybody can post anything: a field that is not declared here is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n: int = Field(ge=0, le=2**53)  # the browser's number of this call, given back with the reply


def island(kind: str, *, elem_id: str, calls: tuple[str, ...] = (), settings: dict[str, Any] | None = None) -> gr.HTML:
    """An element that `static/main.js` fills. `calls` are the events it can trigger; `answer` gives each its listener.

    A function, not a subclass of `gr.HTML`: Gradio writes a `.pyi` file beside the source of every subclass.
    """
    given = ", ".join(json.dumps(part) for part in (calls, settings or {}))
    assert not {"change", "input", "submit", "load"} & set(calls), "Gradio fires events of these names by itself"
    # Gradio takes the names of custom events from the quoted words in this text.
    arrival = (
        f"import({json.dumps(assets.url('main.js'))})"
        f".then((page) => page.arrive({json.dumps(kind)}, {{element, props, trigger, watch}}, {given}))"
    )
    return gr.HTML(
        value="",
        html_template="<div></div>",
        js_on_load=arrival,
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes=["island"],
    )


Handler = Callable[[str, Any], Awaitable[dict[str, Any]]]


def answer(place: gr.HTML, call: str, order_type: type[Order], handler: Handler) -> None:
    """Let `handler(owner, order)` answer that call of that island. Its errors become a reply that the page shows."""

    async def listen(text: str, request: gr.Request) -> str:
        return await _reply(text, request.username, order_type, handler)

    event = getattr(place, call)
    event(
        listen,
        inputs=[place],
        outputs=[place],
        queue=False,
        api_name="_".join(filter(None, (place.page, place.elem_id, call))).replace("-", "_"),  # pages share islands
        api_visibility="private",
        show_progress="hidden",
        trigger_mode="multiple",
    ).failure(
        # The server could not be asked, or its answer was not ours: the page tells the person and keeps the draft.
        None,
        js=f"() => {{ window.convstore?.failed({json.dumps(place.elem_id)}); return []; }}",
        queue=False,
        api_visibility="private",
    )


async def _reply(text: str, username: str | None, order_type: type[Order], handler: Handler) -> str:
    n = -1
    try:
        if not username:
            raise Invalid("Your session has ended. Reload the page.")
        if not isinstance(text, str) or len(text) > _ORDER_CHARACTERS:
            raise Invalid("This call cannot be understood. Reload the page.")
        order = order_type.model_validate_json(text)
        n = order.n
        reply: dict[str, Any] = {"n": n, "data": await handler(username, order)}
    except ValidationError:
        reply = {"n": n, "error": {"kind": "invalid", "message": "This call cannot be understood. Reload the page."}}
    except ConvstoreError as error:
        reply = {"n": n, "error": {"kind": _kind(error), "message": str(error)}}
        if isinstance(error, LimitReached):
            reply["error"]["retry_after_seconds"] = error.retry_after_seconds
    except Exception:
        log.exception("a call of the page failed")
        message = "Something went wrong on the server. Nothing you wrote is lost; try again in a moment."
        reply = {"n": n, "error": {"kind": "internal", "message": message}}
    return json.dumps(reply, ensure_ascii=False, separators=(",", ":"))


def _kind(error: ConvstoreError) -> str:
    return next((kind for known, kind in _KINDS if isinstance(error, known)), "internal")
