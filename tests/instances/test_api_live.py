"""Behind a gateway that signs people in, a person in the page and a program with a token are one owner; and the lines
of the documentation, run as they stand there."""

import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from tests.services.api_clients import SECRET, ApiClient
from tests.services.instances import ROOT, Cluster, cluster
from tests.services.people import Person
from tests.services.waiting import until

HEADER = "X-Forwarded-User"
SETTINGS = {
    "AGENT": "tests.services.agents:quick",
    "JWT_SECRET": SECRET,
    "TRUSTED_USER_HEADER": HEADER,
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_site(
    request: pytest.FixtureRequest,
    fresh_database: Callable[[str], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """Two instances behind nginx, which stands for the gateway."""
    directory = tmp_path_factory.mktemp("gateway")
    with fresh_database(request.param) as url, cluster(directory, url, count=2, proxy=True, settings=SETTINGS) as site:
        yield site


class SignedIn(Person):
    """A person in the page, as the gateway names them."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        super().__init__(url, headers={HEADER: name})

    @property
    def owner(self) -> str:
        return self.name


@dataclass
class Heard:
    """What a reader hears of one answer: its text so far, and when the first of it came."""

    text: str = ""
    first_at: float = 0.0

    def take(self, name: str, data: dict[str, Any]) -> bool:
        """Take one event; returns whether the answer is over."""
        if name in ("answer", "delta") and data.get("kind") != "reasoning":
            self.text = data["text"] if name == "answer" else self.text + data["text"]
            self.first_at = self.first_at or (time.monotonic() if self.text else 0.0)
        return name == "changed" and self.text != ""


def test_page_and_program_see_each_other_as_it_happens(site: Cluster) -> None:
    name = f"ada-{uuid.uuid4().hex[:8]}@example.org"
    person, program = SignedIn(site.url, name), ApiClient(site.url, name)
    one, other = (instance.url for instance in site.instances)
    talk = person.send("/plain", at=one).conversation
    until(lambda: program.messages(talk)[-1]["status"] == "complete", "the first answer")

    def by_program(ready: Event) -> Heard:
        heard = Heard()
        for event in program.follow(talk, at=other):
            ready.set()
            if heard.take(event.name, event.data):
                break
        return heard

    def by_person(ready: Event) -> Heard:
        heard = Heard()
        with person.follow(talk, at=one) as events:
            for name, data in events:
                ready.set()
                if heard.take(name, data):
                    break
        return heard

    for listen, speak in (
        (by_program, lambda: person.send("/slow 2", talk, at=one)),
        (by_person, lambda: program.chat("/slow 2", talk, at=other)),
    ):
        with ThreadPoolExecutor(2) as background:
            ready = Event()
            listening = background.submit(listen, ready)
            assert ready.wait(10)
            background.submit(speak).result(30)
            until(lambda: program.messages(talk)[-1]["status"] == "complete", "the answer", 20)
            finished_at = time.monotonic()
            heard = listening.result(20)
        whole = program.messages(talk)[-1]["content"]
        assert heard.text and whole.startswith(heard.text)
        assert finished_at - heard.first_at > 1.0, "it was heard while it was being said"
    assert [m["role"] for m in program.messages(talk)] == ["user", "assistant"] * 3
    assert len(person.open(talk, at=other)["messages"]) == 6
    program.close()
    person.close()


def test_only_the_gateway_says_who_somebody_is(site: Cluster) -> None:
    url = site.instances[0].url
    with httpx.Client() as nobody:
        assert nobody.get(url + "/").status_code == 401
        for value in ("", "anon:0123456789abcdef0123456789abcdef", "shared", "x" * 256):
            assert nobody.get(url + "/", headers={HEADER: value}).status_code == 401
        assert nobody.get(url + "/", headers=[(HEADER, "ada"), (HEADER, "eve")]).status_code == 401
        page = nobody.get(url + "/", headers={HEADER: "ada"})
        assert page.status_code == 200
        assert "set-cookie" not in page.headers
        # In the API the header is nothing, whoever sends it.
        assert nobody.get(f"{url}/api/ada/conversations", headers={HEADER: "ada"}).status_code == 401


def blocks(text: str) -> list[str]:
    """The shell blocks with curl in them."""
    return [block for block in re.findall(r"```(?:bash|sh)\n(.*?)```", text, re.DOTALL) if "curl" in block]


@pytest.mark.parametrize("source", ["README.md", "convstore/api/static/about.md"])
def test_the_lines_of_the_documentation_work_as_they_stand_there(site: Cluster, source: str, tmp_path: Path) -> None:
    """On two instances behind round robin; only the address is another one."""
    scripts = [block for block in blocks((ROOT / source).read_text(encoding="utf-8")) if "/api/" in block]
    assert scripts
    for block in scripts:
        script = re.sub(r"http://127\.0\.0\.1:7860", site.url, block)
        env = site.env | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script.replace("curl ", "curl --fail-with-body ")],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "is **42**" in done.stdout
        assert "event: done" in done.stdout
    if source.endswith("about.md"):
        shown = httpx.get(f"{site.url}/openapi.json").json()["info"]["description"]
        assert shown == (ROOT / source).read_text(encoding="utf-8")
