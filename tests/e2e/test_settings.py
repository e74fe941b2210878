"""Settings: of one conversation, of a person, and of this browser."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.chatting import FIELD, answered, conversation_id, last_answer, ready, write
from tests.e2e.managing import HOSTILE, chats, unharmed
from tests.e2e.two_instances import site
from tests.services.instances import Cluster

__all__ = ["site"]
PROMPT = ".values textarea"


def tune(page: Page) -> None:
    """Open the settings of the conversation."""
    page.click("#tuning-button")
    expect(page.locator(PROMPT)).to_be_focused()


def settings(page: Page, site: Cluster) -> None:
    page.goto(f"{site.url}/settings")
    expect(page.locator("#new-preset")).to_be_visible(timeout=20_000)


def test_a_conversation_keeps_its_settings(page: Page) -> None:
    answered(page, "/plain")
    tune(page)
    page.fill(PROMPT, "Answer like a pirate.")
    page.select_option(".values select", "demo")
    page.check("text=Set the temperature")
    page.locator(".range").fill("0.3")
    page.click("#tuning-apply")
    expect(page.locator("#tuning-dialog")).to_have_count(0)
    expect(page.locator("#tuning-button")).to_be_focused()
    page.reload()
    ready(page)
    tune(page)
    expect(page.locator(PROMPT)).to_have_value("Answer like a pirate.")
    expect(page.locator(".values select")).to_have_value("demo")
    expect(page.locator(".range-row output")).to_have_text("0.3")


def test_a_new_chat_begins_with_settings_that_were_chosen_before(page: Page) -> None:
    ready(page)
    tune(page)
    page.fill(PROMPT, "Be brief.")
    page.click("#tuning-apply")
    made = conversation_id(page)
    answered(page, "/plain first words")
    assert conversation_id(page) == made
    tune(page)
    expect(page.locator(PROMPT)).to_have_value("Be brief.")


def test_a_preset_is_saved_applied_elsewhere_and_deleted(page: Page) -> None:
    answered(page, "/plain one")
    tune(page)
    page.fill(PROMPT, "Explain as to a child.")
    page.fill("#preset-name", "Simple words")
    page.get_by_role("button", name="Save as preset").click()
    expect(page.locator(".chip-name")).to_have_text(["Simple words"])
    page.keyboard.press("Escape")
    chats(page, "two")
    tune(page)
    expect(page.locator(PROMPT)).to_have_value("")
    page.click(".chip-name")
    expect(page.locator(PROMPT)).to_have_value("Explain as to a child.")
    page.click("#tuning-apply")
    tune(page)
    expect(page.locator(PROMPT)).to_have_value("Explain as to a child.")
    page.get_by_role("button", name="Delete preset Simple words").click()
    expect(page.locator(".chip-name")).to_have_count(0)


def test_presets_are_made_changed_and_deleted_with_undo_on_the_settings_page(page: Page, site: Cluster) -> None:
    settings(page, site)
    page.click("#new-preset")
    page.fill("#preset-name", HOSTILE["markup"][:60])
    page.fill(PROMPT, HOSTILE["templates"])
    page.get_by_role("button", name="Save preset").click()
    expect(page.locator(".preset-list li")).to_have_count(1)
    unharmed(page, "#settings")
    page.locator(".preset-list button").last.click()
    expect(page.locator(".preset-list li")).to_have_count(0)
    page.click("#undo")
    expect(page.locator(".preset-list li")).to_have_count(1)


def test_the_send_key_is_a_choice(page: Page, site: Cluster) -> None:
    settings(page, site)
    page.get_by_role("radio", name="Ctrl+Enter").check()
    page.goto(site.url)
    write(page, "/plain first line")
    page.press(FIELD, "Enter")
    page.keyboard.type("second line")
    expect(page.locator(FIELD)).to_have_value("/plain first line\nsecond line")
    page.press(FIELD, "Control+Enter")
    expect(last_answer(page)).to_have_attribute("data-status", "complete", timeout=20_000)


def test_the_theme_is_chosen_here_too_and_stays(page: Page, site: Cluster) -> None:
    settings(page, site)
    page.get_by_label("Dark", exact=True).last.check()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto(site.url)
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_everything_is_deleted_only_after_the_words_and_a_question(page: Page, site: Cluster) -> None:
    chats(page, "gone", "gone as well")
    settings(page, site)
    expect(page.locator(".facts-list")).to_contain_text(re.compile("2 active"))
    expect(page.locator("#erase-button")).to_be_disabled()
    page.fill("#erase-confirm", "Delete everything")
    page.click("#erase-button")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#conversation-list [data-conversation-id]")).to_have_count(2)
    page.click("#erase-button")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.locator("#settings")).to_contain_text("2 conversations with 4 messages", timeout=20_000)
    expect(page.locator("#conversation-list [data-conversation-id]")).to_have_count(0)
    expect(page.locator(".facts-list")).to_contain_text("0 active, 0 archived, 0 in the trash")
