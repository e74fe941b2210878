"""Sharing by ID: the owner on one instance, readers without any login on the other, PostgreSQL below."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.chatting import FIELD, answered, conversation_id, last_answer, send
from tests.e2e.sharing import STOPWATCH, close, expire, not_found, share
from tests.e2e.two_instances import site
from tests.services.browser import Visitor
from tests.services.instances import Cluster

MOST_LAG_SECONDS = 0.5
GONE_WITHIN_SECONDS = 2.0


__all__ = ["site"]


@pytest.fixture
def reader(site: Cluster, visit: Callable[..., Visitor]) -> Visitor:
    """Somebody else, who has no cookie yet and nothing loaded."""
    somebody = visit(site.url, "/healthz")
    somebody.record.tolerate("404")
    return somebody


def test_private_until_shared_and_again_when_it_stops(visitor: Visitor, reader: Visitor, site: Cluster) -> None:
    page = visitor.page
    answered(page, "/plain a secret")
    path = f"/?c={conversation_id(page)}"
    response = reader.page.goto(site.url + path)
    assert response and response.status == 404
    not_found(reader.page)

    link = share(page)
    assert link == f"{site.url}/c/{conversation_id(page)}"
    expect(page.locator("#share-button")).to_contain_text("Shared live")
    response = reader.page.goto(link)
    assert response and response.status == 200
    assert response.headers["x-robots-tag"] == "noindex, nofollow"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    expect(reader.page.locator(".shared-head h1")).to_have_text("/plain a secret")
    expect(reader.page.locator(".shared-head")).to_contain_text("Shared today")
    expect(reader.page.locator("#transcript .answer")).to_have_count(1)

    page.click("#stop-sharing")
    expect(page.locator("#share-link")).to_have_count(0)
    not_found(reader.page)
    for _ in range(2):  # both instances
        response = reader.page.goto(site.url + path)
        assert response and response.status == 404
        not_found(reader.page)
    reader.page.click(".not-found a")
    answered(reader.page, "/plain somebody of their own")


@pytest.mark.alone
def test_an_answer_streams_to_a_reader_on_the_other_instance(visitor: Visitor, reader: Visitor, site: Cluster) -> None:
    answered(visitor.page, "/plain")
    share(visitor.page)
    path = f"/?c={conversation_id(visitor.page)}"
    first, second = site.instances
    page, theirs = visitor.window(path, at=first.url), reader.window(path, at=second.url)
    for window in (page, theirs):
        expect(window.locator("#transcript .answer")).to_have_count(1)
        window.evaluate(STOPWATCH)
    send(page, "/slow 3")
    for window in (page, theirs):
        expect(window.locator("#transcript .answer")).to_have_count(2)
        expect(last_answer(window)).to_have_attribute("data-status", "complete", timeout=15_000)
    mine, seen = page.evaluate("shownAt"), theirs.evaluate("shownAt")
    assert len(mine) == len(seen) == 30
    lags = sorted((there - here) / 1000 for here, there in zip(mine, seen, strict=True))
    print(f"reader: median {lags[15]:.3f} s, most {lags[-1]:.3f} s behind")  # noqa: T201
    assert lags[-1] < MOST_LAG_SECONDS


@pytest.mark.alone
def test_stopping_ends_an_open_stream_in_the_middle_of_an_answer(
    visitor: Visitor, reader: Visitor, site: Cluster
) -> None:
    page, theirs = visitor.page, reader.page
    answered(page, "/plain")
    link = share(page)
    close(page)
    theirs.goto(link)
    expect(theirs.locator(".shared-head")).to_be_visible()
    send(page, "/slow 20")
    expect(last_answer(theirs)).to_contain_text("word 3 of", timeout=5000)
    page.click("#share-button")
    began = time.monotonic()
    page.click("#stop-sharing")
    not_found(theirs)
    took = time.monotonic() - began
    assert "word" not in theirs.locator("#transcript").inner_text()
    print(f"gone after {took:.2f} s")  # noqa: T201
    assert took < GONE_WITHIN_SECONDS
    close(page)
    page.click("#stop-button")


def test_a_reader_can_only_read_and_nothing_private_is_sent(visitor: Visitor, reader: Visitor) -> None:
    page, theirs = visitor.page, reader.page
    answered(page, "/tool 6 * 7")
    last_answer(page).locator(".thumb-up").click()
    page.click("text=No comment")
    replies: list[str] = []
    theirs.on("response", lambda r: replies.append(r.text()) if "/run/predict" in r.url else None)
    theirs.goto(share(page))
    step = theirs.locator(".tool-step")
    step.locator("summary").click()
    expect(step.locator(".step-body")).to_contain_text("Not shared")
    expect(theirs.locator(FIELD)).to_be_hidden()
    expect(theirs.locator("#share-button")).to_be_hidden()
    expect(theirs.locator(".edit-message, .thumb, .more-message, [aria-label='Answer again']")).to_have_count(0)
    expect(theirs.locator("#conversation-list [data-conversation-id]")).to_have_count(0)
    everything = "".join(replies)
    assert "6 * 7" in everything  # the question itself
    for private in ("anon", "expression", "system_prompt", 'served_by\\":\\"i', '\\"up\\"'):
        assert private not in everything

    page.locator("#share-tools").check()
    expect(page.locator(".share-content")).to_have_attribute("aria-busy", "false")
    theirs.reload()
    theirs.locator(".tool-step summary").click()
    expect(theirs.locator(".step-body")).to_contain_text("expression")


def test_a_snapshot_ends_where_it_was_shared_and_stays_as_it_is(visitor: Visitor, reader: Visitor) -> None:
    page, theirs = visitor.page, reader.page
    answered(page, "/plain one")
    answered(page, "/plain second", answers=2)
    first = page.locator("#transcript .answer").first
    first.hover()
    first.locator(".more-message").click()
    page.get_by_role("menuitem", name="Share up to here").click()
    expect(page.locator("#share-dialog")).to_contain_text("Share up to this message")
    theirs.goto(share(page, "snapshot"))
    expect(theirs.locator(".shared-badge")).to_have_text("Snapshot")
    expect(theirs.locator("#transcript .answer")).to_have_count(1)
    close(page)
    answered(page, "/plain three", answers=3)
    theirs.reload()
    expect(theirs.locator("#transcript .answer")).to_have_count(1)
    expect(theirs.locator("#transcript")).not_to_contain_text("second")
    page.click("#share-button")
    page.click("text=instead")
    theirs.reload()
    expect(theirs.locator("#transcript .answer")).to_have_count(3)


def test_a_copy_is_ones_own_and_says_where_it_is_from_as_long_as_that_is_shared(
    visitor: Visitor, reader: Visitor
) -> None:
    page, theirs = visitor.page, reader.page
    answered(page, "/plain to be copied")
    link = share(page)
    theirs.goto(link)
    theirs.click("#continue-copy")
    expect(theirs.locator(".origin")).to_have_text("Copied from a shared conversation")
    assert conversation_id(theirs) != conversation_id(page)
    own = theirs.url
    answered(theirs, "/plain words of mine", answers=2)
    theirs.click(".origin a")
    expect(theirs.locator(".shared-head")).to_be_visible()
    expect(theirs.locator("#transcript")).not_to_contain_text("words of mine")
    page.click("#stop-sharing")
    not_found(theirs)
    theirs.goto(own)
    expect(theirs.locator(".origin")).to_have_text("Copied from a conversation that is not shared any more")
    expect(theirs.locator(".origin a")).to_have_count(0)


def test_the_dialog_by_keyboard_keeps_the_focus_and_gives_it_back(page: Page) -> None:
    answered(page, "/plain")
    page.locator("#share-button").focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#share-dialog")
    expect(dialog).to_have_attribute("role", "dialog")
    expect(page.locator("#share-mode [value=private]")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#share-link")).to_be_visible()
    expect(page.locator("#share-mode [value=live]")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.querySelector('#share-dialog').contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator("#share-button")).to_be_focused()


def test_the_owner_copies_the_link_previews_and_sees_how_often_it_was_opened(visitor: Visitor, reader: Visitor) -> None:
    page, theirs = visitor.page, reader.page
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answered(page, "/plain")
    link = share(page)
    expect(page.locator("#share-opened")).to_have_text("Not opened yet")
    page.click("#copy-share-link")
    page.wait_for_function("document.querySelector('#copy-share-link.copied')")
    assert page.evaluate("navigator.clipboard.readText()") == link
    with visitor.context.expect_page() as opening:
        page.click("#share-preview")
    preview = opening.value
    expect(preview.locator(".preview-note")).to_contain_text("This is what others see")
    expect(preview.locator(FIELD)).to_be_hidden()
    preview.click(".preview-note a")
    expect(preview.locator(FIELD)).to_be_visible()

    theirs.goto(link)
    expect(theirs.locator(".shared-head")).to_be_visible()
    theirs.click("#new-chat")
    theirs.go_back()  # the same visit
    expect(theirs.locator(".shared-head")).to_be_visible()
    close(page)
    page.click("#share-button")
    expect(page.locator("#share-opened")).to_have_text("Opened once")


def test_a_share_that_expires_ends_by_itself(visitor: Visitor, reader: Visitor, site: Cluster) -> None:
    page, theirs = visitor.page, reader.page
    answered(page, "/plain")
    link = share(page)
    page.select_option("#share-expiry", "3600")
    expect(page.locator("#share-expiry option").first).to_have_text(re.compile("^On "))
    theirs.goto(link)
    expect(theirs.locator(".shared-head")).to_contain_text("open until")
    expire(site, conversation_id(page), seconds=2)
    not_found(theirs)
    response = theirs.goto(link)
    assert response and response.status == 404


def test_downloads_hold_what_the_reader_sees(visitor: Visitor, reader: Visitor, tmp_path: Path) -> None:
    page, theirs = visitor.page, reader.page
    answered(page, "/tool 6 * 7")
    theirs.goto(share(page))
    texts = []
    for name in ("Markdown", "JSON"):
        theirs.click("#download-shared")
        with theirs.expect_download() as started:
            theirs.get_by_role("menuitem", name=name).click()
        started.value.save_as(tmp_path / name)
        texts.append((tmp_path / name).read_text())
    assert r"# /tool 6 \* 7" in texts[0] and "**42**" in texts[0]
    document = json.loads(texts[1])
    assert [message["role"] for message in document["messages"]] == ["user", "assistant"]
    assert document["messages"][1]["tool_calls"][0]["arguments"] == ""


def test_hostile_text_does_no_harm_to_a_reader(visitor: Visitor, reader: Visitor) -> None:
    page, theirs = visitor.page, reader.page
    answered(
        page, "/hostile ${window.harmed = 1} {{window.harmed = 1}} <img src=x onerror='window.harmed=1'> \u202egnp.exe"
    )
    theirs.goto(share(page))
    expect(last_answer(theirs)).to_contain_text("Harmless text last")
    expect(theirs.locator(".shared-head h1")).to_contain_text("${window.harmed")
    assert theirs.evaluate("window.harmed") is None
    assert page.evaluate("window.harmed") is None
    assert theirs.locator("#transcript").locator("img, script, iframe, form, style, object, embed").count() == 0
    for link in last_answer(theirs).locator("a[href]").all():
        assert str(link.get_attribute("href")).split(":")[0].lower() in ("http", "https", "mailto")
    theirs.click("#continue-copy")
    expect(theirs.locator(".origin")).to_be_visible()
    assert theirs.evaluate("window.harmed") is None
