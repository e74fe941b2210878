"""Sharing by ID over HTTP: an owner with a token, readers without any."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import update
from sqlmodel import Session, col

from convstore.clock import now
from convstore.database import Database
from convstore.models import Share
from tests.api.json_api.conftest import User

pytestmark = pytest.mark.anyio


async def shared(user: User, message: str = "/plain", **body: Any) -> dict[str, Any]:
    """A chat that anyone may read."""
    reply = await user.chat(message)
    response = await user.call("PUT", f"conversations/{reply['conversation_id']}/share", json={"mode": "live"} | body)
    assert response.status_code == 200, response.text
    return reply


async def test_anyone_with_the_id_reads_it_without_a_token(ada: User, http: httpx.AsyncClient) -> None:
    reply = await shared(ada)
    response = await http.get(f"/api/shared/{reply['conversation_id']}")
    assert response.status_code == 200
    found = response.json()
    assert [message["content"] for message in found["items"]][1] == reply["response"]
    assert (found["mode"], found["expires_at"], found["next"]) == ("live", None, None)
    assert ada.name not in response.text
    assert not {"owner", "system_prompt", "served_by", "feedback"} & (set(found) | set(found["items"][1]))
    assert response.headers["x-robots-tag"].startswith("noindex")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"


async def test_every_closed_door_looks_the_same(ada: User, http: httpx.AsyncClient, database: Database) -> None:
    private = (await ada.chat("/plain"))["conversation_id"]
    revoked, expired, trashed = [(await shared(ada))["conversation_id"] for _ in range(3)]
    await ada.call("DELETE", f"conversations/{revoked}/share")
    await ada.call("DELETE", f"conversations/{trashed}")

    def expire(session: Session) -> None:
        past = update(Share).where(col(Share.conversation_id) == UUID(expired)).values(expires_at=now(-1))
        session.execute(past)

    await database.writing(expire)
    for path in ("", "/events", "?limit=5", f"?before={uuid4()}"):
        answers = [
            await http.get(f"/api/shared/{key}{path}")
            for key in (str(uuid4()), private, revoked, expired, trashed, "nonsense", revoked.replace("-", ""))
        ]
        assert {answer.status_code for answer in answers} == {404}
        assert {answer.content for answer in answers} == {b'{"detail":"Conversation not found"}'}
        told = [{k: v for k, v in answer.headers.items() if k != "x-request-id"} for answer in answers]
        assert all(each == told[0] for each in told)
        assert told[0]["x-robots-tag"].startswith("noindex")


async def test_a_token_or_a_cookie_opens_no_other_door(ada: User, bob: User, http: httpx.AsyncClient) -> None:
    private = (await ada.chat("/plain"))["conversation_id"]
    told = {"Authorization": f"Bearer {ada.token}"}
    assert (await http.get(f"/api/shared/{private}", headers=told)).status_code == 404
    assert (await bob.call("PUT", f"conversations/{private}/share", json={"mode": "live"})).status_code == 404
    assert (await bob.call("DELETE", f"conversations/{private}/share")).status_code == 404
    assert (await bob.get(f"conversations/{private}/share")).status_code == 404


async def test_the_owner_sees_how_it_is_shared_and_how_often_it_was_opened(ada: User, http: httpx.AsyncClient) -> None:
    talk = (await ada.chat("/plain"))["conversation_id"]
    assert (await ada.get(f"conversations/{talk}/share")).json() is None
    await ada.call("PUT", f"conversations/{talk}/share", json={"mode": "live", "expires_at": "2100-01-01T00:00:00Z"})
    for _ in range(3):
        await http.get(f"/api/shared/{talk}")
    door = (await ada.get(f"conversations/{talk}/share")).json()
    assert (door["mode"], door["opened"], door["expires_at"]) == ("live", 3, "2100-01-01T00:00:00Z")
    assert (await ada.call("DELETE", f"conversations/{talk}/share")).status_code == 204
    assert (await ada.get(f"conversations/{talk}/share")).json() is None


async def test_a_snapshot_ends_where_it_was_told_to(ada: User, http: httpx.AsyncClient) -> None:
    reply = await ada.chat("/plain")
    talk = reply["conversation_id"]
    await ada.chat("/plain", conversation_id=talk)
    body = {"mode": "snapshot", "until_message_id": reply["message_id"]}
    assert (await ada.call("PUT", f"conversations/{talk}/share", json=body)).status_code == 200
    found = (await http.get(f"/api/shared/{talk}")).json()
    assert [message["id"] for message in found["items"]] == [reply["user_message_id"], reply["message_id"]]


async def test_a_long_one_is_read_in_pages(ada: User, http: httpx.AsyncClient) -> None:
    reply = await shared(ada)
    await ada.chat("/plain", conversation_id=reply["conversation_id"])
    newest = (await http.get(f"/api/shared/{reply['conversation_id']}?limit=3")).json()
    assert len(newest["items"]) == 3
    older = (await http.get(f"/api/shared/{reply['conversation_id']}?limit=3&before={newest['next']}")).json()
    assert [message["id"] for message in older["items"]] == [reply["user_message_id"]]
    assert older["next"] is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"mode": "public"},
        {"mode": "live", "owner": "x"},
        {"mode": "live", "expires_at": "2100-01-01T00:00:00"},
        {"mode": "live", "expires_at": "2001-01-01T00:00:00Z"},
        {"mode": "live", "tool_arguments": 1},
        {"mode": "live", "until_message_id": str(uuid4())},
        {"mode": "snapshot", "until_message_id": str(uuid4())},
    ],
)
async def test_what_cannot_be_shared_is_refused(ada: User, body: dict[str, Any]) -> None:
    talk = (await ada.chat("/plain"))["conversation_id"]
    response = await ada.call("PUT", f"conversations/{talk}/share", json=body)
    assert response.status_code == 422, response.text


async def test_a_reader_takes_a_copy_that_says_where_it_came_from(ada: User, bob: User) -> None:
    reply = await shared(ada)
    talk = reply["conversation_id"]
    copy = await bob.post(f"conversations/{talk}/fork")
    assert copy.status_code == 201
    assert copy.json()["forked_from"] == talk
    shown = (await bob.get(f"conversations/{copy.json()['id']}/messages")).json()
    assert [message["content"] for message in shown["items"]][1] == reply["response"]
    again = await bob.post(f"conversations/{talk}/fork", {"until_message_id": reply["message_id"]})
    assert again.status_code == 201
    assert (await bob.post(f"conversations/{talk}/fork", {"until": 1})).status_code == 422
    await ada.call("DELETE", f"conversations/{talk}/share")
    assert (await bob.post(f"conversations/{talk}/fork")).status_code == 404
    assert (await ada.post(f"conversations/{talk}/fork")).status_code == 201, "one's own needs no sharing"
    assert (await bob.chat("/plain", conversation_id=copy.json()["id"]))["response"]
