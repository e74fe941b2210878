"""Writing and sending: what a person types is never lost, never sent twice, and never answered in silence."""

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.chatting import FIELD, answered, conversation_id, last_answer, ready, send, write
from tests.services.browser import Visitor
from tests.services.instances import Cluster

CALL = "**/gradio_api/run/predict*"


def test_a_message_is_shown_at_once_and_its_answer_streams_in(page: Page) -> None:
    send(page, "/slow 3")
    expect(page.locator(".question")).to_have_text(re.compile("/slow 3"), timeout=1000)
    expect(last_answer(page)).to_contain_text("word 2 of", timeout=5000)
    expect(last_answer(page)).to_have_attribute("data-status", "streaming")
    expect(last_answer(page)).to_have_attribute("data-status", "complete", timeout=10_000)
    expect(last_answer(page).locator("time")).to_be_visible()
    conversation_id(page)


def test_shift_enter_breaks_the_line_and_enter_sends(page: Page) -> None:
    write(page, "/plain one")
    page.press(FIELD, "Shift+Enter")
    page.keyboard.type("two")
    expect(page.locator(FIELD)).to_have_value("/plain one\ntwo")
    expect(page.locator(".question")).to_have_count(0)
    page.press(FIELD, "Enter")
    expect(page.locator(".question .bubble")).to_have_text("/plain one\ntwo")
    expect(page.locator(FIELD)).to_have_value("")


def test_the_send_button_sends_what_is_written_and_nothing_else(page: Page) -> None:
    write(page, "   ")
    expect(page.locator("#send-button")).to_be_disabled()
    write(page, "/plain")
    page.click("#send-button")
    expect(last_answer(page)).to_have_attribute("data-status", "complete")


def test_a_double_click_is_one_turn(page: Page) -> None:
    write(page, "/plain")
    page.dblclick("#send-button", delay=5)
    expect(last_answer(page)).to_have_attribute("data-status", "complete")
    page.reload()
    expect(page.locator(".question")).to_have_count(1)
    expect(page.locator(".answer")).to_have_count(1)


def test_a_send_whose_reply_got_lost_is_repeated_and_is_one_turn(visitor: Visitor) -> None:
    page = visitor.page
    visitor.record.tolerate("502")
    ready(page)
    lost: list[str] = []

    def lose_the_first(route: Route) -> None:
        if '\\"key\\"' in (route.request.post_data or "") and not lost:
            lost.append(route.fetch().text())  # it arrived and was done; only the reply never comes
            return route.fulfill(status=502, body="Bad Gateway")
        return route.continue_()

    page.route(CALL, lose_the_first)
    answered(page, "/plain")
    assert lost
    page.reload()
    expect(page.locator(".question")).to_have_count(1)
    expect(page.locator("#conversation-list [data-conversation-id]")).to_have_count(1)


def test_without_a_network_the_page_says_so_and_keeps_the_draft(visitor: Visitor) -> None:
    page = visitor.page
    visitor.record.tolerate("ERR_INTERNET_DISCONNECTED")
    ready(page)
    expect(page.locator(".list-empty")).to_be_visible()
    visitor.context.set_offline(True)
    send(page, "/plain later")
    expect(page.locator("#error-banner")).to_contain_text("cannot be reached")
    expect(page.locator(FIELD)).to_have_value("/plain later")
    expect(page.locator(".question")).to_have_count(0)

    visitor.context.set_offline(False)
    page.click("#error-banner >> text=Try again")
    expect(last_answer(page)).to_have_attribute("data-status", "complete")
    expect(page.locator("#error-banner")).to_be_hidden()
    expect(page.locator(FIELD)).to_have_value("")


def test_a_refusal_is_said_in_the_page_and_the_draft_comes_back(visitor: Visitor) -> None:
    page = visitor.page
    ready(page)

    def refuse(route: Route) -> None:
        order = json.loads(json.loads(route.request.post_data or "{}")["data"][0])
        if "key" not in order:
            return route.continue_()
        error = {"kind": "limit", "message": "Too much at once. Wait a moment and try again."}
        return route.fulfill(json={"data": [json.dumps({"n": order["n"], "error": error})]})

    page.route(CALL, refuse)
    send(page, "/plain")
    expect(page.locator("#error-banner")).to_have_attribute("role", "alert")
    expect(page.locator("#error-banner")).to_contain_text("Too much at once")
    expect(page.locator(FIELD)).to_have_value("/plain")
    page.click("#error-banner >> [aria-label=Dismiss]")
    expect(page.locator("#error-banner")).to_be_hidden()


def test_a_message_that_is_too_long_is_kept_and_not_sent(page: Page) -> None:
    write(page, "x" * 50_001)
    page.click("#send-button")
    expect(page.locator("#error-banner")).to_contain_text("too long")
    expect(page.locator(".question")).to_have_count(0)


@pytest.mark.parametrize("character", ["😀", '"', "\n", "\u0001"])
def test_the_longest_message_is_sent_whatever_it_is_made_of(page: Page, character: str) -> None:
    ready(page)
    page.evaluate(
        """character => {
            const field = document.querySelector("#message-box textarea");
            field.value = "/plain " + character.repeat(49_990) + "end";
            field.dispatchEvent(new Event("input", { bubbles: true }));
        }""",
        character,
    )
    page.press(FIELD, "Enter")
    expect(last_answer(page)).to_have_attribute("data-status", "complete", timeout=20_000)
    page.reload()
    expect(page.locator(".question .bubble")).to_contain_text("end")


def test_a_message_too_large_for_one_call_is_told_how_much_to_shorten(page: Page) -> None:
    ready(page)
    page.evaluate("""async () => {
        const { tooLong } = await import(performance.getEntriesByType("resource").map((entry) => entry.name)
            .find((name) => name.endsWith("/lengths.js")));
        window.told = tooLong('"'.repeat(60_000), { max_message_chars: 1_000_000, max_call_bytes: 100_000 });
        window.fine = tooLong("a".repeat(60_000), { max_message_chars: 1_000_000, max_call_bytes: 100_000 });
    }""")
    assert "shorten it by about 61 %" in page.evaluate("told")
    assert page.evaluate("fine") is None


def test_stop_keeps_the_text_so_far(page: Page) -> None:
    send(page, "/slow 60")
    expect(last_answer(page)).to_contain_text("word 3 of")
    expect(page.locator("#send-button")).to_be_hidden()
    page.click("#stop-button")
    expect(last_answer(page)).to_have_attribute("data-status", "stopped", timeout=3000)
    expect(last_answer(page)).to_contain_text("word 3 of")
    expect(last_answer(page)).to_contain_text("Stopped")
    expect(page.locator("#send-button")).to_be_visible()
    expect(page.locator("#stop-button")).to_be_hidden()


def test_a_message_sent_while_an_answer_runs_waits_behind_it(page: Page) -> None:
    send(page, "/slow 2")
    expect(last_answer(page)).to_contain_text("word 1 of")
    send(page, "/plain")
    expect(page.locator(".answer")).to_have_count(2)
    expect(page.locator(".answer").nth(1)).to_have_attribute("data-status", "complete", timeout=15_000)
    expect(page.locator(".answer").nth(0)).to_have_attribute("data-status", "complete")


def test_a_failed_answer_says_why_keeps_its_text_and_can_be_retried(page: Page) -> None:
    answer = answered(page, "/breaks_midway", "failed")
    expect(answer).to_contain_text("This answer starts well enough")
    expect(answer.locator(".notice-failed")).to_contain_text("closed the connection")
    answer.locator(".notice-retry").click()
    expect(last_answer(page)).to_contain_text("2 / 2", timeout=10_000)
    page.locator('[data-walk="branch-previous"]').click()
    expect(last_answer(page)).to_contain_text("1 / 2")
    expect(page).to_have_url(re.compile("&m="))


def test_an_example_begins_a_conversation(page: Page) -> None:
    ready(page)
    page.locator(".example").nth(2).click()
    expect(page.locator(".question")).to_contain_text("Tokyo")
    expect(last_answer(page)).to_have_attribute("data-status", "complete")


def test_another_window_follows_live(visitor: Visitor) -> None:
    answered(visitor.page, "/plain")
    other = visitor.window(f"/?c={conversation_id(visitor.page)}")
    expect(other.locator(".answer")).to_have_count(1)
    send(visitor.page, "/slow 3")
    expect(other.locator(".question")).to_have_count(2, timeout=3000)
    expect(other.locator(".answer").last).to_contain_text("word 2 of", timeout=3000)
    expect(other.locator(".answer").last).to_have_attribute("data-status", "complete", timeout=10_000)
    assert other.locator(".answer").last.inner_text() == last_answer(visitor.page).inner_text()


def test_a_reload_in_the_middle_shows_the_text_so_far_and_then_the_rest(page: Page) -> None:
    send(page, "/slow 4")
    expect(last_answer(page)).to_contain_text("word 5 of")
    page.reload()
    expect(last_answer(page)).to_contain_text("word 5 of", timeout=5000)
    expect(last_answer(page)).to_have_attribute("data-status", "complete", timeout=10_000)
    words = [int(n) for n in re.findall(r"word (\d+) of", last_answer(page).inner_text())]
    assert words == list(range(1, len(words) + 1))


def test_somebody_elses_conversation_is_not_found(
    visitor: Visitor, visit: Callable[..., Visitor], site: Cluster
) -> None:
    answered(visitor.page, "/plain")
    stranger = visit(site.url, f"/?c={conversation_id(visitor.page)}")
    stranger.record.tolerate("404")
    expect(stranger.page.locator(".not-found")).to_contain_text("Conversation not found")
    expect(stranger.page.locator(FIELD)).to_be_hidden()
    stranger.page.locator(".not-found a").click()
    expect(stranger.page.locator(".empty-state")).to_be_visible()
