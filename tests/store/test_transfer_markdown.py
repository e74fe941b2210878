"""A conversation as Markdown: one branch or all of them, and nothing in a message gets out of its section."""

import re
import time

import pytest

from convstore import conversations
from convstore.database import Database
from convstore.errors import NotFound
from convstore.transfer.fences import contained, fenced
from tests.store.luggage import as_markdown, conversation, document, everything_in_one, imported
from tests.store.scenes import OWNER, STRANGER, show, talk


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ .*$", text, re.MULTILINE)


def test_one_branch_reads_from_top_to_bottom(database: Database) -> None:
    (turn,) = talk(database, "hello")
    text = as_markdown(database, turn.conversation_id)
    assert headings(text) == ["# hello", "## 1 · You", "## 2 · Assistant"]
    assert text.index("re: hello") > text.index("## 2 · Assistant")


def test_the_branch_that_is_asked_for_is_written(database: Database) -> None:
    key = everything_in_one(database)
    newest = ["## 1 · You", "## 2 · Assistant", "## 6 · You", "## 7 · Assistant", "## 8 · You", "## 9 · Assistant"]
    assert headings(as_markdown(database, key))[1:] == newest
    retried = show(database, key).messages[1].siblings[1]
    assert headings(as_markdown(database, key, leaf=retried))[1:] == ["## 1 · You", "## 5 · Assistant"]


def test_all_branches_are_written_and_each_says_where_it_begins(database: Database) -> None:
    key = everything_in_one(database)
    text = as_markdown(database, key, all_branches=True)
    branches = [line for line in headings(text) if line.startswith("# Branch")]
    assert branches == [
        "# Branch 1, from the beginning",
        "# Branch 2, continues from message 1",
        "# Branch 3, continues from message 2",
    ]
    numbers = [int(found) for found in re.findall(r"^## (\d+) · ", text, re.MULTILINE)]
    assert sorted(numbers) == list(range(1, 10)), "every message once"


def test_tools_failures_and_ratings_are_told(database: Database) -> None:
    text = as_markdown(database, everything_in_one(database), all_branches=True)
    assert "**Tool clock** (complete)" in text
    assert '```json\n{"zone":"UTC"}\n```' in text
    assert "````\nnoon\ufffd\n```\n````" in text
    assert "*Failed.* The model broke off." in text
    assert "*Rated down.* no \\<b\\>good\\</b\\>" in text
    assert "```python\nprint('never closed')\n```\n\n*Stopped.*" in text


def test_not_yours_is_not_found(database: Database) -> None:
    (turn,) = talk(database, "hello")
    with pytest.raises(NotFound):
        as_markdown(database, turn.conversation_id, STRANGER)


def test_a_hostile_title_is_only_a_title(database: Database) -> None:
    title = "![x](http://evil.example) <img src=x onerror=alert(1)> `a` # *b*"
    imported(database, document(conversation("hi", title=title)))
    with database.read() as session:
        (found,) = conversations.recent(session, OWNER).items
    heading = as_markdown(database, found.id).splitlines()[0]
    assert "<img" not in re.sub(r"\\.", "", heading) and "![" not in heading
    assert "http" in heading


SAFE = {
    "![x](http://evil.example)": r"\![x](http://evil.example)",
    "<img src=x onerror=y>": r"\<img src=x onerror=y>",
    "a < b and `<b>` is code": "a < b and `<b>` is code",
    "`` ` <b> `` <i>": r"`` ` <b> `` \<i>",
    "an open ` tick\nand <b> ` after": "an open ` tick\nand \\<b> ` after",
    "an open ` tick\n\nand `<b>` after": "an open ` tick\n\nand `<b>` after",
    r"an escaped \` and <b> `": r"an escaped \` and \<b> `",
    "```\n<b>\n```\n<b>": "```\n<b>\n```\n\\<b>",
    "~~~ a`b\n```\n~~~\n<b>": "~~~ a`b\n```\n~~~\n\\<b>",
    "````\n```\n<b>\n````": "````\n```\n<b>\n````",
    "``` not `a` fence\n<b>": "``` not `a` fence\n\\<b>",
    "```\nnever closed <b>": "```\nnever closed <b>\n```",
    "1. do\n   ```sh\n   cat <in>\n   ```\n<b>": "1. do\n   ```sh\n   cat <in>\n   ```\n\\<b>",
    "- do\n\n  ```\n  in\n<b>\n  ```": "- do\n\n  \\```\n  in\n\\<b>\n  \\```",
    "para\n    ```\n    ![x](y)\n    ```": "para\n    ```\n    \\![x](y)\n    ```",
    "> ```\n> x\n<b>": "> ```\n> x\n\\<b>",
    "a\r\nb\r<b>": "a\nb\n\\<b>",
    "<!-- <b> -->": r"\<!-- \<b> -->",
    "<https://evil.example>": r"\<https://evil.example>",
}


@pytest.mark.parametrize("text", SAFE)
def test_outside_of_code_nothing_is_loaded_and_nothing_is_a_tag(text: str) -> None:
    assert contained(text) == SAFE[text]


def test_nothing_ends_a_block_of_code() -> None:
    assert fenced("a ``` b ```` c", "json") == "`````json\na ``` b ```` c\n`````"


@pytest.mark.parametrize(
    "text",
    ["`" * 5_000 + "a", "` `` " * 5_000, "   ```\n" * 3_000, "```\n" * 3_001, "   ```a\n" * 50_000, "\\`<" * 9_000],
)
def test_no_text_takes_long(text: str) -> None:
    began = time.monotonic()
    contained(text)
    assert time.monotonic() - began < 2
