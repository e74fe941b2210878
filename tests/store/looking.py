"""Looking for something, and the index brought up to date or left behind."""

from uuid import UUID

from convstore import conversations, messages, search
from convstore.database import Database
from convstore.search import Hit, Results, indexing
from tests.store.scenes import OWNER


def page(database: Database, query: str, *, owner: str = OWNER, **options: object) -> Results:
    """A page of hits."""
    with database.read() as session:
        return search.find(session, owner, query, **options)  # type: ignore[arg-type]


def look(database: Database, query: str, *, owner: str = OWNER, **options: object) -> list[str]:
    """The hits of the first page as a person sees them, `[so]` marked."""
    return [shown(hit) for hit in page(database, query, owner=owner, **options).hits]


def shown(hit: Hit) -> str:
    """A hit's snippet, `[so]` marked."""
    return "".join(f"[{text}]" if marked else text for text, marked in hit.snippet)


def all_pages(database: Database, query: str, *, owner: str = OWNER, **options: object) -> list[Hit]:
    """The hits of all pages."""
    found = page(database, query, owner=owner, **options)
    hits = found.hits
    while found.next is not None:
        found = page(database, query, owner=owner, before=found.next, **options)
        hits = hits + found.hits
    return hits


def index(database: Database) -> int:
    """Index all that waits; returns how much it was."""
    done = 0
    while count := database.run(indexing.catch_up):
        done += count
    return done


def write(database: Database, *texts: str, title: str = "", owner: str = OWNER) -> UUID:
    """A conversation with these messages, by user and assistant in turn."""
    with database.write() as session:
        conversation_id = conversations.create(session, owner, title).id
        for place, text in enumerate(texts):
            messages.append(session, owner, conversation_id, ("user", "assistant")[place % 2], text)
    return conversation_id
