"""Looking at answers in the database, past every instance."""

from uuid import UUID

from convstore import conversations, messages
from convstore.database import Database
from convstore.models import FINISHED
from tests.services.people import Sent
from tests.services.waiting import until


def turn(database: Database, owner: str, conversation: UUID) -> list[messages.View]:
    """All messages of a (short) conversation's newest branch."""
    with database.read() as session:
        return messages.window(session, owner, conversation, limit=200).messages


def answer(database: Database, owner: str, sent: Sent) -> messages.View:
    """The answer of that send as it is now; its text so far while it is written."""
    return next(view for view in turn(database, owner, sent.conversation) if view.id == sent.answer)


def finished(database: Database, owner: str, sent: Sent, seconds: float) -> messages.View:
    """The answer once it is finished, within so many seconds."""

    def done() -> messages.View | None:
        view = answer(database, owner, sent)
        return view if view.status in FINISHED else None

    return until(done, f"answer {sent.answer} to finish", seconds, every=0.05)


def words(database: Database, owner: str, sent: Sent, count: int, seconds: float = 15.0) -> messages.View:
    """The answer once it has at least so many words."""

    def enough() -> messages.View | None:
        view = answer(database, owner, sent)
        return view if len(view.content.split()) >= count else None

    return until(enough, f"answer {sent.answer} to have {count} words", seconds)


def conversation_count(database: Database, owner: str) -> int:
    """How many conversations (of up to 100) the person has."""
    with database.read() as session:
        return len(conversations.recent(session, owner, limit=100).items)
