"""Two tabs on two instances write to one conversation, a thousand times at once: nothing is lost, the tree is whole."""

import random
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from convstore.database import Database
from convstore.models import FINISHED, Message
from tests.services.instances import Cluster, cluster
from tests.services.people import Person
from tests.services.waiting import until

ROOT = Path(__file__).parents[2]
TABS, EACH = 4, 250  # two tabs on each instance


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_site(
    request: pytest.FixtureRequest,
    fresh_database: Callable[[str], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """Two instances whose answers are there at once."""
    settings = {"AGENT": "tests.services.agents:at_once"}
    with (
        fresh_database(request.param) as url,
        cluster(tmp_path_factory.mktemp("racing"), url, count=2, settings=settings) as site,
    ):
        yield site


def write(person: Person, at: str, tab: int, conversation: uuid.UUID, seen: dict[str, Any], seed: int) -> list[str]:
    """One tab: each time it goes on from what it saw last, or edits a message that it sees. Returns what it wrote."""
    rng = random.Random(f"{seed}/{tab}")
    texts = []
    for n in range(EACH):
        text, key = f"tab {tab} says {n}", uuid.uuid4().hex
        questions = [message["id"] for message in seen["messages"] if message["role"] == "user"]
        if rng.random() < 0.5:
            order = {"text": text, "key": key, "conversation": conversation, "parent": seen["messages"][-1]["id"]}
            seen = person.call("turns_send", at=at, **order)["window"]
        else:
            order = {"text": text, "key": key, "conversation": conversation, "message": rng.choice(questions)}
            seen = person.call("turns_edit", at=at, **order)["window"]
        texts.append(text)
    return texts


def test_a_thousand_racing_sends_and_edits_are_all_there(
    site: Cluster, person: Person, truth: Database, rng: random.Random
) -> None:
    first = person.send("the first", at=site.instances[0].url)
    seed = rng.randrange(10**6)
    with ThreadPoolExecutor(TABS) as tabs:
        writing = [
            tabs.submit(write, person, site.instances[tab % 2].url, tab, first.conversation, first.window, seed)
            for tab in range(TABS)
        ]
        written = ["the first", *(text for tab in writing for text in tab.result())]
    assert len(written) == TABS * EACH + 1
    here = col(Message.conversation_id) == first.conversation

    def unfinished() -> int:
        open_ = select(func.count()).where(here, col(Message.status).not_in(FINISHED))
        with truth.read() as session:
            return int(session.execute(open_).scalar_one())

    until(lambda: unfinished() == 0, "every answer to end", 60, every=0.2)
    with truth.read() as session:
        rows = session.execute(select(col(Message.role), col(Message.content), col(Message.status)).where(here)).all()
    assert Counter(row.content for row in rows if row.role == "user") == Counter(written)
    answers = [row for row in rows if row.role == "assistant"]
    assert Counter(row.content for row in answers) == Counter(f"re: {text}" for text in written)
    assert {row.status for row in answers} == {"complete"}
    checked = subprocess.run(
        [sys.executable, "-m", "convstore", "check"],
        env=site.env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
