"""How the page meets people: light and dark, on a phone, by keyboard alone."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.chatting import FIELD, answered, last_answer, ready
from tests.services.browser import Visitor
from tests.services.instances import Cluster

PAPER = "getComputedStyle(document.querySelector('#stage')).backgroundColor"
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(26, 26, 29)"
PHONE = {"width": 390, "height": 844}


def test_colours_follow_the_system_until_one_is_chosen_and_the_choice_stays(
    visit: Callable[..., Visitor], site: Cluster
) -> None:
    page = visit(site.url, color_scheme="dark").page
    ready(page)
    assert page.evaluate(PAPER) == DARK
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"{PAPER} === '{LIGHT}'")
    page.click("#theme-switch >> [aria-label=Dark]")
    assert page.evaluate(PAPER) == DARK
    page.reload()
    ready(page)
    assert page.evaluate(PAPER) == DARK
    expect(page.locator("#theme-switch >> [aria-label=Dark]")).to_have_attribute("aria-checked", "true")


def test_on_a_phone_the_sidebar_is_a_drawer(visit: Callable[..., Visitor], site: Cluster) -> None:
    page = visit(site.url, viewport=PHONE).page
    answered(page, "/markdown")
    expect(page.locator("#new-chat")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.click("#open-sidebar")
    expect(page.locator("#new-chat")).to_be_visible()
    expect(page.locator("#conversation-list [data-conversation-id]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("#new-chat")).to_be_hidden()
    page.click("#open-sidebar")
    page.click("#new-chat")
    expect(page.locator(".empty-state")).to_be_visible()
    expect(page.locator("#new-chat")).to_be_hidden()


def test_everything_can_be_done_by_keyboard(page: Page) -> None:
    ready(page)
    expect(page.locator(FIELD)).to_be_focused()
    page.keyboard.type("/plain by hand")
    page.keyboard.press("Enter")
    expect(last_answer(page)).to_have_attribute("data-status", "complete")
    expect(page.locator(FIELD)).to_be_focused()
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("""() => {
                const e = document.activeElement;
                return e.id || e.dataset.conversationId && "conversation" || e.getAttribute("aria-label") || e.tagName;
            }""")
        )
    assert {"new-chat", "conversation", "Copy answer", "Answer again", "Copy message"} <= reached
    page.locator("#conversation-list a").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".empty-state")).to_be_visible()


def test_a_finished_answer_is_announced_whole_and_not_word_by_word(page: Page) -> None:
    answered(page, "/slow 1")
    region = page.locator("#announcements")
    expect(region).to_have_attribute("aria-live", "polite")
    expect(region).to_contain_text("Answer: word 1 of")
    expect(page.locator("#transcript")).to_have_attribute("aria-live", "off")


def test_the_demo_model_is_labelled_and_gradio_is_not_seen(page: Page) -> None:
    ready(page)
    expect(page.locator("#top-bar")).to_contain_text("Demo model — offline, no key set")
    expect(page.locator("footer")).to_have_count(0)
    expect(page).to_have_title("convstore")
