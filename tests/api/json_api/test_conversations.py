"""A user's conversations over HTTP: listed in pages, named, kept, thrown away, taken back."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.json_api.conftest import User

pytestmark = pytest.mark.anyio


async def made(user: User, **body: Any) -> dict[str, Any]:
    response = await user.post("conversations", body)
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


async def ids(user: User, **query: Any) -> list[str]:
    response = await user.get("conversations", params=query)
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()["items"]]


async def test_an_empty_conversation_is_there_at_once(ada: User) -> None:
    response = await ada.post("conversations", {"title": "Sixes", "system_prompt": "Be brief.", "temperature": 0.5})
    talk = response.json()
    assert (talk["title"], talk["system_prompt"], talk["temperature"]) == ("Sixes", "Be brief.", 0.5)
    assert response.headers["location"] == f"conversations/{talk['id']}"
    assert response.headers["etag"] == f'"{talk["version"]}"'
    assert (await ada.get(f"conversations/{talk['id']}")).json() == talk
    assert (await ada.get(f"conversations/{talk['id']}/messages")).json()["items"] == []
    reply = await ada.chat("/plain", conversation_id=talk["id"])
    assert reply["conversation_id"] == talk["id"]


async def test_pages_hold_everything_once_while_the_list_grows(ada: User) -> None:
    expected = [(await made(ada, title=f"Talk {n}"))["id"] for n in range(12)][::-1]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 5}
    while True:
        page = (await ada.get("conversations", params=query)).json()
        seen += [item["id"] for item in page["items"]]
        await made(ada, title="a new one in between")
        if page["next"] is None:
            break
        query["before"] = page["next"]
    assert seen == expected


async def test_words_in_a_title_or_a_message_find_the_conversation(ada: User, bob: User) -> None:
    titled = (await made(ada, title="Pelicans of the south"))["id"]
    talked = (await ada.chat("What do pelicans eat?"))["conversation_id"]
    await ada.chat("And what else do pelicans eat?", conversation_id=talked)
    await bob.chat("pelicans")
    await made(ada, title="Something else")
    assert sorted(await ids(ada, q="pelican")) == sorted([titled, talked])
    assert await ids(ada, q="pelicans eat") == [talked]
    assert await ids(ada, q="nothing of the kind") == []
    await ada.call("PATCH", f"conversations/{titled}", json={"archived": True})
    assert await ids(ada, q="pelican") == [talked]
    assert await ids(ada, q="pelican", state="archived") == [titled]
    await ada.call("DELETE", f"conversations/{titled}")
    assert await ids(ada, q="pelican", state="archived") == []
    assert await ids(ada, q="PELICANS south", state="trash") == [titled]
    assert await ids(ada, q="something", state="trash") == []
    assert (await ada.get("conversations", params={"q": "pelican", "before": "nonsense"})).status_code == 422
    seen: set[str] = set()
    query: dict[str, Any] = {"q": "pelicans", "limit": 1}
    while query.get("before", "") is not None:
        page = (await ada.get("conversations", params=query)).json()
        seen |= {item["id"] for item in page["items"]}
        query["before"] = page["next"]
    assert seen == {talked}


async def test_each_state_has_a_list_of_its_own(ada: User) -> None:
    active, archived, trashed = [(await made(ada))["id"] for _ in range(3)]
    await ada.call("PATCH", f"conversations/{archived}", json={"archived": True})
    assert (await ada.call("DELETE", f"conversations/{trashed}")).status_code == 204
    assert await ids(ada) == await ids(ada, state="active") == [active]
    assert await ids(ada, state="archived") == [archived]
    assert await ids(ada, state="trash") == [trashed]
    assert (await ada.get("conversations", params={"state": "all"})).status_code == 422


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 201}, {"limit": "x"}, {"before": "nonsense"}, {"before": ""}]
)
async def test_a_page_that_cannot_be_is_refused(ada: User, query: dict[str, Any]) -> None:
    response = await ada.get("conversations", params=query)
    assert response.status_code == 422
    assert isinstance(response.json()["detail"], str)


async def test_a_change_changes_what_it_names_and_nothing_else(ada: User) -> None:
    talk = await made(ada, title="One", system_prompt="Be brief.", model="small")
    here = f"conversations/{talk['id']}"
    changed = (await ada.call("PATCH", here, json={"pinned": True, "temperature": 1.5})).json()
    assert changed["pinned_at"] is not None
    assert (changed["title"], changed["system_prompt"], changed["model"], changed["temperature"]) == (
        *("One", "Be brief.", "small"),
        1.5,
    )
    changed = (await ada.call("PATCH", here, json={"pinned": False, "model": None, "title": " Two \n lines "})).json()
    assert (changed["pinned_at"], changed["model"], changed["title"]) == (None, None, "Two lines")
    assert changed["system_prompt"] == "Be brief."
    assert changed["version"] == talk["version"] + 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": ""},
        {"title": "\u200b \n"},
        {"title": None},
        {"title": "x" * 10_001},
        {"pinned": None},
        {"pinned": "yes"},
        {"archived": 1},
        {"temperature": 3},
        {"temperature": True},
        {"system_prompt": "x" * 20_001},
        {"owner": "eve"},
        {"id": str(uuid4())},
        {"version": 7},
        [],
    ],
)
async def test_a_change_that_cannot_be_is_refused_and_changes_nothing(ada: User, body: Any) -> None:
    talk = await made(ada, title="One")
    response = await ada.call("PATCH", f"conversations/{talk['id']}", json=body)
    assert response.status_code == 422, response.text
    assert (await ada.get(f"conversations/{talk['id']}")).json() == talk


async def test_a_change_of_what_has_moved_on_is_refused(ada: User) -> None:
    talk = await made(ada, title="One")
    here, seen = f"conversations/{talk['id']}", f'"{talk["version"]}"'
    first = await ada.call("PATCH", here, json={"title": "Two"}, headers={"If-Match": seen})
    assert (first.status_code, first.headers["etag"]) == (200, f'"{talk["version"] + 1}"')
    late = await ada.call("PATCH", here, json={"title": "Three"}, headers={"If-Match": seen})
    assert late.status_code == 412
    assert (await ada.get(here)).json()["title"] == "Two"
    for wrong in ('"0"', '"nonsense"', 'W/"2"', "x", '"1", "2"', '"99999999999999999999"'):
        moved = await ada.call("PATCH", here, json={"title": "Three"}, headers={"If-Match": wrong})
        assert moved.status_code == 412, wrong
    assert (await ada.call("PATCH", here, json={"title": "Four"}, headers={"If-Match": "*"})).status_code == 200
    missing = await ada.call("PATCH", f"conversations/{uuid4()}", json={"title": "x"}, headers={"If-Match": seen})
    assert missing.status_code == 404


async def test_what_was_thrown_away_comes_back_whole(ada: User) -> None:
    reply = await ada.chat("What is 6 * 7?")
    here = f"conversations/{reply['conversation_id']}"
    before = (await ada.get(f"{here}/messages")).json()
    assert (await ada.call("DELETE", here)).content == b""
    for method, path in (("GET", here), ("GET", f"{here}/messages"), ("DELETE", here), ("GET", f"{here}/events")):
        assert (await ada.call(method, path)).status_code == 404
    restored = await ada.post(f"{here}/restore")
    assert (restored.status_code, restored.json()["trashed_at"]) == (200, None)
    after = (await ada.get(f"{here}/messages")).json()
    assert after["items"] == before["items"]
    assert (await ada.post(f"{here}/restore")).status_code == 404, "it is not in the trash any more"


async def test_throwing_it_away_stops_what_is_being_written(ada: User) -> None:
    talk = await made(ada)
    import asyncio

    waiting = asyncio.create_task(ada.post("chat", {"message": "/slow 20", "conversation_id": talk["id"]}))
    here = f"conversations/{talk['id']}"
    while not (await ada.get(f"{here}/messages")).json()["items"]:
        await asyncio.sleep(0.02)
    await ada.call("DELETE", here)
    assert (await waiting).status_code == 404
    await ada.post(f"{here}/restore")
    async with asyncio.timeout(10):
        while (await ada.get(f"{here}/messages")).json()["items"][-1]["status"] != "stopped":
            await asyncio.sleep(0.05)
