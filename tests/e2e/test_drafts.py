"""What is written and not sent yet: it belongs to the conversation it was written for, and survives a reload."""

from playwright.sync_api import Page, Route, expect

from tests.e2e.chatting import FIELD, answered, conversation_id, last_answer, ready, send, write

CALL = "**/gradio_api/run/predict*"


def test_a_draft_survives_a_reload_and_belongs_to_its_conversation(page: Page) -> None:
    write(page, "a thought for a new chat")
    page.reload()
    ready(page)
    expect(page.locator(FIELD)).to_have_value("a thought for a new chat")

    answered(page, "/plain")
    write(page, "a thought for this one")
    page.click("#new-chat")
    expect(page.locator(".empty-state")).to_be_visible()
    expect(page.locator(FIELD)).to_have_value("")
    page.go_back()
    expect(page.locator(FIELD)).to_have_value("a thought for this one")


def _hold_back(page: Page, conversation: str) -> list[Route]:
    """Keep the page's requests to open that conversation; returns them, to be let go."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        asked = route.request.post_data or ""
        if "entering" in asked and conversation in asked:
            held.append(route)
        else:
            route.continue_()

    page.route(CALL, hold)
    return held


def _write_on_the_way_back(page: Page, text: str) -> tuple[str, list[Route]]:
    """From a new chat to a conversation of one turn that does not come yet: write and press Enter meanwhile."""
    answered(page, "/plain first")
    there = conversation_id(page)
    page.click("#new-chat")
    held = _hold_back(page, there)
    page.click(f"#conversation-list a[data-conversation-id='{there}']")
    page.fill(FIELD, text)
    page.press(FIELD, "Enter")
    return there, held


def _let_go(page: Page, held: list[Route]) -> None:
    for _ in range(500):
        if held:
            break
        page.wait_for_timeout(20)
    assert held, "the page never asked for the conversation"
    while held:
        held.pop().continue_()
    page.unroute(CALL)


def test_what_is_written_while_a_conversation_is_on_its_way_is_for_that_conversation(page: Page) -> None:
    there, held = _write_on_the_way_back(page, "/plain second")
    _let_go(page, held)
    expect(page.locator(".answer")).to_have_count(2)
    expect(last_answer(page)).to_have_attribute("data-status", "complete")
    assert conversation_id(page) == there


def test_who_goes_on_before_a_text_could_be_sent_finds_it_as_a_draft_where_it_was_written(page: Page) -> None:
    there, held = _write_on_the_way_back(page, "meant for the first")
    page.click("#new-chat")
    expect(page.locator(FIELD)).to_have_value("")
    send(page, "/plain elsewhere")
    expect(page.locator(".question .bubble")).to_have_text("/plain elsewhere")
    conversation_id(page)
    _let_go(page, held)
    expect(last_answer(page)).to_have_attribute("data-status", "complete")
    expect(page.locator(".question")).to_have_count(1)
    page.click(f"#conversation-list a[data-conversation-id='{there}']")
    expect(page.locator(FIELD)).to_have_value("meant for the first")
    expect(page.locator(".question .bubble")).to_have_text("/plain first")


def test_a_send_that_a_reload_cut_off_is_taken_up_again(page: Page) -> None:
    ready(page)
    lost: list[Route] = []

    def lose_the_first(route: Route) -> None:
        if '\\"key\\"' in (route.request.post_data or "") and not lost:
            lost.append(route)  # never goes on: the reload ends it
        else:
            route.continue_()

    page.route(CALL, lose_the_first)
    send(page, "/plain")
    expect(page.locator(".question")).to_be_visible()
    page.reload()
    expect(last_answer(page)).to_have_attribute("data-status", "complete")
    expect(page.locator(".question")).to_have_count(1)
