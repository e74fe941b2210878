"""The messages of a conversation over HTTP: read in stretches, branched, stopped, rated."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from convstore import conversations, messages
from convstore.database import Database
from tests.api.json_api.conftest import User

pytestmark = pytest.mark.anyio
FIELDS = {
    *("id", "parent_id", "position", "role", "content", "status", "siblings", "sibling_index", "tool_calls"),
    *("feedback", "served_by", "created_at"),
}


async def stretch(user: User, talk: str, **query: Any) -> dict[str, Any]:
    response = await user.get(f"conversations/{talk}/messages", params=query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def long_talk(user: User, database: Database, count: int) -> str:
    def write(session: Any) -> str:
        talk = conversations.create(session, user.name, "Long").id
        for n in range(count):
            messages.append(session, user.name, talk, ("user", "assistant")[n % 2], f"message {n}")
        return str(talk)

    return await database.writing(write)


async def test_a_long_conversation_is_read_from_its_end_in_stretches(ada: User, database: Database) -> None:
    talk = await long_talk(ada, database, 23)
    seen: list[str] = []
    page = await stretch(ada, talk, limit=10)
    assert page["items"][-1]["content"] == "message 22"
    while True:
        seen = [item["content"] for item in page["items"]] + seen
        if page["next"] is None:
            break
        page = await stretch(ada, talk, limit=10, before=page["next"])
    assert seen == [f"message {n}" for n in range(23)]
    assert set(page["items"][0]) >= FIELDS
    assert len((await stretch(ada, talk))["items"]) == 23
    one = (await ada.get(f"conversations/{talk}/messages/{page['items'][0]['id']}")).json()
    assert one == page["items"][0]


async def test_a_message_of_another_conversation_is_no_place_in_this_one(ada: User, bob: User) -> None:
    mine, other, foreign = [await user.chat("/plain") for user in (ada, ada, bob)]
    here = f"conversations/{mine['conversation_id']}/messages"
    for reply in (other, foreign, {"message_id": str(uuid4())}):
        for query in ("leaf", "before"):
            assert (await ada.get(here, params={query: reply["message_id"]})).status_code == 404
        for method, path in (("GET", ""), ("POST", "/stop"), ("POST", "/retry")):
            assert (await ada.call(method, f"{here}/{reply['message_id']}{path}")).status_code == 404
        body = {"rating": "up"}
        assert (await ada.post(f"{here}/{reply['message_id']}/feedback", body)).status_code == 404
        edit = {"message": "x"}
        assert (await ada.post(f"{here}/{reply['message_id']}/edit", edit)).status_code == 404
        under = {"message": "x", "conversation_id": mine["conversation_id"], "parent_id": reply["message_id"]}
        assert (await ada.post("chat", under)).status_code == 404
    wrong: list[dict[str, Any]] = [{"leaf": "x"}, {"before": "x"}, {"limit": 0}, {"limit": 201}]
    for asked in wrong:
        assert (await ada.get(here, params=asked)).status_code == 422


async def test_asking_again_makes_a_sibling_and_either_branch_can_be_read(ada: User) -> None:
    first = await ada.chat("/plain")
    here = f"conversations/{first['conversation_id']}/messages"
    response = await ada.post(f"{here}/{first['message_id']}/retry")
    again = response.json()
    assert (response.status_code, again["role"], again["parent_id"]) == (201, "assistant", first["user_message_id"])
    assert again["siblings"] == [first["message_id"], again["id"]]
    assert (again["sibling_index"], again["answer_id"]) == (1, again["id"])
    for leaf in again["siblings"]:
        assert (await stretch(ada, first["conversation_id"], leaf=leaf))["leaf_id"] == leaf
    assert (await ada.post(f"{here}/{first['user_message_id']}/retry")).status_code == 422


async def test_an_edit_makes_a_sibling_with_an_answer_of_its_own(ada: User) -> None:
    first = await ada.chat("What is 6 * 7?")
    here = f"conversations/{first['conversation_id']}/messages"
    response = await ada.post(f"{here}/{first['user_message_id']}/edit", {"message": "What is 6 * 8?"})
    edited = response.json()
    assert (response.status_code, edited["role"], edited["content"]) == (201, "user", "What is 6 * 8?")
    assert edited["siblings"] == [first["user_message_id"], edited["id"]]
    async with asyncio.timeout(10):
        while (answer := (await ada.get(f"{here}/{edited['answer_id']}")).json())["status"] != "complete":
            await asyncio.sleep(0.05)
    assert "48" in answer["content"]
    old = await stretch(ada, first["conversation_id"], leaf=first["message_id"])
    assert [item["content"] for item in old["items"]] == ["What is 6 * 7?", first["response"]]
    assert (await ada.post(f"{here}/{first['message_id']}/edit", {"message": "x"})).status_code == 422
    for wrong in ({}, {"message": ""}, {"message": "x", "role": "system"}, {"text": "x"}):
        assert (await ada.post(f"{here}/{first['user_message_id']}/edit", wrong)).status_code == 422


async def test_a_branch_asked_for_twice_with_one_key_is_made_once(ada: User) -> None:
    first = await ada.chat("/plain")
    here = f"conversations/{first['conversation_id']}/messages"
    key = {"Idempotency-Key": uuid4().hex}
    made = [await ada.post(f"{here}/{first['message_id']}/retry", headers=key) for _ in range(3)]
    assert len({reply.json()["id"] for reply in made}) == 1
    key = {"Idempotency-Key": uuid4().hex}
    body = {"message": "/markdown"}
    edits = [await ada.post(f"{here}/{first['user_message_id']}/edit", body, headers=key) for _ in range(3)]
    assert len({reply.json()["id"] for reply in edits}) == 1
    other = await ada.post(f"{here}/{first['user_message_id']}/edit", {"message": "/plain"}, headers=key)
    assert other.status_code == 409


async def test_stopping_keeps_what_was_said(ada: User) -> None:
    waiting = asyncio.create_task(ada.post("chat", {"message": "/slow 30"}))
    while not (listed := (await ada.get("conversations")).json()["items"]):
        await asyncio.sleep(0.02)
    here = f"conversations/{listed[0]['id']}/messages"
    async with asyncio.timeout(10):
        while not (answer := (await stretch(ada, listed[0]["id"]))["items"][-1])["content"]:
            await asyncio.sleep(0.05)
    assert (await ada.post(f"{here}/{answer['id']}/retry")).status_code == 409, "it is still being written"
    assert (await ada.post(f"{here}/{answer['id']}/stop")).status_code == 200
    reply = (await waiting).json()
    assert (reply["status"], reply["message_id"]) == ("stopped", answer["id"])
    assert reply["response"].startswith(answer["content"])
    again = await ada.post(f"{here}/{answer['id']}/stop")
    assert (again.status_code, again.json()["status"]) == (200, "stopped"), "stopping twice changes nothing"


async def test_an_answer_is_rated_by_its_owner(ada: User) -> None:
    reply = await ada.chat("/plain")
    here = f"conversations/{reply['conversation_id']}/messages"
    for body, feedback in (
        ({"rating": "up", "comment": "Just right \u202e."}, "up"),
        ({"rating": "down"}, "down"),
        ({"rating": None}, None),
    ):
        rated = await ada.post(f"{here}/{reply['message_id']}/feedback", body)
        assert (rated.status_code, rated.json()["feedback"]) == (200, feedback)
        assert (await stretch(ada, reply["conversation_id"]))["items"][-1]["feedback"] == feedback
    for wrong in ({}, {"rating": "great"}, {"rating": "up", "comment": "x" * 4001}, {"rating": "up", "stars": 5}):
        assert (await ada.post(f"{here}/{reply['message_id']}/feedback", wrong)).status_code == 422
    assert (await ada.post(f"{here}/{reply['user_message_id']}/feedback", {"rating": "up"})).status_code == 404
