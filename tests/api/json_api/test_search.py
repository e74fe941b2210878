"""Search over HTTP: any text is a query, and what comes back is pieces of text, never markup."""

from typing import Any

import httpx
import pytest

from tests.api.json_api.conftest import User

pytestmark = pytest.mark.anyio


async def found(user: User, q: str, **query: Any) -> dict[str, Any]:
    response = await user.get("search", params={"q": q, **query})
    assert response.status_code == 200, response.text
    page: dict[str, Any] = response.json()
    return page


async def test_a_message_is_found_the_moment_it_is_sent_and_opens_at_its_place(ada: User) -> None:
    reply = await ada.chat("Where do puffins nest?")
    (hit,) = [hit for hit in (await found(ada, "PUFF"))["items"] if hit["role"] == "user"]
    assert (hit["conversation_id"], hit["message_id"]) == (reply["conversation_id"], reply["user_message_id"])
    assert (hit["role"], hit["archived"]) == ("user", False)
    assert hit["snippet"] == [
        {"text": "Where do ", "marked": False},
        {"text": "puff", "marked": True},
        {"text": "ins nest?", "marked": False},
    ]
    page = await ada.get(f"conversations/{hit['conversation_id']}/messages", params={"leaf": hit["message_id"]})
    assert hit["message_id"] in [message["id"] for message in page.json()["items"]]


async def test_a_title_is_found_as_a_conversation(ada: User) -> None:
    talk = (await ada.post("conversations", {"title": "Notes on puffins"})).json()
    (hit,) = (await found(ada, "puffins"))["items"]
    assert (hit["conversation_id"], hit["message_id"], hit["role"]) == (talk["id"], None, None)


async def test_pages_hold_everything_once(ada: User) -> None:
    for n in range(12):
        await ada.post("conversations", {"title": f"Puffin number {n}"})
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 5}
    while True:
        page = await found(ada, "puffin", **query)
        seen += [hit["conversation_id"] for hit in page["items"]]
        if page["next"] is None:
            break
        query["before"] = page["next"]
    assert len(seen) == len(set(seen)) == 12


async def test_others_and_the_trash_are_not_searched(ada: User, bob: User) -> None:
    talk = (await ada.post("conversations", {"title": "Secret puffins"})).json()
    assert (await found(bob, "puffins"))["items"] == []
    await ada.call("DELETE", f"conversations/{talk['id']}")
    assert await found(ada, "puffins") == {"items": [], "next": None}
    await ada.post(f"conversations/{talk['id']}/restore")
    assert len((await found(ada, "puffins"))["items"]) == 1


async def test_markup_comes_back_as_the_text_it_is(ada: User) -> None:
    await ada.chat("<img src=x onerror=alert(1)> puffins & <b>more</b>")
    response = await ada.get("search", params={"q": "img onerror"})
    assert response.headers["content-type"] == "application/json"
    (pieces,) = [hit["snippet"] for hit in response.json()["items"] if hit["role"] == "user"]
    assert "".join(piece["text"] for piece in pieces) == "<img src=x onerror=alert(1)> puffins & <b>more</b>"
    assert [piece["text"] for piece in pieces if piece["marked"]] == ["img", "onerror"]


@pytest.mark.parametrize(
    "q", ["", " ", '"', "a AND (", "*", "\x00", "puf\x00fin", "日本語", "🎉", "'; --", "x" * 10_000]
)
async def test_any_text_is_a_query(ada: User, q: str) -> None:
    assert await found(ada, q) == {"items": [], "next": None}


async def test_bytes_that_are_no_text_are_a_query_too(ada: User, http: httpx.AsyncClient) -> None:
    sent = {"Authorization": f"Bearer {ada.token}"}
    response = await http.get(f"/api/{ada.name}/search?q=%ff%ed%a0%80puffin", headers=sent)
    assert (response.status_code, response.json()) == (200, {"items": [], "next": None})


@pytest.mark.parametrize("query", [{"q": "x", "limit": 0}, {"q": "x", "limit": 201}, {"q": "x", "before": "y"}])
async def test_a_page_that_cannot_be_is_refused(ada: User, query: dict[str, Any]) -> None:
    response = await ada.get("search", params=query)
    assert response.status_code == 422
    assert isinstance(response.json()["detail"], str)
