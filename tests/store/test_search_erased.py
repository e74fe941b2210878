"""What is deleted for good leaves nothing in a SQLite file: not the text, and not the words in the index either."""

import uuid
from pathlib import Path

import pytest
from sqlalchemy import make_url

from convstore import conversations
from convstore.database import Database
from convstore.transfer import erasure
from tests.store.looking import index, look, write
from tests.store.scenes import OWNER, STRANGER


@pytest.fixture
def marker() -> str:
    """A word that is nowhere else, not even in pieces that share a beginning."""
    return uuid.uuid4().hex


def _bytes(database: Database) -> bytes:
    file = Path(make_url(database.url).database or "")
    return b"".join(part.read_bytes() for part in sorted(file.parent.glob(file.name + "*")))


def _terms(database: Database) -> set[str]:
    """All words that the full-text index itself still knows, those that it only marks as deleted included."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("CREATE VIRTUAL TABLE temp.known USING fts5vocab('main', 'search_text', 'row')")
        found = set(connection.exec_driver_sql("SELECT term FROM known").scalars())
        connection.exec_driver_sql("DROP TABLE temp.known")
    return found


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_no_byte_of_what_was_deleted_is_left(database: Database, marker: str) -> None:
    for n in range(12):  # the index grows in pieces, with what others write in between
        write(database, f"{marker[:24]} {marker} {n}", f"answer {marker[::-1]} {n}", title=f"{marker} {n}")
        write(database, f"somebody else's words {n}", owner=STRANGER)
        if n % 2:
            index(database)
    conversation_id = write(database, "another", title=f"{marker} first")
    index(database)
    database.run(conversations.rename, OWNER, conversation_id, "renamed")
    index(database)
    assert marker.encode() in _bytes(database)
    assert len(look(database, marker[:10])) == 20

    erased = erasure.everything(database, OWNER)

    assert erased.overwritten
    left = _bytes(database)
    for planted in (marker, marker[::-1]):
        for length in (len(planted), 12):  # the index may cut off what a word shares with the one before
            assert planted[:length].encode() not in left
            assert planted[-length:].encode() not in left
    assert not [term for term in _terms(database) if marker[-8:] in term or marker[::-1][-8:] in term]
    assert len(look(database, "somebody", owner=STRANGER)) == 12
    database.close()


def test_deleting_everything_takes_it_out_of_the_index(database: Database, marker: str) -> None:
    write(database, f"one {marker}", title=marker)
    index(database)
    write(database, f"not indexed {marker}")
    write(database, f"kept {marker}", owner=STRANGER)
    erasure.everything(database, OWNER)
    index(database)
    assert look(database, marker) == []
    assert look(database, marker, owner=STRANGER) == [f"kept [{marker}]"]
    with database.read() as session:
        entries = session.connection().exec_driver_sql("SELECT count(*) FROM search_entry").scalar_one()
        waiting = session.connection().exec_driver_sql("SELECT count(*) FROM search_pending").scalar_one()
    assert (entries, waiting) == (1, 0)
