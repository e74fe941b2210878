"""What tests of sharing do again and again: share, close the dialog, look for what is not there, let a share end."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from playwright.sync_api import Page, expect
from sqlmodel import col, select

from convstore import sharing
from convstore.database import Database
from convstore.models import Conversation
from tests.services.instances import Cluster

# Notes when each numbered word is first on screen, in milliseconds since 1970.
STOPWATCH = """() => {
  window.shownAt = [];
  new MutationObserver(() => {
    const words = document.querySelector("#transcript").textContent.match(/word \\d+ of/g) ?? [];
    while (shownAt.length < words.length) shownAt.push(performance.timeOrigin + performance.now());
  }).observe(document.querySelector("#transcript"), { subtree: true, childList: true, characterData: true });
}"""


def share(page: Page, mode: str = "live") -> str:
    """Choose how the conversation that is open is shared; returns the link. The dialog stays open."""
    if not page.locator("#share-dialog").count():
        page.click("#share-button")
    page.check(f"#share-mode [value={mode}]")
    expect(page.locator("#share-link")).to_be_visible()
    expect(page.locator(".share-content")).to_have_attribute("aria-busy", "false")
    return page.input_value("#share-link")


def close(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.locator("#share-dialog")).to_have_count(0)


def not_found(page: Page) -> None:
    expect(page.locator(".not-found")).to_contain_text("Conversation not found", timeout=5000)


def expire(site: Cluster, conversation: str, seconds: int) -> None:
    """Let the share end in so many seconds, past the page; the page offers an hour at least."""
    database = Database(site.database_url, pool_size=1)
    try:
        with database.write() as session:
            key = UUID(conversation)
            owner = session.exec(select(Conversation.owner).where(col(Conversation.id) == key)).one()
            sharing.share(session, owner, key, expires_at=datetime.now(UTC) + timedelta(seconds=seconds))
    finally:
        database.close()
