"""The store doing the work that is measured: the same that `raw` does, with everything the store promises."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert, update
from sqlmodel import Session, col

from convstore import answers, conversations, messages, turns
from convstore.answers import Outcome, Write
from convstore.clock import now
from convstore.database import Database
from convstore.models import Conversation, Message, new_id
from convstore.tool_calls import Fence
from convstore.turns import Lease, Turn

OWNER = "ada"
LEASE = Lease("bench/1", "bench", 10.0)


def straight(session: Session, texts: Sequence[str]) -> UUID:
    """A new conversation of these messages, one after the other."""
    conversation = conversations.create(session, OWNER).id
    ids = [new_id() for _ in texts]
    rows = [
        {
            "id": ids[n],
            "conversation_id": conversation,
            "parent_id": ids[n - 1] if n else None,
            "position": n,
            "lane": 0,
            "role": "assistant" if n % 2 else "user",
            "content": text,
        }
        for n, text in enumerate(texts)
    ]
    for start in range(0, len(rows), 5000):
        session.connection().execute(insert(Message).values(created_at=now()), rows[start : start + 5000])
    session.execute(
        update(Conversation)
        .where(col(Conversation.id) == conversation)
        .values(message_count=len(ids), lane_count=1, leaf_id=ids[-1] if ids else None)
    )
    return conversation


def fill(database: Database, count: int, branches: int = 0) -> UUID:
    """A conversation with so many messages; `branches` more answers to the newest questions, each a lane of its own."""
    with database.write() as session:
        conversation = straight(session, [f"message {n} " * 20 for n in range(count)])
    for n in range(branches):
        with database.write() as session:
            # Twice below the same message: the second opens a lane, and the branch goes on from it.
            tip = messages.window(session, OWNER, conversation, limit=1).leaf_id
            role = "user" if n % 2 == 0 else "assistant"
            for _ in range(2):
                messages.append(session, OWNER, conversation, role, "another " * 20, parent_id=tip)
    return conversation


def begin(session: Session, conversation: UUID) -> Turn:
    """The person's message, the answer's place, and the window that is shown."""
    turn = turns.begin(session, OWNER, "a question", conversation_id=conversation, lease=LEASE)
    messages.window(session, OWNER, conversation, limit=20)
    return turn


def turn(database: Database, conversation: UUID) -> None:
    """One stateless turn: begin and read 20 messages, commit; finish, commit."""
    begun = database.run(begin, conversation)
    fence = Fence(conversation, begun.answer_id, 1, LEASE.owner)
    outcome = Outcome("complete", "an answer " * 40, input_tokens=12, output_tokens=80)
    held = database.run(answers.flush, LEASE, [Write(fence, outcome=outcome)])
    assert held


def newest(database: Database, conversation: UUID, count: int) -> int:
    """The newest messages, as a page gets them."""
    with database.read() as session:
        return len(messages.window(session, OWNER, conversation, limit=count).messages)
