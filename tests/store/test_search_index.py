"""The index: right whatever changes, by whom, and in which order; nothing is left of what is gone."""

import threading
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import text

from convstore import conversations, forks, messages, trash
from convstore.database import Database
from convstore.errors import NotFound
from convstore.search import indexing
from tests.store.looking import index, look, page, write
from tests.store.scenes import OWNER, STRANGER, ask, fence_of, finish


def _entries(database: Database) -> int:
    with database.read() as session:
        return int(session.execute(text("SELECT count(*) FROM search_entry")).scalar_one())


def _is_sound(database: Database) -> bool:
    """SQLite's full-text table says of itself that it and the entries agree."""
    if database.dialect == "sqlite":
        with database.write() as session:
            session.execute(text("INSERT INTO search_text (search_text, rank) VALUES ('integrity-check', 1)"))
    return True


def test_every_finished_text_is_indexed_once(database: Database) -> None:
    turn = ask(database, "a question about whales", lease=None)
    assert index(database) == 2  # the title and the question; the answer is not there yet
    assert index(database) == 0
    turn = ask(database, "another about whales")
    finish(database, fence_of(turn), "all about whales")
    assert index(database) == 3
    assert _entries(database) == 5 and _is_sound(database)
    assert len(look(database, "whales")) == 3


def test_deltas_and_claims_leave_nothing_to_index(database: Database) -> None:
    ask(database, "hello")
    index(database)
    with database.read() as session:
        assert not indexing.is_behind(session)


@pytest.mark.parametrize("status", ["stopped", "failed", "interrupted"])
def test_what_an_answer_has_said_when_it_ended_badly_is_found(database: Database, status: str) -> None:
    turn = ask(database, "go on")
    finish(database, fence_of(turn), "half a zeppelin", status=status)
    index(database)
    assert look(database, "zeppelin") == ["half a [zeppelin]"]


def test_a_new_title_replaces_the_old_one(database: Database) -> None:
    conversation_id = write(database, title="old name")
    index(database)
    database.run(conversations.rename, OWNER, conversation_id, "fresh name")
    assert (look(database, "old"), look(database, "fresh")) == ([], ["[fresh] name"])
    index(database)
    assert (look(database, "old"), look(database, "fresh")) == ([], ["[fresh] name"])
    assert _entries(database) == 1 and _is_sound(database)


def test_a_title_from_the_model_is_found(database: Database) -> None:
    turn = ask(database, "hello")
    index(database)
    assert database.run(conversations.retitle, turn.conversation_id, "Greetings and salutations")
    index(database)
    assert look(database, "salutations") == ["Greetings and [salutations]"]


def test_a_copy_is_found_beside_the_original(database: Database) -> None:
    conversation_id = write(database, "what of the walrus", "the walrus sings", title="Sea")
    index(database)
    copy = database.run(forks.fork, OWNER, conversation_id)
    index(database)
    found = page(database, "walrus").hits
    assert {hit.conversation_id for hit in found} == {conversation_id, copy.id} and len(found) == 4
    assert _is_sound(database)


def test_many_copies_of_one_conversation_find_room_in_the_order_of_time(database: Database) -> None:
    conversation_id = write(database, *("the very same time" for _ in range(20)))
    for _ in range(15):
        database.run(forks.fork, OWNER, conversation_id)
    index(database)
    assert _entries(database) == 16 * 20 and _is_sound(database)


def test_what_is_purged_is_gone_from_the_index(database: Database) -> None:
    doomed = write(database, "a marmot", "another marmot", title="marmots")
    write(database, "a kept marmot")
    index(database)
    database.run(trash.discard, OWNER, doomed)
    database.run(trash.purge, -1.0)
    assert look(database, "marmot") == ["a kept [marmot]"]
    assert _entries(database) == 1 and _is_sound(database)


def test_what_is_purged_before_it_was_indexed_is_not_indexed(database: Database) -> None:
    doomed = write(database, "a marmot", title="marmots")
    database.run(trash.discard, OWNER, doomed)
    database.run(trash.purge, -1.0)
    index(database)
    assert _entries(database) == 0
    with database.read() as session:
        assert not indexing.is_behind(session)


def test_rows_written_by_anybody_are_indexed(database: Database) -> None:
    write(database, "original")
    index(database)
    with database.write() as session:  # past the store, as an administrator or an import might
        session.execute(text("UPDATE message SET content = 'corrected'"))
    index(database)
    assert (look(database, "original"), look(database, "corrected")) == ([], ["[corrected]"])
    with database.write() as session:
        session.execute(text("DELETE FROM message"))
    assert _entries(database) == 0 and _is_sound(database)


def test_a_batch_that_fails_leaves_everything_to_be_done_again(database: Database) -> None:
    write(database, "an unlucky heron")

    def fails(session: object) -> None:
        indexing.catch_up(session)  # type: ignore[arg-type]
        raise RuntimeError("the instance dies here")

    with pytest.raises(RuntimeError):
        database.run(fails)
    assert look(database, "heron") == ["an unlucky [heron]"] and _entries(database) == 0
    index(database)
    assert look(database, "heron") == ["an unlucky [heron]"] and _entries(database) == 1


def test_instances_that_index_write_and_delete_at_once_leave_a_right_index(database: Database) -> None:
    kept: list[UUID] = []
    done = threading.Event()
    trouble: list[BaseException] = []

    def careful(work: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                trouble.append(error)

        return run

    def write_some(which: int) -> None:
        for n in range(12):
            conversation_id = write(database, f"otter {which} {n}", "a reply", title=f"otters {n}")
            if n % 3 == 0:
                database.run(trash.discard, OWNER, conversation_id)
            else:
                database.run(conversations.rename, OWNER, conversation_id, f"beavers {n}")
                kept.append(conversation_id)

    def purge() -> None:
        while not done.is_set():
            database.run(trash.purge, -1.0)

    def keep_indexing() -> None:
        while not done.is_set():
            database.run(indexing.catch_up)

    writers = [threading.Thread(target=careful(lambda n=n: write_some(n))) for n in range(3)]  # type: ignore[misc]
    others = [threading.Thread(target=careful(work)) for work in (purge, keep_indexing, keep_indexing)]
    for thread in writers + others:
        thread.start()
    for thread in writers:
        thread.join(60)
    done.set()
    for thread in others:
        thread.join(60)
    assert trouble == []
    database.run(trash.purge, -1.0)
    index(database)
    assert _entries(database) == 3 * len(kept) and _is_sound(database)
    assert {hit.conversation_id for hit in page(database, "otter", limit=100).hits} == set(kept)
    assert {hit.conversation_id for hit in page(database, "beavers", limit=100).hits} == set(kept)
    assert look(database, "otters") == []


def test_owners_whose_terms_collide_do_not_see_each_other(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("entries", "candidates"):  # as if two names had the same digest
        monkeypatch.setattr(f"convstore.search.{module}.code_of", lambda owner, kind: "aaaaaa" + kind)
    write(database, "mine alone")
    write(database, "theirs alone", owner=STRANGER)
    index(database)
    assert look(database, "alone") == ["mine [alone]"]
    assert look(database, "alone", owner=STRANGER) == ["theirs [alone]"]


def test_an_entry_of_what_is_not_shown_any_more_opens_nothing(database: Database) -> None:
    conversation_id = write(database, "gone soon")
    index(database)
    (hit,) = page(database, "gone").hits
    database.run(trash.discard, OWNER, conversation_id)
    with pytest.raises(NotFound), database.read() as session:
        messages.window(session, OWNER, hit.conversation_id, leaf=hit.message_id)
