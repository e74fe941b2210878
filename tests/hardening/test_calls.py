"""A call of a handler: only the shape that our own pages send gets through."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.hardening.conftest import SITE, Tiny

pytestmark = pytest.mark.anyio
CALL = "/gradio_api/run/predict"
FILE = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}


async def call(browser: httpx.AsyncClient, index: int, *data: Any, **more: Any) -> httpx.Response:
    return await browser.post(CALL, json={"data": list(data), "fn_index": index, "session_hash": "abc", **more})


async def test_a_call_from_the_page_reaches_the_handler_with_the_person_who_made_it(
    tiny: Tiny, browser: httpx.AsyncClient
) -> None:
    response = await call(browser, tiny.index("echo"), "hello")
    assert response.status_code == 200
    assert response.json()["data"][0].startswith("anon:")
    assert response.json()["data"][0].endswith(": hello")


async def test_the_query_of_the_page_reaches_the_handler(tiny: Tiny, browser: httpx.AsyncClient) -> None:
    body = {"data": ["x"], "fn_index": tiny.index("echo")}
    assert (await browser.post(CALL + "?c=42", json=body)).status_code == 200
    assert tiny.requests[0].query_params["c"] == "42"


async def test_without_an_identity_nothing_is_called(tiny: Tiny) -> None:
    async with tiny.client() as stranger:
        assert (await call(stranger, tiny.index("echo"), "x")).status_code == 401
    assert tiny.calls == []


@pytest.mark.parametrize(
    "value",
    [
        FILE,
        {"path": "/etc/passwd"},
        {"path": "x", "url": "http://169.254.169.254/", "meta": {"_type": "gradio.FileData"}},
        {"text": "x", "files": [FILE]},
        {"a": {"b": FILE}},
        [FILE],
        ["a list"],
        {"meta": 1},
    ],
    ids=repr,
)
async def test_files_and_nested_values_are_refused_in_any_input(
    tiny: Tiny, browser: httpx.AsyncClient, value: Any
) -> None:
    for data in ((value, None), ("x", value)):
        assert (await call(browser, tiny.index("both"), *data)).status_code == 422
    assert (await call(browser, tiny.index("echo"), value)).status_code == 422
    assert tiny.calls == []


async def test_a_file_is_refused_in_the_data_of_an_event(tiny: Tiny, browser: httpx.AsyncClient) -> None:
    response = await call(browser, tiny.index("echo"), "x", event_data={"value": {"nested": [FILE]}})
    assert response.status_code == 422
    assert tiny.calls == []


async def test_gradio_itself_refuses_a_file_that_nobody_uploaded(tiny: Tiny) -> None:
    """The second wall: what `demo.has_launched` switches on, should the gate ever have a hole."""
    from gradio.context import LocalContext
    from gradio.exceptions import InvalidPathError
    from gradio.processing_utils import _check_allowed

    token = LocalContext.blocks.set(tiny.demo)
    try:
        with pytest.raises(InvalidPathError):
            _check_allowed("/etc/passwd", check_in_upload_folder=True)
    finally:
        LocalContext.blocks.reset(token)


async def test_a_small_flat_object_is_let_through(tiny: Tiny, browser: httpx.AsyncClient) -> None:
    assert (await call(browser, tiny.index("both"), "x", {"seq": 1, "text": "y"})).status_code == 200
    assert tiny.calls == [("x", {"seq": 1, "text": "y"})]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": SITE, "Sec-Fetch-Site": "same-site"},
        {"Origin": SITE, "Sec-Fetch-Site": "none"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": ""},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    ],
    ids=repr,
)
async def test_a_call_that_another_site_started_is_refused(
    tiny: Tiny, browser: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    body = {"data": ["x"], "fn_index": tiny.index("echo")}
    assert (await browser.post(CALL, json=body, headers=headers)).status_code == 403
    assert tiny.calls == []


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 403),
        ("null", 403),
        ("http://evil.example", 403),
        (f"{SITE}:8080", 403),
        ("ftp://chat.example", 403),
        (SITE, 200),
    ],
)
async def test_over_plain_http_the_origin_alone_decides(
    tiny: Tiny, browser: httpx.AsyncClient, origin: str | None, status: int
) -> None:
    del browser.headers["Sec-Fetch-Site"], browser.headers["Origin"]
    headers = {"Origin": origin} if origin else {}
    body = {"data": ["x"], "fn_index": tiny.index("echo")}
    assert (await browser.post(CALL, json=body, headers=headers)).status_code == status


async def test_a_call_over_400_kb_is_refused_however_it_is_sent(tiny: Tiny, browser: httpx.AsyncClient) -> None:
    body = json.dumps({"data": ["x" * 400_001], "fn_index": tiny.index("echo")}).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 10_000):
            yield body[at : at + 10_000]

    kind = {"Content-Type": "application/json"}
    assert (await browser.post(CALL, content=body, headers=kind)).status_code == 413
    assert (await browser.post(CALL, content=pieces(), headers=kind)).status_code == 413
    assert (await browser.post(CALL, content=b"{}", headers=kind | {"Content-Length": "-1"})).status_code == 413
    assert tiny.calls == []


async def test_a_message_of_the_longest_length_gets_through(tiny: Tiny, browser: httpx.AsyncClient) -> None:
    assert (await call(browser, tiny.index("echo"), "ж" * 50_000)).status_code == 200


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"data": ["x"], "fn_index": 0}', "text/plain", 415),
        (b'{"data": ["x"], "fn_index": 0}', "multipart/form-data; boundary=x", 415),
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"[]", "application/json", 422),
        (b"{}", "application/json", 404),
        (b'{"data": ["x"], "fn_index": true}', "application/json", 404),
        (b'{"data": ["x"], "fn_index": "0"}', "application/json", 404),
        (b'{"data": ["x"], "fn_index": 99}', "application/json", 404),
        (b'{"data": ["x"], "fn_index": -1}', "application/json", 404),
        (b'{"data": [], "fn_index": 0}', "application/json", 422),
        (b'{"data": ["x", "y"], "fn_index": 0}', "application/json", 422),
        (b'{"data": {"0": "x"}, "fn_index": 0}', "application/json", 422),
    ],
)
async def test_nonsense_is_refused_and_never_a_server_error(
    tiny: Tiny, browser: httpx.AsyncClient, body: bytes, kind: str, status: int
) -> None:
    assert (await browser.post(CALL, content=body, headers={"Content-Type": kind})).status_code == status
    assert tiny.calls == []


async def test_parts_of_a_call_that_no_page_sends_do_not_arrive(tiny: Tiny, browser: httpx.AsyncClient) -> None:
    more = {"batched": True, "simple_format": True, "oauth_token": "t", "event_id": "e", "request": {"x": 1}}
    assert (await call(browser, tiny.index("echo"), "x", **more)).status_code == 200
    assert tiny.calls == [("x",)]
    assert tiny.requests[0].session_hash is None


async def test_the_process_remembers_nothing_about_its_callers(tiny: Tiny, browser: httpx.AsyncClient) -> None:
    for number in range(20):
        assert (await call(browser, tiny.index("change"), session_hash=f"person-{number}")).status_code == 200
    assert len(tiny.demo.state_holder.session_data) == 0
    assert "another label" not in {getattr(block, "label", None) for block in tiny.demo.blocks.values()}


async def test_headers_by_which_gradio_can_be_steered_do_not_arrive(tiny: Tiny, browser: httpx.AsyncClient) -> None:
    steering = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Gradio-Server": "http://evil.example",
        "X-Gradio-History-Bucket": "evil/bucket",
        "X-Gradio-User": "mcp",
    }
    body = {"data": ["x"], "fn_index": tiny.index("echo")}
    assert (await browser.post(CALL, json=body, headers=steering)).status_code == 200
    arrived = {name.lower() for name in dict(tiny.requests[0].headers)}
    assert not arrived & {name.lower() for name in steering}
    for path in ("/", "/config"):
        page = await browser.get(path, headers=steering)
        assert "evil" not in page.text
        assert "https://chat.example" not in page.text


async def test_a_trusted_proxy_may_say_under_which_name_people_see_the_site(tiny: Tiny) -> None:
    forwarded = {"X-Forwarded-Host": "public.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    async with tiny.client("10.0.0.1") as proxy:
        page = await proxy.get("/", headers=forwarded)
        assert '"root":"https://public.example"' in page.text
        assert "Secure" in page.headers["set-cookie"]
