"""Every route × every kind of token × every state of a conversation: who is let in, and what others learn.

The routes are read from the API's own description, so a new one is in the matrix on the day it is written.
"""

import json
import time
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from fastapi import FastAPI

from tests.api.json_api.conftest import SITE, User
from tests.services.api_clients import SECRET

pytestmark = pytest.mark.anyio

SPACE = "/api/{user_id}/"
STATES = ("live", "trashed", "never")
Answer = tuple[int, bytes, dict[str, str]]


async def ask(
    app: FastAPI, method: str, path: str, token: str | None, body: Any = None, cookie: str | None = None
) -> Answer:
    """Status, body and headers; of an event stream only what comes first, because it has no end."""
    headers = [(b"host", b"chat.example")]
    headers += [(b"authorization", f"Bearer {token}".encode())] if token is not None else []
    headers += [(b"cookie", cookie.encode())] if cookie else []
    data = json.dumps(body).encode() if body is not None else b""
    headers += [(b"content-type", b"application/json")] if body is not None else []
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": ("192.0.2.1", 1),
        "server": ("chat.example", 80),
    }
    sent: list[Any] = []
    unread = [data]

    async def receive() -> dict[str, Any]:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        return {"type": "http.disconnect"}  # the client leaves as soon as it is listened to

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    named = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
    return start["status"], b"".join(message.get("body", b"") for message in sent), named


def routes(app: FastAPI) -> list[tuple[str, str, dict[str, Any]]]:
    """Every route in a user's space, with its description."""
    return [
        (method.upper(), path, operation)
        for path, item in app.openapi()["paths"].items()
        if path.startswith(SPACE)
        for method, operation in item.items()
    ]


def body_for(app: FastAPI, path: str, operation: dict[str, Any], conversation: str) -> Any:
    """A good body for this route."""
    if path.endswith("/chat"):
        return {"message": "/plain", "conversation_id": conversation}
    if "requestBody" not in operation:
        return None
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    names = [found["$ref"] for found in [schema, *schema.get("anyOf", [])] if "$ref" in found]
    return app.openapi()["components"]["schemas"][names[0].rpartition("/")[2]].get("example", {})


async def talks(user: User) -> dict[str, tuple[str, str, str]]:
    """Per state a conversation, a message of its owner in it and the answer."""
    found = {}
    for state in STATES:
        reply = await user.chat("/plain")
        found[state] = (reply["conversation_id"], reply["user_message_id"], reply["message_id"])
    assert (await user.call("DELETE", f"conversations/{found['trashed'][0]}")).status_code == 204
    found["never"] = (str(uuid4()), str(uuid4()), str(uuid4()))
    return found


def filled(path: str, name: str, talk: tuple[str, str, str]) -> str:
    message = talk[1] if path.endswith("/edit") else talk[2]
    return path.replace("{user_id}", name).replace("{conversation_id}", talk[0]).replace("{message_id}", message)


def names_one(method: str, path: str) -> bool:
    """Whether this route is about one conversation, which may be somebody else's."""
    return "{conversation_id}" in path or path.endswith("/chat")


async def test_the_matrix(application: FastAPI, http: httpx.AsyncClient) -> None:
    now = int(time.time())
    expired = jwt.encode({"sub": "x", "exp": now - 60}, SECRET, "HS256")
    forged = jwt.encode({"sub": "x", "exp": now + 60}, "f" * 32, "HS256")
    described = routes(application)
    assert len(described) >= 14
    for method, path, operation in described:
        owner, other = User(f"owner-{uuid4().hex[:8]}", http), User(f"other-{uuid4().hex[:8]}", http)
        theirs = await talks(owner)
        here = f"{method} {path}"

        async def at(
            user: User, token: str | None, state: str, talks: Any = theirs, route: Any = (method, path, operation)
        ) -> Answer:
            body = body_for(application, route[1], route[2], talks[state][0])
            body = {"confirm": user.name} if route[1].endswith("/everything") else body
            return await ask(application, route[0], filled(route[1], user.name, talks[state]), token, body)

        for name, token in {"none": None, "empty": "", "bad": forged, "expired": expired, "words": "ada"}.items():
            answers = [await at(owner, token, state) for state in STATES]
            assert {status for status, *_ in answers} == {401}, f"{here} with token {name}"
            assert len({body for _, body, _ in answers}) == 1, f"{here} with token {name}"
            assert all("www-authenticate" in headers for *_, headers in answers)
        answers = [await at(owner, other.token, state) for state in STATES]
        assert {(status, body) for status, body, _ in answers} == {(403, answers[0][1])}, f"{here} in another's space"

        if names_one(method, path):
            outside = {state: await at(other, other.token, state) for state in STATES}
            assert {status for status, *_ in outside.values()} == {404}, here
            assert len({body for _, body, _ in outside.values()}) == 1, f"{here}: what is theirs shows"
            assert outside["never"][1] == b'{"detail":"Conversation not found"}'
            shown = [{k: v for k, v in h.items() if k not in ("date", "x-request-id")} for *_, h in outside.values()]
            assert shown[0] == shown[1] == shown[2], f"{here}: the headers differ"
            assert (await at(owner, owner.token, "never"))[:2] == outside["never"][:2], here
            trashed = await at(owner, owner.token, "trashed")
            assert trashed[0] == (200 if path.endswith("/restore") else 404), f"{here} in the trash: {trashed}"
        live = await at(owner, owner.token, "live")
        fine = {404} if path.endswith("/restore") else {200, 201, 202, 204}
        assert live[0] in fine, f"{here}: {live}"


async def test_a_cookie_is_nobody_in_the_api_and_a_token_nobody_on_the_page(
    application: FastAPI, http: httpx.AsyncClient, ada: User
) -> None:
    reply = await ada.chat("/plain")
    page = await http.get("/")
    cookie = f"convstore={page.cookies['convstore']}"
    person = page.cookies["convstore"].split(".")[0].strip('"')
    for name in (person, person.replace(":", "%3A"), ada.name):
        for method, path, operation in routes(application):
            body = body_for(application, path, operation, reply["conversation_id"])
            talk = (reply["conversation_id"], reply["user_message_id"], reply["message_id"])
            assert (await ask(application, method, filled(path, name, talk), None, body, cookie))[0] == 401
    told = {"Authorization": f"Bearer {ada.token}", "Origin": SITE, "Sec-Fetch-Site": "same-origin"}
    assert (await http.get(f"/events/{reply['conversation_id']}", headers=told)).status_code == 404
    assert person.startswith("anon:")


async def test_what_is_not_there_needs_a_token_too_and_then_says_so(ada: User, bob: User) -> None:
    for path in ("nothing", "chat/", "conversations/x/y/z", ""):
        assert (await ada.http.get(f"/api/{ada.name}/{path}")).status_code == 401
        assert (await ada.get(path)).status_code == 404
        assert (await ada.call("GET", f"../{bob.name}/{path}")).status_code == 403
    refused = await ada.call("DELETE", "chat")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    refused = await ada.call("PUT", "conversations")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize("key", ["nonsense", "00000000", "{id}", "%00", "0197A2C4-6F3E-7C31-9D5A", "..", "🦆"])
async def test_what_is_no_id_is_not_found_like_any_other(ada: User, key: str) -> None:
    expected = await ada.get(f"conversations/{uuid4()}")
    found = await ada.get(f"conversations/{key}")
    if key != "..":  # which a client resolves by itself
        assert (found.status_code, found.content) == (404, expected.content)
    talk = (await ada.chat("/plain"))["conversation_id"]
    for spelled in (talk.replace("-", ""), f"{{{talk}}}", f"urn:uuid:{talk}"):
        assert (await ada.get(f"conversations/{spelled}")).status_code == 404
    assert (await ada.get(f"conversations/{talk.upper()}")).status_code == 200
