"""What an answer is written from: the newest messages that fit, read as one bounded window of its branch.

A turn in a conversation of 10,000 messages reads what a turn in a short one reads.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session, col

from convstore import tool_calls, tree
from convstore.errors import LeaseLost
from convstore.models import ACTIVE, Conversation, Message
from convstore.tool_calls import Call, Fence

CHARACTERS_PER_TOKEN = 4  # a rule of thumb for English text; the budget is a bound on cost, not a tokenizer


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of the history, with the tool calls that were made on the way to it."""

    role: str
    content: str
    tool_calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """Whose answer it is, the history before it (oldest first), and what earlier attempts of it have settled."""

    owner: str
    system_prompt: str | None
    model: str | None
    temperature: float | None
    history: list[Entry]
    settled: tuple[Call, ...]


def load(session: Session, fence: Fence, *, most_messages: int, most_tokens: int) -> Prompt:
    """The prompt of a claimed answer: at most so many messages and about so many tokens, the question always whole.

    Raises `LeaseLost` when the answer is not there any more.
    """
    answer = session.execute(
        select(
            col(Conversation.owner),
            col(Conversation.system_prompt),
            func.coalesce(col(Message.model), col(Conversation.model)).label("model"),
            col(Conversation.temperature),
            col(Message.parent_id),
            col(Message.tool_count),
        )
        .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
        .where(col(Message.id) == fence.message_id, col(Conversation.trashed_at).is_(None))
    ).one_or_none()
    if answer is None:
        raise LeaseLost()
    rows: list[Any] = []
    if answer.parent_id is not None:
        columns = (col(Message.role), col(Message.content), col(Message.status), col(Message.tool_count))
        rows = tree.branch(session, columns, fence.conversation_id, answer.parent_id, most_messages)
    kept: list[Any] = []
    room = most_tokens * CHARACTERS_PER_TOKEN
    for row in reversed(rows):
        room -= len(row.content)
        if kept and room < 0:
            break
        if row.status not in ACTIVE and (row.content or row.tool_count):
            kept.append(row)
    wanted: list[UUID] = [row.id for row in kept if row.tool_count]
    calls = tool_calls.of(session, wanted + ([fence.message_id] if answer.tool_count else []))
    history = [Entry(row.role, row.content, calls.get(row.id, ())) for row in reversed(kept)]
    settled = calls.get(fence.message_id, ())
    return Prompt(answer.owner, answer.system_prompt, answer.model, answer.temperature, history, settled)
