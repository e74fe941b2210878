"""Versions of what was said: two instances on PostgreSQL, each request to the other one. Nothing is overwritten."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.e2e.chatting import FIELD, answered, last_answer, ready, send
from tests.e2e.two_instances import site
from tests.services.browser import Visitor
from tests.services.instances import Cluster

__all__ = ["site"]


def question(page: Page, number: int = 0) -> Locator:
    return page.locator("#transcript .question").nth(number)


def edit(page: Page, text: str, number: int = 0) -> None:
    """Put another version of that message beside it."""
    question(page, number).hover()
    question(page, number).locator(".edit-message").click()
    page.locator(".edit-field").fill(text)
    page.keyboard.press("Control+Enter")


def settled(page: Page) -> None:
    expect(last_answer(page)).to_have_attribute("data-status", "complete", timeout=20_000)


def test_an_edit_stands_beside_the_first_version_and_has_an_answer_of_its_own(page: Page) -> None:
    answered(page, "/plain apples")
    answered(page, "/plain and then", answers=2)
    edit(page, "/plain pears")
    expect(page.locator("#transcript .question")).to_have_count(1)
    expect(question(page)).to_contain_text("pears")
    expect(question(page)).to_contain_text("2 / 2")
    settled(page)
    page.click("#branch-previous")
    expect(question(page)).to_contain_text("apples")
    expect(page.locator("#transcript .question")).to_have_count(2)
    expect(question(page)).to_contain_text("1 / 2")


def test_the_branch_is_in_the_url_for_reload_back_and_another_window(visitor: Visitor, site: Cluster) -> None:
    page = visitor.page
    answered(page, "/plain first")
    edit(page, "/plain second")
    expect(question(page)).to_contain_text("2 / 2")
    settled(page)
    expect(page).to_have_url(re.compile(r"\?c=[0-9a-f-]{36}&m=[0-9a-f-]{36}$"))
    page.go_back()
    expect(question(page)).to_contain_text("first")
    for _ in range(4):  # through both instances, whichever is asked
        page.reload()
        expect(question(page)).to_contain_text("first")
        expect(question(page)).to_contain_text("1 / 2")
    page.go_forward()
    expect(question(page)).to_contain_text("second")
    for instance in site.instances:
        there = visitor.window(page.url.removeprefix(site.url), at=instance.url)
        expect(question(there)).to_contain_text("second")
        expect(question(there)).to_contain_text("2 / 2")


def test_editing_by_keyboard_escape_leaves_and_a_reload_keeps_the_words(page: Page) -> None:
    answered(page, "/plain original")
    button = question(page).locator(".edit-message")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".edit-field")).to_be_focused()
    expect(page.locator(".edit-field")).to_have_value("/plain original")
    page.keyboard.type(" and more")
    page.keyboard.press("Escape")
    expect(page.locator(".edit-field")).to_have_count(0)
    expect(button).to_be_focused()
    expect(question(page).locator(".bubble")).to_have_text("/plain original")

    page.keyboard.press("Enter")
    page.keyboard.type(" half written")
    page.reload()
    question(page).hover()
    question(page).locator(".edit-message").click()
    expect(page.locator(".edit-field")).to_have_value("/plain original half written")
    page.click("text=Cancel")
    expect(question(page).locator(".bubble")).to_be_visible()


def test_a_complete_answer_can_be_asked_for_again_and_walked_by_keyboard(page: Page) -> None:
    answered(page, "hello there")
    answered(page, "/plain after it", answers=2)
    first = page.locator("#transcript .answer").first
    first.hover()
    first.get_by_label("Answer again").click()
    expect(page.locator("#transcript .answer")).to_have_count(1)
    expect(last_answer(page)).to_contain_text("2 / 2")
    settled(page)
    page.locator("#branch-previous").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#transcript .answer").first).to_contain_text("1 / 2")
    expect(page.locator("#branch-next")).to_be_focused()
    page.keyboard.press("Enter")
    expect(last_answer(page)).to_contain_text("2 / 2")
    expect(page.locator("#branch-previous")).to_be_focused()


def test_walking_keeps_the_message_where_the_eyes_are(page: Page) -> None:
    answered(page, "/long 600")
    answered(page, "/long 650", answers=2)
    edit(page, "/long 700", number=1)
    expect(question(page, 1)).to_contain_text("2 / 2")
    settled(page)
    question(page, 1).scroll_into_view_if_needed()
    before = question(page, 1).bounding_box()
    page.click("#branch-previous")
    expect(question(page, 1)).to_contain_text("1 / 2")
    page.click("#branch-next")
    expect(question(page, 1)).to_contain_text("2 / 2")
    after = question(page, 1).bounding_box()
    assert before and after
    assert abs(before["y"] - after["y"]) < 4


def test_ids_of_the_walker_are_on_the_last_one_and_each_has_its_own_links(page: Page) -> None:
    answered(page, "/plain one")
    edit(page, "/plain two")
    expect(question(page)).to_contain_text("2 / 2")
    settled(page)
    answered(page, "/plain three", answers=2)
    edit(page, "/plain four", number=1)
    expect(question(page, 1)).to_contain_text("2 / 2")
    expect(page.locator("[data-walk=branch-previous]")).to_have_count(2)
    expect(page.locator("[id=branch-previous]")).to_have_count(1)
    expect(question(page, 1).locator("#branch-previous")).to_have_count(1)


def test_two_windows_that_write_at_once_get_a_branch_each_and_lose_nothing(visitor: Visitor, site: Cluster) -> None:
    one = visitor.page
    answered(one, "/plain start")
    two = visitor.window(one.url.removeprefix(site.url))
    expect(last_answer(two)).to_have_attribute("data-status", "complete")
    # Both fields are filled before either sends: neither window has seen the other's message then.
    for page, text in ((one, "/plain from one"), (two, "/plain from two")):
        ready(page)
        page.fill(FIELD, text)
    for page in (one, two):
        page.evaluate("document.querySelector('#send-button').click()")
    for page, text in ((one, "from one"), (two, "from two")):
        expect(page.locator("#transcript .answer")).to_have_count(2)
        settled(page)
        expect(question(page, 1)).to_contain_text(text)
        expect(question(page, 1)).to_contain_text("/ 2", timeout=10_000)
        page.reload()
        expect(question(page, 1)).to_contain_text(text)


def test_two_windows_racing_edits_make_a_version_each(visitor: Visitor, site: Cluster) -> None:
    one = visitor.page
    answered(one, "/plain version 1")
    two = visitor.window(one.url.removeprefix(site.url))
    expect(last_answer(two)).to_have_attribute("data-status", "complete")
    for round_ in range(3):
        for page in (one, two):
            question(page).hover()
            question(page).locator(".edit-message").click()
            page.locator(".edit-field").fill(f"/plain edit {round_} by {'one' if page is one else 'two'}")
        for page in (one, two):
            page.evaluate("document.querySelector('.editor .primary').click()")
        for page, who in ((one, "one"), (two, "two")):
            expect(question(page)).to_contain_text(f"edit {round_} by {who}")
            settled(page)
    for page in (one, two):
        page.reload()
        count = question(page).locator(".sibling-count")
        expect(count).to_contain_text("/ 7")
        seen, at = set(), int(count.inner_text().split()[0])
        for step, numbers in (("previous", range(at - 1, 0, -1)), ("next", range(2, 8))):
            for number in numbers:
                page.click(f"#branch-{step}")
                expect(count).to_have_text(f"{number} / 7")
                seen.add(question(page).locator(".bubble").inner_text())
        assert len(seen) == 7


def test_an_edit_being_written_is_not_taken_away_by_another_window(visitor: Visitor, site: Cluster) -> None:
    one = visitor.page
    answered(one, "/plain start")
    one.reload()
    two = visitor.window(one.url.removeprefix(site.url))
    expect(last_answer(two)).to_have_attribute("data-status", "complete")
    question(one).hover()
    question(one).locator(".edit-message").click()
    one.locator(".edit-field").fill("/plain my words")
    edit(two, "/plain other words")
    expect(question(two)).to_contain_text("2 / 2")
    settled(two)
    expect(one.locator(".edit-field")).to_have_value("/plain my words")
    one.keyboard.press("Control+Enter")
    expect(question(one)).to_contain_text("3 / 3")
    expect(question(one)).to_contain_text("my words")


def test_a_window_that_only_watches_follows_the_branch_that_grows(visitor: Visitor, site: Cluster) -> None:
    answered(visitor.page, "/plain start")
    other = visitor.window(visitor.page.url.removeprefix(site.url))
    expect(last_answer(other)).to_have_attribute("data-status", "complete")
    edit(visitor.page, "/plain another beginning")
    expect(question(other)).to_contain_text("another beginning", timeout=5000)
    send(visitor.page, "/plain next")
    expect(other.locator("#transcript .question")).to_have_count(2, timeout=5000)
