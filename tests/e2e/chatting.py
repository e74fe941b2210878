"""What a person does on the chat page, for the tests of it."""

import re

from playwright.sync_api import Locator, Page, expect

FIELD = "#message-box textarea"


def ready(page: Page) -> None:
    """The page has come to life."""
    expect(page.locator("html")).to_have_attribute("data-ready", "true", timeout=20_000)


def write(page: Page, text: str) -> None:
    ready(page)
    page.fill(FIELD, text)


def send(page: Page, text: str) -> None:
    """Write a message and press Enter."""
    write(page, text)
    page.press(FIELD, "Enter")


def last_answer(page: Page) -> Locator:
    return page.locator("#transcript .answer").last


def answered(page: Page, text: str, status: str = "complete", answers: int = 1) -> Locator:
    """Send, and wait until the answer has ended so. `answers`: how many there are then."""
    send(page, text)
    expect(page.locator("#transcript .answer")).to_have_count(answers)
    expect(last_answer(page)).to_have_attribute("data-status", status, timeout=20_000)
    return last_answer(page)


def conversation_id(page: Page) -> str:
    """The conversation that the address bar names."""
    expect(page).to_have_url(re.compile(r"/\?c=[0-9a-f-]{36}"))
    return page.url.split("?c=")[1][:36]
