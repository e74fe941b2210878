"""Take along over HTTP: files out and in, and the end of all of it."""

import json
import zlib
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from convstore.database import Database
from convstore.transfer import receiving
from tests.api.json_api.conftest import User
from tests.store.luggage import chatgpt, conversation, document, node

pytestmark = pytest.mark.anyio

HOSTILE = 'A "quoted" ../../etc/passwd\r\nX-Evil: 1 <img src=x onerror=alert(1)> ünï 🎈'


async def load(user: User, file: bytes) -> dict[str, Any]:
    response = await user.call("POST", "import", content=file)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_everything_goes_out_comes_in_elsewhere_and_goes_out_the_same(ada: User, bob: User) -> None:
    talk = await ada.chat("/plain")
    await ada.chat("/tool", conversation_id=talk["conversation_id"])
    await ada.post(f"conversations/{talk['conversation_id']}/messages/{talk['message_id']}/retry")
    await ada.post(f"conversations/{talk['conversation_id']}/messages/{talk['message_id']}/feedback", {"rating": "up"})
    await ada.chat("/plain")
    out = await ada.get("export")
    assert out.headers["content-type"] == "application/json"
    assert len(out.json()["conversations"]) == 2
    assert await load(bob, out.content) == {"imported": 2, "unchanged": 0, "rejected": []}
    assert await load(bob, out.content) == {"imported": 0, "unchanged": 2, "rejected": []}
    assert await load(ada, out.content) == {"imported": 0, "unchanged": 2, "rejected": []}
    assert (await bob.get("export")).content == out.content
    assert ada.name.encode() not in out.content


async def test_one_conversation_as_json_and_as_markdown(ada: User) -> None:
    talk = (await ada.chat("/plain"))["conversation_id"]
    await ada.call("PATCH", f"conversations/{talk}", json={"title": HOSTILE})
    whole = await ada.get(f"conversations/{talk}/export")
    assert len(whole.json()["conversations"][0]["messages"]) == 2
    text = await ada.get(f"conversations/{talk}/export?format=markdown")
    assert text.headers["content-type"] == "text/markdown; charset=utf-8"
    assert "## 1 · You" in text.text and "<img" not in text.text.replace("\\<", "")
    for response, ending in ((whole, "json"), (text, "md")):
        told = response.headers["content-disposition"]
        assert told.startswith('attachment; filename="') and told.count('"') == 2 and told.isascii()
        assert not set(told) & set("\r\n\\/<>") and f".{ending}" in told
        assert "x-evil" not in response.headers
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
    await ada.call("PATCH", f"conversations/{talk}", json={"title": "日本語"})
    told = (await ada.get(f"conversations/{talk}/export")).headers["content-disposition"]
    assert told == f"attachment; filename=\"conversation.json\"; filename*=UTF-8''{quote('日本語')}.json"
    assert (await ada.get(f"conversations/{talk}/export?format=html")).status_code == 422


async def test_every_branch_or_the_one_that_is_asked_for(ada: User) -> None:
    talk = await ada.chat("/plain")
    path = f"conversations/{talk['conversation_id']}"
    await ada.post(f"{path}/messages/{talk['message_id']}/retry")
    every = (await ada.get(f"{path}/export?format=markdown&all_branches=true")).text
    assert "# Branch 1, from the beginning" in every and "# Branch 2, continues from message 1" in every
    one = (await ada.get(f"{path}/export?format=markdown&leaf={talk['message_id']}")).text
    assert "## 2 · Assistant" in one and "## 3" not in one


async def test_chatgpts_export_is_taken(ada: User) -> None:
    file = json.dumps([chatgpt(node("u", "root", "user", "Hello"), node("a", "u", "assistant", "Hi"))]).encode()
    assert (await load(ada, file))["imported"] == 1
    (found,) = (await ada.get("conversations")).json()["items"]
    shown = (await ada.get(f"conversations/{found['id']}/messages")).json()
    assert [message["content"] for message in shown["items"]] == ["Hello", "Hi"]


async def test_what_cannot_be_imported_is_told_with_a_reason(ada: User) -> None:
    report = await load(ada, document(conversation("a"), conversation("b") | {"title": "Bad", "owner": "ada"}))
    assert report["imported"] == 1
    assert report["rejected"] == [{"number": 2, "title": "Bad", "reason": "owner: Extra inputs are not permitted"}]


@pytest.mark.parametrize(
    "file", [b"", b"7", b"PK\x03\x04" + bytes(5_000), zlib.compress(bytes(10_000)), b"\x1f\x8b\x08"]
)
async def test_what_is_no_export_is_refused(ada: User, file: bytes) -> None:
    response = await ada.call("POST", "import", content=file)
    assert response.status_code == 422, response.text
    assert set(response.json()) == {"detail"}


async def test_a_compressed_body_is_refused_without_being_unpacked(ada: User) -> None:
    bomb = zlib.compress(bytes(50_000_000))
    for encoding in ("gzip", "deflate", "br"):
        response = await ada.call("POST", "import", content=bomb, headers={"Content-Encoding": encoding})
        assert response.status_code == 422


async def test_a_file_that_is_too_large_is_refused_before_it_is_read(ada: User) -> None:
    announced = {"Content-Length": str(receiving.BYTES + 1)}
    response = await ada.call("POST", "import", content=b"[]", headers=announced)
    assert response.status_code == 413


async def test_a_file_larger_than_other_bodies_may_be_is_taken(ada: User) -> None:
    file = document(*(conversation("x" * 500_000, created_at=f"2024-05-06T07:08:0{n}Z") for n in range(5)))
    assert len(file) > 2_000_000
    assert (await load(ada, file))["imported"] == 5


async def test_only_so_many_files_are_imported_at_once(ada: User) -> None:
    held = [receiving._room.acquire(blocking=False) for _ in range(receiving.AT_ONCE)]
    try:
        response = await ada.call("POST", "import", content=b"[]")
    finally:
        receiving._room.release(sum(held))
    assert response.status_code == 429 and "retry-after" in response.headers
    assert (await load(ada, b"[]"))["imported"] == 0


async def test_deleting_everything_needs_the_word_and_then_does_it(ada: User, bob: User, database: Database) -> None:
    talk = (await ada.chat("/plain"))["conversation_id"]
    await bob.chat("/plain")
    theirs = (await bob.get("export")).content
    for body in ({}, {"confirm": ""}, {"confirm": bob.name}, {"confirm": ada.name.upper()}, {"confirm": None}, None):
        refused = await ada.call("DELETE", "everything", json=body)
        assert refused.status_code == 422, body
    assert len((await ada.get("conversations")).json()["items"]) == 1
    gone = await ada.call("DELETE", "everything", json={"confirm": ada.name})
    assert gone.json() == {
        "conversations": 1,
        "messages": 2,
        "overwritten": True if database.dialect == "sqlite" else None,
    }
    assert (await ada.get(f"conversations/{talk}")).status_code == 404
    assert (await ada.get("conversations?state=trash")).json()["items"] == []
    assert (await bob.get("export")).content == theirs


async def test_the_document_is_described(application: FastAPI, http: httpx.AsyncClient) -> None:
    described = (await http.get("/openapi.json")).json()
    schema = described["components"]["schemas"]["Export"]
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"format", "version", "conversations"}
    assert "Conversation" in described["components"]["schemas"], "it took no other shape's name"
