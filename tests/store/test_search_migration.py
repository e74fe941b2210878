"""Search comes to a database that has conversations already: they are found from the first moment."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from alembic import command
from sqlalchemy import insert, text

from convstore import schema
from convstore.database import Database
from convstore.models import Conversation, Message, new_id
from tests.store.looking import all_pages, index, look, write
from tests.store.scenes import OWNER, STRANGER

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def older(empty_database_url: str) -> Database:
    """A database of the release before search."""
    database = Database(empty_database_url)
    with database.engine.begin() as connection:
        command.upgrade(schema._config(connection), "0002")
    return database


def _fill(database: Database, owner: str, title: str, *texts: str, status: str = "complete") -> UUID:
    conversation_id = new_id()
    with database.write() as session:
        session.execute(
            insert(Conversation).values(
                id=conversation_id, owner=owner, title=title, created_at=BEGAN, updated_at=BEGAN
            )
        )
        for position, content in enumerate(texts):
            session.execute(
                insert(Message).values(
                    conversation_id=conversation_id,
                    position=position,
                    lane=0,
                    role="user",
                    content=content,
                    status=status,
                    created_at=BEGAN + timedelta(seconds=position),
                )
            )
    return conversation_id


def test_what_was_there_is_found_after_the_migration(older: Database) -> None:
    _fill(older, OWNER, "A voyage", *(f"island number{n}" for n in range(450)))
    _fill(older, STRANGER, "Islands", "another island")
    _fill(older, OWNER, "", "an island half said", status="streaming")
    older.migrate()
    with older.read() as session:
        assert session.execute(text("SELECT count(*) FROM search_pending")).scalar_one() == 0
    assert look(older, "voyage") == ["A [voyage]"]
    assert look(older, "number449") == ["island [number449]"]
    assert len(all_pages(older, "island", limit=100)) == 450
    older.close()


def test_texts_of_all_kinds_survive_the_migration(older: Database) -> None:
    _fill(older, OWNER, "", "", " ", "!?", "日本語", "\x01", "🎉" * 1000, "word " * 20_000, "x" * 1_000_000)
    _fill(older, OWNER, "", " ".join(f"{n:x}" for n in range(150_000)))
    older.migrate()
    assert look(older, "日本") == ["[日本]語"]
    assert len(look(older, "4e1f ")) == 1
    older.close()


def test_what_is_written_after_the_migration_is_indexed_as_ever(older: Database) -> None:
    _fill(older, OWNER, "before", "an island")
    older.migrate()
    write(older, "another island")
    assert index(older) == 1
    assert look(older, "island") == ["another [island]", "an [island]"]
    older.close()
