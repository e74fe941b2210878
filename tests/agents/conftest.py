"""An answer as a test looks at it: all the events of one, and what ended it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from convstore.agents import Agent, AgentError, Context, Event, Message, Reasoning, Text, ToolCall, ToolResult, Usage
from tests.services.scripted_model import ScriptedModel


@dataclass
class Answer:
    """What an agent gave."""

    events: list[Event] = field(default_factory=list)
    error: AgentError | None = None

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Text))

    @property
    def reasoning(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Reasoning))

    @property
    def calls(self) -> list[ToolCall]:
        return [event for event in self.events if isinstance(event, ToolCall)]

    @property
    def results(self) -> dict[str, ToolResult]:
        return {event.id: event for event in self.events if isinstance(event, ToolResult)}

    @property
    def usage(self) -> Usage | None:
        return next((event for event in reversed(self.events) if isinstance(event, Usage)), None)


def context(**values: Any) -> Context:
    return Context(owner="ada", conversation_id=UUID(int=1), message_id=UUID(int=2), **values)


async def answer(agent: Agent, asked: str | list[Message], **values: Any) -> Answer:
    """The whole answer to a message or a history; an `AgentError` is part of it."""
    messages = [Message("user", asked)] if isinstance(asked, str) else asked
    got = Answer()
    try:
        async for event in agent(messages, context(**values)):
            assert not isinstance(event, str)
            got.events.append(event)
    except AgentError as error:
        got.error = error
    return got


@pytest.fixture
def scripted() -> Iterator[ScriptedModel]:
    """A scripted model server for one test."""
    with ScriptedModel() as server:
        yield server
