"""A message over HTTP and its answer: whole, or as it is written; sent twice, sent wrongly, taken up again."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from convstore import messages
from convstore.database import Database
from tests.api.json_api.conftest import User
from tests.services.api_clients import Reader, Told

pytestmark = pytest.mark.anyio
PLAIN = "This is the demo model. It answers in two short sentences, always the same ones."


def told(response: httpx.Response) -> list[Told]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    blocks = [dict(line.split(": ", 1) for line in block.split("\n")) for block in response.text.split("\n\n") if block]
    return [Told(b["event"], b["id"], json.loads(b["data"])) for b in blocks if "data" in b]


def read(events: list[Told], reader: Reader | None = None) -> Reader:
    reader = reader or Reader()
    for event in events:
        reader.take(event)
    return reader


async def streamed(user: User, message: str, headers: dict[str, str] | None = None, **body: Any) -> list[Told]:
    return told(await user.post("chat", {"message": message, "stream": True, **body}, headers=headers))


async def test_a_message_comes_back_with_its_answer(ada: User, database: Database) -> None:
    reply = await ada.chat("What is 6 * 7?")
    assert reply["response"].endswith("is **42**.")
    assert (reply["status"], reply["served_by"] is not None) == ("complete", True)
    assert reply["usage"]["input_tokens"] > 0
    [call] = reply["tool_calls"]
    assert (call["name"], call["result"], call["status"]) == ("calculator", "42", "complete")
    assert json.loads(call["arguments"]) == {"expression": "6 * 7"}
    assert set(reply) == {
        *("conversation_id", "message_id", "user_message_id", "response"),
        *("tool_calls", "status", "usage", "served_by"),
    }
    kept = await database.reading(messages.window, ada.name, UUID(reply["conversation_id"]))
    assert [str(m.id) for m in kept.messages] == [reply["user_message_id"], reply["message_id"]]


async def test_the_conversation_goes_on_with_its_history(ada: User) -> None:
    first = await ada.chat("/plain")
    second = await ada.chat("/plain", conversation_id=first["conversation_id"])
    assert second["conversation_id"] == first["conversation_id"]
    page = (await ada.get(f"conversations/{first['conversation_id']}/messages")).json()
    assert [m["role"] for m in page["items"]] == ["user", "assistant"] * 2
    assert page["items"][2]["parent_id"] == first["message_id"]


async def test_a_message_below_an_older_answer_is_a_branch(ada: User) -> None:
    first = await ada.chat("/plain")
    talk = first["conversation_id"]
    await ada.chat("one way", conversation_id=talk)
    other = await ada.chat("another way", conversation_id=talk, parent_id=first["message_id"])
    page = (await ada.get(f"conversations/{talk}/messages")).json()
    assert [m["content"] for m in page["items"] if m["role"] == "user"] == ["/plain", "another way"]
    assert page["leaf_id"] == other["message_id"]
    assert (len(page["items"][2]["siblings"]), page["items"][2]["sibling_index"]) == (2, 1)


@pytest.mark.parametrize("asked", ["/plain", "What is 6 * 7?", "/tools", "/markdown", "/reasoning", "/long 3000"])
async def test_the_streamed_pieces_make_the_very_answer(ada: User, asked: str) -> None:
    events = await streamed(ada, asked)
    reader = read(events)
    assert reader.done is not None and reader.done["status"] == "complete"
    assert reader.text == reader.done["response"]
    assert (events[0].name, events[-1].name) == ("start", "done")
    assert events[0].data["message_id"] == reader.done["message_id"]
    calls = [e.data["id"] for e in events if e.name == "tool_call"]
    results = {e.data["id"]: e.data["result"] for e in events if e.name == "tool_result"}
    assert calls == [call["id"] for call in reader.done["tool_calls"]]
    assert results == {call["id"]: call["result"] for call in reader.done["tool_calls"]}


async def test_a_tool_is_told_of_at_its_place_in_the_text(ada: User) -> None:
    before, called = "", False
    for event in await streamed(ada, "What is 6 * 7?"):
        if event.name == "tool_call":
            called = True
            assert before == "Let me work that out."
        before += event.data["text"] if event.name == "delta" else ""
    assert called


async def test_a_stream_can_be_taken_up_after_every_single_event(ada: User) -> None:
    events = await streamed(ada, "What is 6 * 7?")
    whole = read(events)
    for cut in range(len(events)):
        reader = read(events[: cut + 1])
        rest = await streamed(ada, "What is 6 * 7?", {"Last-Event-ID": events[cut].id})
        assert rest[0].name == "start"
        again = read(rest, reader)
        assert (again.text, again.done) == (whole.text, whole.done), f"cut after event {cut}"
        seen = [e for e in [*events[: cut + 1], *rest] if e.name.startswith("tool_")]
        assert len({(e.name, e.data["id"]) for e in seen}) == len(seen), "told twice"
    listed = (await ada.get("conversations")).json()["items"]
    assert [c["message_count"] for c in listed] == [2], "taking it up again sends nothing"


async def test_a_new_message_is_never_mistaken_for_one_that_was_answered(ada: User, bob: User) -> None:
    events = await streamed(ada, "/plain")
    after = {"Last-Event-ID": events[1].id}
    body = {"message": "/markdown", "stream": True}
    assert (await ada.post("chat", body, headers=after)).status_code == 409
    assert (await ada.post("chat", body, headers={"Last-Event-ID": "7.abc"})).status_code == 422
    foreign = await bob.post("chat", {"message": "/plain", "stream": True}, headers=after)
    never = await bob.post(
        "chat",
        {"message": "/plain", "stream": True},
        headers={"Last-Event-ID": f"{uuid4().hex}.{uuid4().hex}.1.5."},
    )
    assert (foreign.status_code, foreign.content) == (404, never.content)


async def test_an_answer_that_fails_says_why_and_keeps_its_text(ada: User) -> None:
    response = await ada.post("chat", {"message": "/breaks_midway"})
    reply = response.json()
    assert (response.status_code, reply["status"]) == (200, "failed")
    assert reply["response"] and "closed the connection" in reply["error"]
    reader = read(await streamed(ada, "/breaks_midway"))
    assert reader.done is not None and (reader.done["status"], reader.text) == ("failed", reader.done["response"])


async def test_the_same_request_twice_is_one_turn_however_it_is_asked_for(ada: User) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    first = await ada.post("chat", {"message": "/slow 0.5"}, headers=key)
    again = await ada.post("chat", {"message": "/slow 0.5"}, headers=key)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    reader = read(await streamed(ada, "/slow 0.5", key))
    assert (reader.done, reader.text) == (first.json(), first.json()["response"])
    other = await ada.post("chat", {"message": "/plain"}, headers=key)
    assert other.status_code == 409
    assert len((await ada.get("conversations")).json()["items"]) == 1


async def test_a_repeated_request_waits_for_the_answer_that_is_being_written(ada: User) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    replies = await asyncio.gather(*(ada.post("chat", {"message": "/slow 0.5"}, headers=key) for _ in range(8)))
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.content for reply in replies}) == 1
    assert replies[0].json()["status"] == "complete"


async def test_one_key_of_two_people_is_two_turns(ada: User, bob: User) -> None:
    key = {"Idempotency-Key": "same"}
    replies = [await user.post("chat", {"message": "/plain"}, headers=key) for user in (ada, bob)]
    assert len({reply.json()["conversation_id"] for reply in replies}) == 2


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 422, "message"),
        ({"message": ""}, 422, "message"),
        ({"message": "   "}, 422, "empty"),
        ({"message": "x" * 50_001}, 422, "50000"),
        ({"message": 1}, 422, "message"),
        ({"message": "hi", "conversation": None}, 422, "conversation"),
        ({"message": "hi", "stream": "yes"}, 422, "stream"),
        ({"message": "hi", "conversation_id": "1"}, 422, "conversation_id"),
        ({"message": "hi", "parent_id": str(uuid4())}, 422, "parent_id"),
        ({"message": "hi", "conversation_id": str(uuid4())}, 404, "Conversation not found"),
        ({"message": "hi", "model": ""}, 422, "model"),
        (["message"], 422, "body"),
        (None, 422, "body"),
    ],
)
async def test_a_wrong_body_is_refused_in_words(ada: User, body: Any, status: int, says: str) -> None:
    response = await ada.post("chat", body)
    assert response.status_code == status
    assert set(response.json()) == {"detail"} and says in response.json()["detail"]
    assert (await ada.get("conversations")).json()["items"] == []


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"message": "' + b"x" * 1_000_000 + b'"}', 413),
        (b'{"message": "\\ud800"}', 422),
        (b'{"\\ud800": 1, "message": "hi"}', 422),
        (b'{"message": "hi", "message2": NaN}', 422),
    ],
)
async def test_a_hostile_body_is_refused_and_never_an_error_of_ours(ada: User, content: bytes, status: int) -> None:
    response = await ada.call("POST", "chat", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == status, response.text
    assert isinstance(response.json()["detail"], str)
    pieces = [content[i : i + 1000] for i in range(0, len(content), 1000)]

    async def unannounced() -> Any:
        for piece in pieces:
            yield piece

    response = await ada.call("POST", "chat", content=unannounced(), headers={"Content-Type": "application/json"})
    assert response.status_code == status, response.text


async def test_any_text_survives_the_way_there_and_back(ada: User) -> None:
    text = 'e\u0301 \U0001f469\u200d\U0001f4bb \u202e\u2028\u2029\x85 \r\n\t\\ " </script> ${x} {{y}} \x00end'
    reply = await ada.chat(text)
    page = (await ada.get(f"conversations/{reply['conversation_id']}/messages")).json()
    assert page["items"][0]["content"] == text.replace("\x00", "\ufffd")
    reader = read(await streamed(ada, text))
    assert reader.done is not None and reader.text == reader.done["response"]
