"""What a person waits for, in a real Chromium over nginx, two instances in turn, and PostgreSQL.

- Enter until one's own message is on screen.
- The model's first token, from when the model's server was asked, until it is on screen. That server answers at once.
"""

import statistics
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.services.browser import launch, visiting
from tests.services.instances import cluster

FIELD = "#message-box textarea"
# When the own message and the first words of its answer came up, in milliseconds since 1970.
STOPWATCH = """() => {
  const now = () => performance.timeOrigin + performance.now();
  window.stopwatch = {};
  document.querySelector("#message-box textarea").addEventListener("keydown", (event) => {
    if (event.key === "Enter") window.stopwatch = { enter: now() };
  }, true);
  new MutationObserver(() => requestAnimationFrame(() => {
    const seen = window.stopwatch;
    const count = (what, text) =>
      [...document.querySelectorAll("#transcript " + what)].filter((found) => found.textContent.includes(text)).length;
    if (count(".question", "") > window.turns) seen.own ??= now();
    if (count(".answer", "t0") > window.turns) seen.first ??= now();
  })).observe(document.querySelector("#transcript"), { subtree: true, childList: true, characterData: true });
}"""


def measure(directory: Path, database_url: str, messages: int) -> None:
    """Print both medians over so many messages of one conversation."""
    with (
        cluster(directory, database_url, count=2, proxy=True, model=True) as site,
        sync_playwright() as playwright,
        visiting(launch(playwright), site.url) as visitor,
    ):
        assert site.model is not None
        page = visitor.page
        page.goto(site.url)
        expect(page.locator("html")).to_have_attribute("data-ready", "true", timeout=20_000)
        page.evaluate(STOPWATCH)
        own, first = zip(*(_once(page, n) for n in range(messages)), strict=True)
        asked = {}
        for request in site.model.requests():
            if request.get("stream"):  # not the one for a title
                asked[request["messages"][-1]["content"]] = request["_at"] * 1000
    waits = [shown - asked[f"ok:40:20 number {n}"] for n, shown in enumerate(first)]
    for what, taken in (("Enter to own message on screen", own), ("model's first token to screen", waits)):
        print(
            f"  {what:<52} median {statistics.median(taken):6.1f} ms, most {max(taken):6.1f} ms, "
            f"{messages} messages  goal < 150",
            flush=True,
        )


def _once(page: Page, number: int) -> tuple[float, float]:
    """Send one message; how long the own one took, and when the first token of its answer was on screen."""
    page.evaluate("n => { window.turns = n; }", number)
    page.fill(FIELD, f"ok:40:20 number {number}")
    page.press(FIELD, "Enter")
    expect(page.locator("#transcript .answer")).to_have_count(number + 1)
    expect(page.locator("#transcript .answer").last).to_have_attribute("data-status", "complete", timeout=20_000)
    seen = page.evaluate("window.stopwatch")
    return seen["own"] - seen["enter"], seen["first"]
