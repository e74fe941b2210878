"""A real Chromium, and a record of everything the page asked for and complained about.

A test gets `Visitor`s: each is one person (an own cookie jar), with one or more windows. When the visitor leaves,
its record is checked: no request left the site, none went to Gradio's queue, and the console stayed clean.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, Response, expect

FLAGS = [
    "--disable-gpu",
    "--disable-dev-shm-usage",  # /dev/shm is tiny in containers
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
expect.set_options(timeout=10_000)  # to wait where a test sets no time: two files may run at once
QUEUE_ROUTES = re.compile(r"/(queue|call|heartbeat|stream|reset|cancel|upload)(/|$)")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass
class Record:
    """What one visitor's windows did. `tolerate(pattern)`: console errors that a test provokes on purpose."""

    origins: set[str]
    requests: list[Request] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    tolerated: list[re.Pattern[str]] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        context.on("request", lambda request: self.requests.append(request))
        context.on("response", lambda response: self.responses.append(response))
        context.on("console", self._console)
        context.on("weberror", lambda error: self.errors.append(f"uncaught: {error.error}"))

    def tolerate(self, pattern: str) -> None:
        self.tolerated.append(re.compile(pattern))

    def foreign(self) -> list[str]:
        """Requests that left the site."""
        local = ("data:", "blob:", "about:")
        return [r.url for r in self.requests if not r.url.startswith(local) and _origin(r.url) not in self.origins]

    def queued(self) -> list[str]:
        """Requests to a route of Gradio's queue, which lives in one process."""
        return [r.url for r in self.requests if QUEUE_ROUTES.search(urlsplit(r.url).path)]

    def refused(self) -> list[str]:
        """Answers with a 4xx or 5xx."""
        return [f"{r.status} {r.request.method} {r.url}" for r in self.responses if r.status >= 400]

    def complaints(self) -> list[str]:
        """Console errors and uncaught exceptions that nobody tolerates."""
        return [text for text in self.errors if not any(pattern.search(text) for pattern in self.tolerated)]

    def check(self) -> None:
        """The promises that hold on every page, in every test."""
        assert self.foreign() == [], "the page asked another host"
        assert self.queued() == [], "the page used Gradio's queue"
        assert self.complaints() == [], "the console is not clean"

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")


@dataclass
class Visitor:
    """One person at the site `url`. `page` is the first window; `window(url)` opens another one, same person."""

    url: str
    context: BrowserContext
    page: Page
    record: Record

    def window(self, path: str = "/", at: str | None = None) -> Page:
        """Another window of the same person; `at` is another address of the site (one instance, say).

        Cookies do not know ports: the identity holds at every loopback address with the same host name.
        """
        page = self.context.new_page()
        self.record.origins.add(_origin(at or self.url))
        page.goto((at or self.url) + path)
        return page


def executable() -> str | None:
    """Where Chromium is: CHROMIUM, the system's, else None for Playwright's own."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    return next((found for found in map(shutil.which, NAMES) if found), None)


def launch(playwright: Playwright) -> Browser:
    """A headless Chromium. Fails with how to install one."""
    path = executable()
    own = Path(playwright.chromium.executable_path)
    assert path or own.exists(), (
        "these tests need a real Chromium: `apt-get install chromium`, or `python -m playwright install chromium`, "
        "or name the program in CHROMIUM"
    )
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=path, args=FLAGS + as_root)


@contextmanager
def visiting(browser: Browser, url: str, **options: object) -> Iterator[Visitor]:
    """A new person at `url` (nothing loaded yet). `options` go to the browser context: viewport, color_scheme, …"""
    context = browser.new_context(**options)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    record = Record({_origin(url)})
    record.watch(context)
    try:
        yield Visitor(url, context, context.new_page(), record)
    finally:
        context.close()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
