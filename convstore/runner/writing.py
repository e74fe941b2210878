"""One answer being written: the agent's events on one side, the draft on the other.

However it ends, the row says so: complete, stopped, failed with a reason, or (a drain) back in the queue. Only a lost
lease ends without a word, because the row belongs to somebody else then.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from convstore import conversations, prompts, tool_calls
from convstore.agents.base import (
    Agent,
    AgentError,
    Context,
    Message,
    PastCall,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    as_event,
)
from convstore.answers import Outcome
from convstore.database import Database
from convstore.errors import ConvstoreError, LeaseLost, Unavailable
from convstore.prompts import Entry, Prompt
from convstore.runner.flusher import TROUBLE_GAP_SECONDS, Draft
from convstore.runner.limits import Limits
from convstore.text import storable
from convstore.usage import MOST_TOKENS

log = logging.getLogger("convstore.answers")
T = TypeVar("T")

NO_TEXT = "The model sent an empty answer. Try again, or put the question differently."
BROKEN = "The agent broke off unexpectedly. Try again; the server's log has the details."
TOO_SLOW = "The answer took longer than {seconds:.0f} seconds and was ended. Try again, or ask for less at once."
TOO_LONG = "The answer grew past {characters:,} characters and was ended there."


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of an answer here. `outcome`: a finished status, `lost` or `handed over`."""

    outcome: str
    first_token_seconds: float | None = None  # from the beginning of writing


class Writing:
    """Writes one answer. `run` ends when the row has its final state, or is somebody else's."""

    def __init__(self, db: Database, agent: Agent, limits: Limits, draft: Draft, instance: str) -> None:
        self.draft = draft
        self.handing_over = False
        self.on_end: Callable[[Ended], None] = lambda ended: None
        self.on_first_answer: Callable[[str, str], None] = lambda question, answer: None
        self._db, self._agent, self._limits, self._instance = db, agent, limits, instance
        self._usage = Usage()
        self._read_characters = 0
        self._history: list[Entry] = []
        self._began = time.monotonic()
        self._first_token_at: float | None = None

    async def run(self) -> None:
        """Write it. Interrupted by `draft.interrupt` (a stop, a lost lease) or by `hand_over`, through cancellation."""
        task = asyncio.current_task()
        assert task is not None
        self.draft.on_interrupt = lambda: _cancel(task)
        if self.interrupted:  # before it had begun
            task.cancel()
        try:
            outcome = await self._outcome()
        except asyncio.CancelledError:
            cancelled = task.cancelling() > 0
            task.uncancel()
            if self.draft.stopping and not self.handing_over:
                outcome = self._ended("stopped")
            elif cancelled:
                self._report("lost" if self.draft.lost else "failed" if self.draft.outcome else "handed over")
                return
            else:  # the agent's own, from something it has cancelled itself
                outcome = self._ended("failed", BROKEN)
        except LeaseLost:
            self._report("lost")
            return
        self.draft.on_interrupt = lambda: None
        await self.draft.finish(outcome)
        if outcome.status == "complete" and not self.draft.lost and len(self._history) == 1:
            self.on_first_answer(self._history[0].content, outcome.content)
        self._report("lost" if self.draft.lost else outcome.status, outcome.error)

    @property
    def interrupted(self) -> bool:
        """Nothing more is to be written here."""
        return self.handing_over or self.draft.lost or self.draft.stopping

    def hand_over(self) -> None:
        """Stop writing and leave the row as it is; the caller puts it back in the queue."""
        self.handing_over = True
        self.draft.on_interrupt()

    async def _outcome(self) -> Outcome:
        limit = asyncio.timeout(self._limits.answer_seconds)
        try:
            async with limit:
                return await self._listen()
        except AgentError as error:
            return self._ended("failed", str(error))
        except LeaseLost:
            raise
        except ConvstoreError as error:
            return self._ended("failed", str(error))
        except Exception:
            if limit.expired():
                return self._ended("failed", TOO_SLOW.format(seconds=self._limits.answer_seconds))
            log.exception("the agent failed on answer %s", self.draft.fence.message_id)
            return self._ended("failed", BROKEN)

    async def _listen(self) -> Outcome:
        prompt = await _patiently(
            self._db.reading,
            prompts.load,
            self.draft.fence,
            most_messages=self._limits.history_messages,
            most_tokens=self._limits.history_tokens,
        )
        self._limits.refuse_model(prompt.model)
        self._history = prompt.history
        messages = self._messages(prompt)
        self._read_characters = sum(len(message.content) for message in messages)
        stream = cast("Any", self._agent(messages, self._context(prompt)))
        async with aclosing(stream) if hasattr(stream, "aclose") else _Nothing():
            async for value in cast("AsyncIterator[Any]", stream):
                await self._take(value)
                if self.draft.characters > self._limits.answer_characters:
                    return self._ended("failed", TOO_LONG.format(characters=self._limits.answer_characters))
        if not self.draft.text.strip():
            return self._ended("failed", NO_TEXT)
        return self._ended("complete")

    async def _take(self, value: Any) -> None:
        fence = self.draft.fence
        if self.interrupted:
            raise asyncio.CancelledError  # this agent has swallowed the cancellation
        match as_event(value):
            case Text(text):
                self._first_token()
                self.draft.say("text", text)
            case Reasoning(text):
                self._first_token()
                self.draft.say("reasoning", text)
            case ToolCall(call_id, name, arguments, repeatable):
                # On record before the agent is asked for its next event, which is when it runs the tool.
                await _patiently(
                    self._db.writing,
                    tool_calls.start,
                    fence,
                    call_id,
                    name,
                    arguments,
                    repeatable=repeatable,
                    text_offset=len(self.draft.text),
                )
            case ToolResult(call_id, result, failed):
                await _patiently(self._db.writing, tool_calls.settle, fence, call_id, result, failed=failed)
            case Usage(read, written, model):
                self._usage = Usage(_tokens(read), _tokens(written), storable(model) if model else None)

    def _messages(self, prompt: Prompt) -> list[Message]:
        instructions = prompt.system_prompt or self._limits.system_prompt
        system = [Message("system", instructions)] if instructions else []
        return system + [Message(e.role, e.content, _past(e)) for e in prompt.history]

    def _context(self, prompt: Prompt) -> Context:
        fence = self.draft.fence

        async def recent(limit: int) -> list[dict[str, str]]:
            page = await self._db.reading(conversations.recent, prompt.owner, limit=limit)
            return [{"id": str(c.id), "title": c.title, "updated_at": c.updated_at.isoformat()} for c in page.items]

        return Context(
            owner=prompt.owner,
            conversation_id=fence.conversation_id,
            message_id=fence.message_id,
            attempt=fence.attempt,
            model=prompt.model,
            temperature=prompt.temperature,
            tool_calls=_past(Entry("assistant", "", prompt.settled)),
            recent_conversations=recent,
        )

    def _ended(self, status: str, error: str | None = None) -> Outcome:
        return Outcome(
            status,
            self.draft.text,
            self.draft.reasoning,
            storable(error) if error else None,
            self._usage.model,
            self._usage.input_tokens or None,
            self._usage.output_tokens or None,
            self._spent(),
        )

    def _spent(self) -> int:
        """Tokens, by the model's word. It often gives that at the end only, and stopping early must not be free."""
        said = self._usage.input_tokens + self._usage.output_tokens
        return said or (self._read_characters + self.draft.characters) // prompts.CHARACTERS_PER_TOKEN

    def _first_token(self) -> None:
        if self._first_token_at is None:
            self._first_token_at = time.monotonic()

    def _report(self, outcome: str, error: str | None = None) -> None:
        first = None if self._first_token_at is None else round(self._first_token_at - self._began, 3)
        self.on_end(Ended(outcome, first))
        log.info(
            "answer",
            extra={
                "instance": self._instance,
                "conversation": str(self.draft.fence.conversation_id),
                "answer": str(self.draft.fence.message_id),
                "attempt": self.draft.fence.attempt,
                "outcome": outcome,
                "error": error,
                "first_token_seconds": first,
                "seconds": round(time.monotonic() - self._began, 3),
                "characters": self.draft.characters,
                "input_tokens": self._usage.input_tokens,
                "output_tokens": self._usage.output_tokens,
            },
        )


async def _patiently(do: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any) -> T:
    """Once more while the database is away, as the flusher does; what is written must bear to be written twice."""
    while True:
        try:
            return await do(*args, **kwargs)
        except Unavailable:
            await asyncio.sleep(TROUBLE_GAP_SECONDS)


def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()


def _tokens(said: int) -> int:
    """A count by the model's word, as the column takes it."""
    return max(0, min(int(said), MOST_TOKENS))


def _past(entry: Entry) -> tuple[PastCall, ...]:
    return tuple(PastCall(c.call_id, c.name, c.arguments, c.result or "", c.status) for c in entry.tool_calls)


class _Nothing:
    """For an agent that gives an iterator without `aclose`."""

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...
