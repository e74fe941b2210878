"""Hands and eyes: no serious finding of axe-core on any page or dialog, light and dark; the keyboard map; focus."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.accessibility import findings
from tests.e2e.chatting import FIELD, answered, ready
from tests.e2e.managing import chats, choose
from tests.services.browser import Visitor
from tests.services.instances import Cluster

PHONE = {"width": 390, "height": 844}
SCREENS = {"desktop": {"width": 1280, "height": 800}, "phone": PHONE}
PAGES = ["/", "/library", "/settings"]


def conversation(page: Page) -> None:
    answered(page, "/markdown")
    answered(page, "/tool 6 * 7", answers=2)
    page.locator(".tool-step summary").click()


def search(page: Page) -> None:
    answered(page, "/plain")
    page.keyboard.press("Control+k")
    page.fill("#search-box", "plain")
    expect(page.locator("#search-results mark").first).to_be_visible(timeout=15_000)


def nothing_found(page: Page) -> None:
    ready(page)
    page.keyboard.press("Control+k")
    page.fill("#search-box", "zzqq")
    expect(page.locator(".search-state")).to_contain_text("Nothing found")


def keyboard_map(page: Page) -> None:
    ready(page)
    page.locator("#open-sidebar, #new-chat").locator("visible=true").first.focus()
    page.keyboard.press("?")
    expect(page.locator("#keyboard-map")).to_be_visible()


def tuning(page: Page) -> None:
    ready(page)
    page.click("#tuning-button")
    page.fill("#preset-name", "a preset")
    page.get_by_role("button", name="Save as preset").click()
    expect(page.locator(".chip-name")).to_be_visible()


def sharing(page: Page) -> None:
    answered(page, "/plain")
    page.click("#share-button")
    expect(page.locator("#share-mode")).to_be_visible()


def with_drawer(page: Page) -> None:
    if page.locator("#open-sidebar").is_visible():
        page.click("#open-sidebar")
    expect(page.locator(".row-more").first).to_be_attached()


def menu(page: Page) -> None:
    answered(page, "/plain")
    with_drawer(page)
    page.locator(".row").first.hover()
    page.locator(".row-more").first.click()
    expect(page.get_by_role("menu")).to_be_visible()


def selecting(page: Page) -> None:
    menu(page)
    page.get_by_role("menuitem", name="Select several").click()
    expect(page.locator(".selection-bar")).to_be_visible()


def undo(page: Page) -> None:
    menu(page)
    page.get_by_role("menuitem", name="Delete").click()
    expect(page.locator("#undo")).to_be_visible()


def library(page: Page) -> None:
    answered(page, "/plain")
    page.goto("/".join([*page.url.split("/")[:3], "library"]))
    page.locator("#library-table tbody input").first.check()


SCENES: dict[str, Callable[[Page], None]] = {
    scene.__name__: scene
    for scene in (
        conversation,
        search,
        nothing_found,
        keyboard_map,
        tuning,
        sharing,
        menu,
        selecting,
        undo,
        library,
    )
}


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_serious_finding(
    visit: Callable[..., Visitor], site: Cluster, path: str, screen: str, scheme: str
) -> None:
    page = visit(site.url, path, color_scheme=scheme, viewport=SCREENS[screen]).page
    ready(page)
    page.wait_for_load_state("networkidle")
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("scene", SCENES)
def test_no_dialog_has_a_serious_finding(
    visit: Callable[..., Visitor], site: Cluster, scene: str, screen: str, scheme: str
) -> None:
    page = visit(site.url, color_scheme=scheme, viewport=SCREENS[screen]).page
    SCENES[scene](page)
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"


def test_a_question_mark_shows_the_keys_and_is_only_a_question_mark_while_writing(page: Page) -> None:
    ready(page)
    page.locator(FIELD).focus()
    page.keyboard.type("why?")
    expect(page.locator(FIELD)).to_have_value("why?")
    expect(page.locator("#keyboard-map")).to_have_count(0)
    page.locator("#new-chat").focus()
    page.keyboard.press("?")
    expect(page.locator("#keyboard-map")).to_contain_text("Search conversations")
    page.keyboard.press("Escape")
    expect(page.locator("#keyboard-map")).to_have_count(0)
    expect(page.locator("#new-chat")).to_be_focused()


def test_the_keys_of_the_map_do_what_it_says(page: Page) -> None:
    (only,) = chats(page, "keys")
    page.locator("#new-chat").focus()
    page.keyboard.press("/")
    expect(page.locator(FIELD)).to_be_focused()
    page.keyboard.press("Control+.")
    expect(page.locator("#tuning-dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+b")
    expect(page.locator("#sidebar")).to_be_hidden()
    page.keyboard.press("Control+b")
    expect(page.locator("#sidebar")).to_be_visible()
    page.keyboard.press("Control+Shift+o")
    expect(page.locator(".empty-state")).to_be_visible()
    page.locator(f'[data-conversation-id="{only}"]').press("Delete")
    expect(page.locator("#undo")).to_be_visible()


@pytest.mark.parametrize("opener", ["#search-button", "#show-keys", "#tuning-button"])
def test_a_dialog_keeps_the_focus_inside_and_gives_it_back(page: Page, opener: str) -> None:
    ready(page)
    page.wait_for_load_state("networkidle")
    page.locator(opener).focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_be_visible()
    for _ in range(15):
        page.keyboard.press("Tab")
        # Past the last one comes the browser's own bar, then the first one again; never the page behind.
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator(opener)).to_be_focused()


def test_nothing_moves_for_those_who_want_it_calm(visit: Callable[..., Visitor], site: Cluster) -> None:
    page = visit(site.url, reduced_motion="reduce").page
    (only,) = chats(page, "calm")
    choose(page, only, "Delete")
    expect(page.locator("#undo")).to_be_visible()
    page.click("#show-keys")
    longest = "Math.max(0, ...document.getAnimations().map((a) => Number(a.effect.getComputedTiming().activeDuration)))"
    assert page.evaluate(longest) <= 1
