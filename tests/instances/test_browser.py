"""People in a real Chromium; two instances on PostgreSQL behind nginx, strictly in turn. No request sticks."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from uuid import UUID

import pytest
from playwright.sync_api import Locator, Page, expect

from convstore.database import Database
from tests.instances.looking import turn
from tests.services.agents import signed_words
from tests.services.browser import Visitor
from tests.services.instances import Cluster, cluster
from tests.services.people import CALL

pytestmark = pytest.mark.alone

MESSAGES = 50
ANSWERS, RELOADS_EACH = 5, 4  # 20 reloads
MOST_LAG_SECONDS = 0.5
# Notes when each numbered word is first on screen, in milliseconds since 1970.
STOPWATCH = """() => {
  window.shownAt = [];
  new MutationObserver(() => {
    const words = document.querySelector("#transcript").textContent.match(/word\\d+ /g) ?? [];
    while (shownAt.length < words.length) shownAt.push(performance.timeOrigin + performance.now());
  }).observe(document.querySelector("#transcript"), { subtree: true, childList: true, characterData: true });
}"""


@pytest.fixture(scope="module")
def shared_site(
    fresh_database: Callable[[str], AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """Two instances on PostgreSQL behind nginx, with a quick agent."""
    directory = tmp_path_factory.mktemp("browser")
    settings = {"AGENT": "tests.services.agents:quick"}
    with fresh_database("postgresql") as url, cluster(directory, url, proxy=True, settings=settings) as site:
        yield site


@pytest.fixture
def visitor(site: Cluster, visit: Callable[..., Visitor]) -> Visitor:
    """Somebody new, on the start page."""
    return visit(site.url)


def ask(page: Page, text: str) -> None:
    """Write a message and press Enter."""
    page.fill("#message-box textarea", text)
    page.press("#message-box textarea", "Enter")


def last_answer(page: Page) -> Locator:
    return page.locator("#transcript article.answer").last


def words_shown(page: Page) -> list[int]:
    """The numbers of the words that the newest answer shows."""
    return [int(number) for number in re.findall(r"word(\d+)", last_answer(page).inner_text())]


def conversation_of(page: Page) -> UUID:
    page.wait_for_url(re.compile(r"[?&]c="))
    found = re.search(r"[?&]c=([0-9a-f-]{36})", page.url)
    assert found is not None
    return UUID(found[1])


def owner_of(database: Database, conversation: UUID) -> str:
    from convstore.models import Conversation

    with database.read() as session:
        found = session.get(Conversation, conversation)
        assert found is not None
        return found.owner


def test_fifty_of_fifty_messages_are_answered_whichever_instance_is_asked(
    site: Cluster, visitor: Visitor, truth: Database
) -> None:
    page = visitor.page
    for n in range(1, MESSAGES + 1):
        ask(page, f"number {n} of {MESSAGES}")
        answer = page.locator("#transcript article.answer", has_text=f"number {n} of {MESSAGES}")
        expect(answer).to_have_attribute("data-status", "complete", timeout=20_000)

    conversation = conversation_of(page)
    turns = turn(truth, owner_of(truth, conversation), conversation)
    assert [view.role for view in turns] == ["user", "assistant"] * MESSAGES
    assert {view.status for view in turns} == {"complete"}
    assert {view.served_by for view in turns if view.role == "assistant"} == {i.name for i in site.instances}
    assert visitor.record.refused() == []
    assert visitor.record.queued() == []
    assert site.proxy is not None
    assert site.proxy.refused() == []
    shares = Counter(request.upstreams[-1] for request in site.proxy.requests() if request.path == CALL)
    assert min(shares.values()) > MESSAGES / 2, f"the calls did not go to both instances: {shares}"


def test_a_reload_in_the_middle_of_an_answer_shows_what_there_was_and_then_the_rest(
    visitor: Visitor, site: Cluster, truth: Database, rng: random.Random
) -> None:
    page = visitor.page
    seconds = 10
    for round_ in range(1, ANSWERS + 1):
        ask(page, f"/signed {seconds}")
        expect(page.locator("#transcript article.answer")).to_have_count(round_)
        for reload in range(RELOADS_EACH):
            expect(last_answer(page)).to_contain_text("word1 ")
            page.wait_for_timeout(rng.uniform(0, 800))
            assert last_answer(page).get_attribute("data-status") == "streaming", "too late for this reload"
            before = max(words_shown(page))
            page.reload()
            expect(last_answer(page)).to_contain_text("word1 ")
            at_once = words_shown(page)
            assert len(at_once) >= before, f"reload {reload}: {before} words were shown, then {len(at_once)}"
            assert at_once == list(range(1, len(at_once) + 1))
        expect(last_answer(page)).to_have_attribute("data-status", "complete", timeout=20_000)
        shown = " ".join(re.findall(r"attempt\d+-word\d+", last_answer(page).inner_text()))
        assert shown == "".join(signed_words(1, seconds)).strip()
    assert visitor.record.refused() == []
    assert site.proxy is not None
    assert site.proxy.refused() == []
    conversation = conversation_of(page)
    assert len(turn(truth, owner_of(truth, conversation), conversation)) == 2 * ANSWERS


def test_a_second_window_through_the_other_instance_keeps_up(site: Cluster, visit: Callable[..., Visitor]) -> None:
    one, two = site.instances
    visitor = visit(one.url)
    first = visitor.page
    ask(first, "/plain")
    expect(last_answer(first)).to_have_attribute("data-status", "complete")
    second = visitor.window(f"/?c={conversation_of(first)}", at=two.url)
    expect(last_answer(second)).to_have_attribute("data-status", "complete")
    for window in (first, second):
        window.evaluate(STOPWATCH)

    ask(first, "/signed 4")
    for window in (first, second):
        expect(last_answer(window)).to_contain_text("word80", timeout=20_000)
        expect(last_answer(window)).to_have_attribute("data-status", "complete")

    times = [window.evaluate("shownAt") for window in (first, second)]
    lags = sorted((there - here) / 1000 for here, there in zip(*times, strict=False))
    assert len(lags) >= 70
    print(f"second window: median {lags[len(lags) // 2]:.3f} s, most {lags[-1]:.3f} s behind")  # noqa: T201
    assert lags[int(len(lags) * 0.95)] < MOST_LAG_SECONDS


def test_another_person_gets_the_not_found_page_through_every_instance(
    site: Cluster, visitor: Visitor, visit: Callable[..., Visitor]
) -> None:
    ask(visitor.page, "a secret of mine")
    expect(last_answer(visitor.page)).to_have_attribute("data-status", "complete")
    conversation = conversation_of(visitor.page)
    stranger = visit(site.url)
    stranger.record.tolerate("404")
    for path in (f"/?c={conversation}", f"/c/{conversation}", f"/?c={conversation}"):
        stranger.page.goto(site.url + path)
        expect(stranger.page.locator("#transcript")).to_contain_text("Conversation not found")
        assert "secret" not in stranger.page.content()
    visitor.page.goto(f"{site.url}/c/{conversation}")
    expect(visitor.page.locator("#transcript")).to_contain_text("a secret of mine")


def test_a_double_click_on_send_is_one_turn(visitor: Visitor, truth: Database) -> None:
    page = visitor.page
    page.fill("#message-box textarea", "once, please")
    page.dblclick("#send-button")
    expect(last_answer(page)).to_have_attribute("data-status", "complete")
    conversation = conversation_of(page)
    assert [view.role for view in turn(truth, owner_of(truth, conversation), conversation)] == ["user", "assistant"]
    expect(page.locator("#transcript article")).to_have_count(2)


def test_an_open_page_goes_on_when_the_instance_behind_it_is_killed(
    site: Cluster, visitor: Visitor, truth: Database, rng: random.Random
) -> None:
    visitor.record.tolerate("ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE|ERR_CONNECTION")  # the cut stream
    page = visitor.page
    ask(page, "/signed 3")
    expect(last_answer(page)).to_contain_text("word5 ")
    conversation = conversation_of(page)
    owner = owner_of(truth, conversation)
    site.named(str(turn(truth, owner, conversation)[-1].served_by)).kill()
    expect(last_answer(page)).to_have_attribute("data-status", "complete", timeout=30_000)
    expect(last_answer(page)).to_contain_text("attempt2-word60")
    assert "attempt1" not in last_answer(page).inner_text()
    ask(page, "/plain")  # and with one instance left, the next message as well
    expect(page.locator("#transcript article.answer")).to_have_count(2)
    expect(last_answer(page)).to_have_attribute("data-status", "complete")
    assert visitor.record.refused() == []
