"""Small scenes that tests set up: a question asked, an answer half said or finished, a conversation of some turns."""

from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col

from convstore import answers, messages, turns
from convstore.answers import Delta, Outcome, Write
from convstore.claims import claim
from convstore.clock import now
from convstore.database import Database
from convstore.models import Message
from convstore.tool_calls import Fence
from convstore.turns import Lease, Turn

OWNER = "ada"
STRANGER = "mallory"
HERE = Lease("here/1", "here", 30.0)
THERE = Lease("there/2", "there", 30.0)


def ask(
    database: Database, text: str = "hello", *, owner: str = OWNER, lease: Lease | None = HERE, **options: object
) -> Turn:
    """A send; its answer is claimed by the instance `here` unless another lease, or None, is given."""
    return database.run(turns.begin, owner, text, lease=lease, **options)  # type: ignore[arg-type]


def fence_of(turn: Turn, lease: Lease = HERE, attempt: int = 1) -> Fence:
    """What the writer of this turn's answer holds."""
    return Fence(turn.conversation_id, turn.answer_id, attempt, lease.owner)


def say(database: Database, fence: Fence, *pieces: str, first: int = 1, lease: Lease = HERE) -> bool:
    """Flush these pieces of an answer, numbered from `first`; returns whether the answer is still held."""
    deltas = tuple(Delta(seq, "text", piece) for seq, piece in enumerate(pieces, first))
    return fence.message_id in database.run(answers.flush, lease, [Write(fence, deltas)])


def finish(
    database: Database, fence: Fence, text: str = "fine", *, status: str = "complete", lease: Lease = HERE
) -> bool:
    """Flush the end of an answer; returns whether it was still held."""
    return fence.message_id in database.run(answers.flush, lease, [Write(fence, outcome=Outcome(status, text))])


def talk(database: Database, *texts: str, conversation_id: UUID | None = None, owner: str = OWNER) -> list[Turn]:
    """Turns one after the other, each answered with `re: <text>`."""
    done: list[Turn] = []
    for text in texts:
        turn = ask(database, text, owner=owner, conversation_id=conversation_id)
        assert finish(database, fence_of(turn), f"re: {text}")
        conversation_id = turn.conversation_id
        done.append(turn)
    return done


def take(database: Database, lease: Lease = HERE, limit: int = 10, attempts: int = 5) -> list[Fence]:
    """What that instance claims now."""
    return database.run(claim, lease, limit, attempts).fences


def show(database: Database, conversation_id: UUID, *, owner: str = OWNER, **options: object) -> messages.Window:
    """A window as its reader gets it."""
    with database.read() as session:
        return messages.window(session, owner, conversation_id, **options)  # type: ignore[arg-type]


def texts(window: messages.Window) -> list[str]:
    """What the messages of a window say."""
    return [message.content for message in window.messages]


def answer_of(database: Database, turn: Turn, *, owner: str = OWNER) -> messages.View:
    """This turn's answer as its reader gets it now."""
    found = show(database, turn.conversation_id, owner=owner, leaf=turn.answer_id).messages
    return next(message for message in found if message.id == turn.answer_id)


def let_lease_pass(database: Database, turn: Turn, attempt: int | None = None) -> None:
    """As if the writer of this answer (in this attempt, if one is named) had been silent for longer than its lease."""

    def age(session: Session) -> None:
        theirs = update(Message).where(col(Message.id) == turn.answer_id)
        if attempt is not None:
            theirs = theirs.where(col(Message.attempt) == attempt)
        session.execute(theirs.values(lease_until=now(-0.001)))

    database.run(age)


def take_over(database: Database, turn: Turn, lease: Lease = THERE) -> Fence:
    """The lease passes and that instance claims the answer."""
    let_lease_pass(database, turn)
    (fence,) = take(database, lease)
    assert fence.message_id == turn.answer_id
    return fence
