"""The library: every conversation in a table, found, sorted, changed several at once, taken along and brought back."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.chatting import conversation_id, ready
from tests.e2e.managing import HOSTILE, chats, unharmed
from tests.e2e.two_instances import site
from tests.services.browser import Visitor
from tests.services.instances import Cluster

__all__ = ["site"]
ROWS = "#library-table tbody tr"


def library(page: Page, site: Cluster, query: str = "") -> None:
    page.goto(f"{site.url}/library{query}")
    ready(page)


def pick(page: Page, *texts: str) -> None:
    for text in texts:
        page.locator(ROWS, has_text=text).locator("input").check()


def test_the_table_is_filtered_and_sorted_and_its_address_says_how(page: Page, site: Cluster) -> None:
    chats(page, "cherry", "apple", "banana")
    library(page, site)
    expect(page.locator(f"{ROWS} .cell-title")).to_have_text(["/plain banana", "/plain apple", "/plain cherry"])
    page.get_by_role("button", name="Title").click()
    expect(page.locator(f"{ROWS} .cell-title")).to_have_text(["/plain apple", "/plain banana", "/plain cherry"])
    expect(page.locator("th[data-column=title]")).to_have_attribute("aria-sort", "ascending")
    page.fill("#library-filter", "AN")
    expect(page.locator(f"{ROWS} .cell-title")).to_have_text(["/plain banana"])
    page.reload()
    expect(page.locator("#library-filter")).to_have_value("AN")
    expect(page.locator(f"{ROWS} .cell-title")).to_have_text(["/plain banana"])
    page.fill("#library-filter", "no such title")
    expect(page.locator(".library-note")).to_contain_text("No title here")


def test_a_row_opens_its_conversation(page: Page, site: Cluster) -> None:
    (only,) = chats(page, "open me")
    library(page, site)
    page.click(f"{ROWS} a")
    expect(page.locator(".question")).to_contain_text("open me")
    assert conversation_id(page) == only


def test_several_are_deleted_restored_from_the_trash_and_archived(page: Page, site: Cluster) -> None:
    chats(page, "one", "two", "three")
    library(page, site)
    pick(page, "one", "three")
    page.click("[data-to=trashed]")
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator("#conversation-list [data-conversation-id]")).to_have_count(1)
    page.click("[data-state=trash]")
    expect(page.locator(ROWS)).to_have_count(2)
    expect(page.locator(".library-note")).to_contain_text("30 days")
    pick(page, "one")
    page.click("[data-to=restored]")
    expect(page.locator(ROWS)).to_have_count(1)
    page.click("#undo")
    expect(page.locator(ROWS)).to_have_count(2)
    page.click("[data-state=active]")
    pick(page, "two")
    page.click("[data-to=archived]")
    expect(page.locator(".library-note")).to_contain_text("No conversations yet")
    page.click("#undo")
    expect(page.locator(ROWS)).to_have_count(1)
    pick(page, "two")
    page.click("[data-to=pinned]")
    expect(page.locator("#conversation-list h2")).to_have_text(["Pinned"])
    expect(page.locator(f"{ROWS} .pinned")).to_be_visible()


def test_everything_is_exported_and_comes_back_for_somebody_else_once(
    visitor: Visitor, visit: Callable[..., Visitor], site: Cluster, tmp_path: Path
) -> None:
    chats(visitor.page, "take me along", "me too")
    library(visitor.page, site)
    with visitor.page.expect_download() as download:
        visitor.page.click("#export-all")
    file = tmp_path / "convstore.json"
    download.value.save_as(file)
    assert len(json.loads(file.read_text())["conversations"]) == 2

    other = visit(site.url, "/library").page
    ready(other)
    other.set_input_files("#import-file", file)
    expect(other.locator("#import-dialog")).to_contain_text("2 imported")
    other.keyboard.press("Escape")
    expect(other.locator(ROWS)).to_have_count(2)
    other.set_input_files("#import-file", file)
    expect(other.locator("#import-dialog")).to_contain_text("0 imported, 2 here already")
    other.keyboard.press("Escape")
    expect(other.locator(ROWS)).to_have_count(2)


def test_one_conversation_is_saved_as_markdown_and_as_json(page: Page, site: Cluster, tmp_path: Path) -> None:
    chats(page, "save me")
    library(page, site)
    for entry, ending in (("As Markdown, to read", ".md"), ("As JSON, complete", ".json")):
        page.get_by_role("button", name="Download /plain save me").click()
        with page.expect_download() as download:
            page.get_by_role("menuitem", name=entry).click()
        assert download.value.suggested_filename == f"plain save me{ending}"
        assert "save me" in Path(download.value.path()).read_text()


@pytest.mark.parametrize("content", ["", "not json", "[[[[", '{"format":"convstore","version":9,"conversations":[]}'])
def test_a_file_that_is_no_export_is_refused_in_words(
    visitor: Visitor, site: Cluster, tmp_path: Path, content: str
) -> None:
    page = visitor.page
    visitor.record.tolerate("422")
    library(page, site)
    file = tmp_path / "wrong.json"
    file.write_text(content)
    page.set_input_files("#import-file", file)
    status = page.locator("#import-dialog [role=status]")
    expect(status).not_to_contain_text("…")
    expect(status).not_to_have_text("")
    expect(page.locator(".library-note")).to_contain_text("No conversations yet")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_titles_and_filters_are_only_text(page: Page, site: Cluster, tmp_path: Path, text: str) -> None:
    file = tmp_path / "hostile.json"
    moment = "2026-01-01T00:00:00.000000Z"
    conversation = {"title": text, "created_at": moment, "updated_at": moment, "messages": []}
    document = {"format": "convstore", "version": 1, "conversations": [conversation]}
    file.write_text(json.dumps(document))
    library(page, site)
    page.set_input_files("#import-file", file)
    expect(page.locator("#import-dialog")).to_contain_text("1 imported")
    page.keyboard.press("Escape")
    expect(page.locator(ROWS)).to_have_count(1)
    page.fill("#library-filter", text)
    page.wait_for_function("location.search.includes('text=')")
    unharmed(page, "#library")
    assert len(page.locator("#conversation-list a").inner_text()) <= 200


def test_pages_go_on_where_the_last_one_ended(page: Page, site: Cluster, tmp_path: Path) -> None:
    moment = "2026-01-01T00:00:00.{:06d}Z"
    made = [
        {"title": f"number {n:03}", "created_at": moment.format(n), "updated_at": moment.format(n), "messages": []}
        for n in range(120)
    ]
    file = tmp_path / "many.json"
    file.write_text(json.dumps({"format": "convstore", "version": 1, "conversations": made}))
    library(page, site)
    page.set_input_files("#import-file", file)
    expect(page.locator("#import-dialog")).to_contain_text("120 imported")
    page.keyboard.press("Escape")
    seen: list[str] = []
    for number in (1, 2, 3):
        expect(page.locator(".pager")).to_contain_text(f"Page {number}")
        seen += page.locator(f"{ROWS} .cell-title").all_inner_texts()
        if number < 3:
            page.get_by_role("button", name="Next").click()
    assert sorted(seen) == [f"number {n:03}" for n in range(120)]
    page.get_by_role("button", name="Previous").click()
    expect(page.locator(".pager")).to_contain_text("Page 2")
