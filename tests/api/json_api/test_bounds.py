"""The settings draw the bounds: how large, how long, how many, and for how long a request waits."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.json_api.conftest import User
from tests.api.json_api.test_chat import read, streamed
from tests.services.api_clients import Reader

pytestmark = pytest.mark.anyio
SETTINGS: dict[str, Any] = {
    "api_wait_seconds": 1.5,
    "max_body_bytes": 10_000,
    "max_message_chars": 100,
    "max_page_items": 3,
    "max_conversation_messages": 4,
    "limit_running_answers": 2,
}


async def test_a_message_or_a_body_that_is_too_long_is_refused(ada: User) -> None:
    assert (await ada.post("chat", {"message": "x" * 100})).status_code in (200, 202)  # taken, answered or not yet
    long = await ada.post("chat", {"message": "x" * 101})
    assert (long.status_code, "100" in long.json()["detail"]) == (422, True)
    large = await ada.post("chat", {"message": "x" * 10_000})
    assert (large.status_code, "10,000" in large.json()["detail"]) == (413, True)


async def test_a_page_has_no_more_items_than_there_may_be(ada: User) -> None:
    for _ in range(4):
        await ada.post("conversations", {})
    page = (await ada.get("conversations")).json()
    assert (len(page["items"]), page["next"] is not None) == (3, True)
    assert (await ada.get("conversations", params={"limit": 4})).status_code == 422


async def test_a_full_conversation_takes_no_more(ada: User) -> None:
    talk = (await ada.chat("/plain"))["conversation_id"]
    await ada.chat("/plain", conversation_id=talk)
    full = await ada.post("chat", {"message": "/plain", "conversation_id": talk})
    assert (full.status_code, "new one" in full.json()["detail"]) == (409, True)
    assert len((await ada.get(f"conversations/{talk}/messages", params={"limit": 3})).json()["items"]) == 3


async def test_a_wait_ends_with_what_there_is_and_can_be_taken_up(ada: User) -> None:
    key = {"Idempotency-Key": "once"}
    response = await ada.post("chat", {"message": "/slow 4"}, headers=key)
    held = response.json()
    assert (response.status_code, held["status"]) == (202, "streaming")
    assert held["response"]
    async with asyncio.timeout(15):
        while (response := await ada.post("chat", {"message": "/slow 4"}, headers=key)).status_code == 202:
            assert response.json()["message_id"] == held["message_id"]
    reply = response.json()
    assert (reply["status"], reply["message_id"]) == ("complete", held["message_id"])
    assert reply["response"].startswith(held["response"])


async def test_a_stream_is_as_long_as_its_answer(ada: User) -> None:
    reader: Reader = read(await streamed(ada, "/slow 4"))
    assert reader.done is not None and reader.done["status"] == "complete"


async def test_who_runs_too_many_at_once_is_told_when_to_come_again(ada: User) -> None:
    replies: list[httpx.Response] = [await ada.post("chat", {"message": "/slow 9"}) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [202, 202, 429]
    assert int(replies[2].headers["retry-after"]) >= 1
    assert set(replies[2].json()) == {"detail"}
