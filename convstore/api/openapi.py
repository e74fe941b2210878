"""What `/openapi.json` says beyond what the routes say of themselves: the API as a whole, its errors, its streams."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from convstore.api.schemas import Problem

ABOUT = Path(__file__).with_name("static") / "about.md"
TAGS = [
    {"name": "Chat", "description": "A message in, an answer out."},
    {"name": "Conversations", "description": "Listing, naming, keeping, deleting."},
    {"name": "Messages", "description": "The tree of a conversation, read as the newest stretch of one branch."},
]
PROBLEMS = {
    400: "The body is not JSON",
    401: "No good token",
    403: "The token is for another user",
    404: "Not there, or not yours",
    409: "It has changed meanwhile, or the Idempotency-Key was used for something else",
    412: "The conversation is not at the version that If-Match names",
    413: "The body is too large",
    422: "A field is missing, unknown or out of bounds",
    429: "One of the limits per user is reached",
    503: "The database, or the keys for tokens, cannot be reached",
}
RETRY = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}}
CHALLENGE = {"WWW-Authenticate": {"description": "RFC 6750", "schema": {"type": "string"}}}
HEADERS = {401: CHALLENGE, 429: RETRY, 503: RETRY}

ID = "0197a2c46f3e7c319d5a0b1c2d3e4f50.0197a2c46f407a13a7fc2d3e4f506172.1"


def _fields(**types: str | dict[str, Any]) -> dict[str, Any]:
    shaped = {name: {"type": kind} if isinstance(kind, str) else kind for name, kind in types.items()}
    return {"type": "object", "properties": shaped, "required": list(shaped)}


def _stream(example: str, **events: dict[str, Any]) -> dict[str, Any]:
    """An event stream's `content`: each event by name with the shape of its data, as OpenAPI 3.2 reads it."""
    named = [
        _fields(event={"const": name}, data={"contentMediaType": "application/json", "contentSchema": shape})
        for name, shape in events.items()
    ]
    each = _fields(event="string", id="string", data="string") | {"oneOf": named}
    return {"text/event-stream": {"schema": each, "example": example}}


_CALL = {"id": "string", "name": "string"}
_ANSWER = {"message_id": "string", "attempt": "integer", "seq": "integer"}
_NOTHING = {"type": "object"}
CHAT_STREAM = _stream(
    f'event: delta\nid: {ID}.12.\ndata: {{"text":"Let me work "}}\n\n'
    f'event: done\nid: {ID}.38.2\ndata: {{"conversation_id":"…","response":"…","status":"complete"}}\n\n',
    start=_fields(conversation_id="string", message_id="string", user_message_id="string"),
    delta=_fields(text="string"),
    tool_call=_fields(**_CALL, arguments="string"),
    tool_result=_fields(**_CALL, result={"type": ["string", "null"]}, status="string"),
    reset=_NOTHING,
    done={"$ref": "#/components/schemas/ChatReply"},
    gone=_NOTHING,
)
EVENT_STREAM = _stream(
    'event: changed\nid: 4\ndata: {"version":4}\n\n',
    ready=_fields(version="integer"),
    changed=_fields(version="integer"),
    answer=_fields(**_ANSWER, text="string", reasoning="string"),
    delta=_fields(**_ANSWER, kind={"enum": ["text", "reasoning"]}, text="string"),
    gone=_NOTHING,
)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors a route can answer with, for its `responses`."""
    return {
        status: {"model": Problem, "description": PROBLEMS[status], "headers": HEADERS.get(status, {})}
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Have the application describe itself this way."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = get_openapi(
                title=app.title,
                version=app.version,
                description=ABOUT.read_text(encoding="utf-8"),
                tags=TAGS,
                routes=app.routes,
            )
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]
