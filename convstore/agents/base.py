"""What an agent is: an async generator that turns messages into events.

    async def echo(messages, context):
        yield f"You said: {messages[-1].content}"

A string counts as `Text`. The runner commits a `ToolCall` before it asks for the next event, so an agent yields the
call, then runs the tool, then yields the `ToolResult`: nothing runs that is not on record. When another instance takes
an answer over, `context.tool_calls` holds the calls that are already settled; an agent must not run those again.
Leaving the generator early (a stop, a lost lease) closes it: clean up in `finally`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The agent is about to run a tool. `arguments` is JSON text; `repeatable`: running it twice does no harm."""

    id: str
    name: str
    arguments: str
    repeatable: bool = False


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the tool with this call id returned, or why it failed."""

    id: str
    result: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """The next piece of what the model thought on the way, where a server sends it."""

    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens this answer has used so far, in all its rounds; the last one counts. `model`: the one that answered."""

    input_tokens: int = 0
    output_tokens: int = 0
    model: str | None = None


Event = Text | Reasoning | ToolCall | ToolResult | Usage


@dataclass(frozen=True, slots=True)
class PastCall:
    """A tool call on record. `status`: complete, failed, or interrupted (it may have run; nobody saw the outcome)."""

    id: str
    name: str
    arguments: str
    result: str
    status: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the history. `role`: system, user or assistant."""

    role: str
    content: str
    tool_calls: tuple[PastCall, ...] = ()


async def _no_conversations(limit: int) -> list[dict[str, str]]:
    return []


@dataclass(frozen=True, slots=True)
class Context:
    """Where the answer belongs, and what is already there of it."""

    owner: str
    conversation_id: UUID
    message_id: UUID
    attempt: int = 1
    model: str | None = None  # asked for by this conversation; None: the agent's default
    temperature: float | None = None
    tool_calls: tuple[PastCall, ...] = ()  # settled in an earlier attempt of this same answer, in order
    recent_conversations: Callable[[int], Awaitable[list[dict[str, str]]]] = field(default=_no_conversations)


class Agent(Protocol):
    """Anything callable like this. It may also have `label` (shown in the page), `async models()` (names to choose
    from), `async title(question, answer)` (a name for a conversation that began like this) and `async close()` (called
    when the instance ends)."""

    def __call__(self, messages: list[Message], context: Context) -> AsyncIterator[Event | str]: ...


class AgentError(Exception):
    """The model could not answer. The text is shown on the message: say what happened and what to do."""

    def __init__(self, reason: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


def as_event(value: Any) -> Event:
    """What an agent yielded as an event. Raises `TypeError` for anything that is neither an event nor a string."""
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, Event):
        return value
    raise TypeError(f"an agent yields events or strings, not {type(value).__name__}")
