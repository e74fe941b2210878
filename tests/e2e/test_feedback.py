"""Thumbs up or down: given, said more about, changed and taken back; by keyboard, and still there after a reload."""

from uuid import UUID

from playwright.sync_api import Page, expect
from sqlmodel import col, select

from convstore.database import Database
from convstore.models import Feedback, Message
from tests.e2e.chatting import answered, conversation_id, last_answer
from tests.e2e.two_instances import site
from tests.services.instances import Cluster
from tests.services.waiting import until

__all__ = ["site"]


def kept(site: Cluster, conversation: str) -> list[tuple[str, str]]:
    """Each rating in the conversation, with its comment."""
    database = Database(site.database_url, pool_size=1)
    try:
        with database.read() as session:
            rows = session.exec(
                select(Feedback.rating, Feedback.comment)
                .join(Message, col(Message.id) == col(Feedback.message_id))
                .where(col(Message.conversation_id) == UUID(conversation))
            )
            return [(rating, comment) for rating, comment in rows]
    finally:
        database.close()


def pressed(page: Page, up: bool, down: bool) -> None:
    expect(last_answer(page).locator(".thumb-up")).to_have_attribute("aria-pressed", str(up).lower())
    expect(last_answer(page).locator(".thumb-down")).to_have_attribute("aria-pressed", str(down).lower())


def test_a_rating_with_a_comment_by_keyboard_survives_a_reload(page: Page, site: Cluster) -> None:
    answered(page, "/plain")
    last_answer(page).locator(".thumb-up").focus()
    page.keyboard.press("Space")
    pressed(page, True, False)
    page.get_by_label("What was good about it? Optional comment").focus()
    page.keyboard.type("Short and <b>clear</b>")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".comment")).to_have_count(0)
    expect(last_answer(page).locator(".thumb-up")).to_be_focused()
    for _ in range(2):
        page.reload()
        pressed(page, True, False)
    assert kept(site, conversation_id(page)) == [("up", "Short and <b>clear</b>")]


def test_a_rating_is_changed_and_taken_back(page: Page, site: Cluster) -> None:
    answered(page, "/plain")
    key = conversation_id(page)
    last_answer(page).locator(".thumb-up").click()
    last_answer(page).locator(".thumb-down").click()
    pressed(page, False, True)
    page.click("text=No comment")
    until(lambda: kept(site, key) == [("down", "")], "the other rating to be kept")
    last_answer(page).locator(".thumb-down").click()
    pressed(page, False, False)
    expect(page.locator(".comment")).to_have_count(0)
    until(lambda: kept(site, key) == [], "the rating to be taken back")
    page.reload()
    pressed(page, False, False)
