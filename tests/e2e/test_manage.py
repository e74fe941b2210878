"""Managing conversations in the list: rename, pin, archive, delete with an Undo right there, several at once."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.chatting import conversation_id
from tests.e2e.managing import HOSTILE, chats, choose, titles, unharmed
from tests.e2e.two_instances import site
from tests.services.browser import Visitor

__all__ = ["site"]


def test_a_conversation_is_renamed_in_place_and_keeps_its_name_after_a_reload(page: Page) -> None:
    (only,) = chats(page, "apples")
    choose(page, only, "Rename")
    field = page.locator(".rename-field")
    expect(field).to_be_focused()
    field.fill("All about apples")
    field.press("Enter")
    expect(page.locator(f'[data-conversation-id="{only}"]')).to_have_text("All about apples")
    expect(page.locator(f'[data-conversation-id="{only}"]')).to_be_focused()
    expect(page.locator(".bar-title")).to_have_text("All about apples")
    page.reload()
    expect(page.locator(f'[data-conversation-id="{only}"]')).to_have_text("All about apples")


def test_escape_leaves_the_name_as_it_was(page: Page) -> None:
    (only,) = chats(page, "pears")
    page.locator(f'[data-conversation-id="{only}"]').press("F2")
    page.locator(".rename-field").fill("something else")
    page.locator(".rename-field").press("Escape")
    expect(page.locator(f'[data-conversation-id="{only}"]')).to_have_text("/plain pears")


def test_pinned_conversations_stand_on_top_in_a_group_of_their_own(page: Page) -> None:
    first, _second = chats(page, "one", "two")
    with page.expect_response("**/run/predict**"):  # it is on the page before it is in the database
        choose(page, first, "Pin")
    expect(page.locator("#conversation-list h2")).to_have_text(["Pinned", "Today"])
    assert titles(page) == ["/plain one", "/plain two"]
    page.reload()
    expect(page.locator("#conversation-list h2")).to_have_text(["Pinned", "Today"])
    choose(page, first, "Unpin")
    expect(page.locator("#conversation-list h2")).to_have_text(["Today"])
    assert titles(page) == ["/plain two", "/plain one"]


def test_deleting_the_open_conversation_begins_a_new_chat_and_undo_brings_it_back_whole(page: Page) -> None:
    (only,) = chats(page, "plums")
    choose(page, only, "Delete")
    expect(page.locator(".empty-state")).to_be_visible()
    expect(page.locator(f'[data-conversation-id="{only}"]')).to_have_count(0)
    page.click("#undo")
    expect(page.locator(f'[data-conversation-id="{only}"]')).to_be_visible()
    assert conversation_id(page) == only
    expect(page.locator(".message")).to_have_count(2)
    expect(page.locator("#undo")).to_have_count(0)
    page.reload()
    expect(page.locator(".message")).to_have_count(2)


def test_archived_conversations_leave_the_list_and_undo_brings_them_back(page: Page) -> None:
    first, _second = chats(page, "red", "green")
    choose(page, first, "Archive")
    expect(page.locator("#toasts")).to_contain_text("Archived “/plain red”")
    assert titles(page) == ["/plain green"]
    page.click("#undo")
    expect(page.locator(f'[data-conversation-id="{first}"]')).to_be_visible()


def test_several_are_deleted_at_once_and_come_back_at_once(page: Page) -> None:
    first, second, third = chats(page, "a", "b", "c")
    choose(page, first, "Select several")
    page.click(f'[data-conversation-id="{second}"]')
    expect(page.locator(".selection-count")).to_have_text("2 selected")
    page.click("[aria-label='Delete selected']")
    expect(page.locator("#conversation-list [data-conversation-id]")).to_have_count(1)
    expect(page.locator("#toasts")).to_contain_text("Deleted 2 conversations")
    assert conversation_id(page) == third
    page.click("#undo")
    expect(page.locator("#conversation-list [data-conversation-id]")).to_have_count(3)
    expect(page.locator(".selection-bar")).to_be_hidden()


def test_the_list_of_another_tab_follows(visitor: Visitor) -> None:
    page = visitor.page
    first, _second = chats(page, "here", "there")
    other = visitor.window("/")
    expect(other.locator("#conversation-list [data-conversation-id]")).to_have_count(2)
    choose(page, first, "Delete")
    expect(other.locator(f'[data-conversation-id="{first}"]')).to_have_count(0)
    page.click("#undo")
    expect(other.locator(f'[data-conversation-id="{first}"]')).to_be_visible()


def test_the_menu_is_reached_and_used_by_keyboard_and_gives_the_focus_back(page: Page) -> None:
    (only,) = chats(page, "keys")
    link = page.locator(f'[data-conversation-id="{only}"]')
    link.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Rename")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Pin")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(page.locator(".row-more")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator("#undo")).to_be_visible()


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_is_only_a_name(page: Page, name: str) -> None:
    (only,) = chats(page, "hostile")
    choose(page, only, "Rename")
    field = page.locator(".rename-field")
    field.evaluate("(field, name) => { field.removeAttribute('maxlength'); field.value = name; }", name)
    with page.expect_response("**/run/predict**"):
        field.press("Enter")
    page.reload()
    link = page.locator(f'[data-conversation-id="{only}"]')
    expect(link).to_be_visible()
    unharmed(page, "#conversation-list")
    shown = link.inner_text()
    assert len(shown) <= 200
    assert "\u202e" not in shown
