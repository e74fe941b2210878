"""Many senders at once: nothing is lost, and everyone sees one and the same order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

from convstore import conversations, messages
from convstore.database import Database
from convstore.tree import LEAF
from tests.store.processes import processes
from tests.store.scenes import OWNER, ask, show

SENDS = 1000


@contextmanager
def _another(url: str) -> Iterator[Database]:
    database = Database(url, pool_size=8)
    yield database
    database.close()


def _empty_conversation(database: Database) -> UUID:
    return database.run(conversations.create, OWNER).id


def _all(database: Database, conversation_id: UUID) -> list[messages.View]:
    found: list[messages.View] = []
    before: UUID | None = None
    while True:
        window = show(database, conversation_id, limit=200, before=before)
        found = window.messages + found
        before = window.older
        if before is None:
            return found


def _is_one_order(found: list[messages.View], count: int) -> None:
    assert [m.position for m in found] == list(range(count))
    assert [m.parent_id for m in found] == [None, *(m.id for m in found[:-1])]


def _append_some(url: str, conversation_id: UUID, who: int, count: int) -> None:
    with _another(url) as database:
        for n in range(count):
            database.run(messages.append, OWNER, conversation_id, "user", f"{who}/{n}", parent_id=LEAF)


def test_a_thousand_racing_sends_are_all_there_in_one_order(database: Database, database_url: str) -> None:
    conversation_id = _empty_conversation(database)
    with _another(database_url) as second, ThreadPoolExecutor(16) as people:

        def send(n: int) -> None:
            ask(database if n % 2 else second, str(n), conversation_id=conversation_id, lease=None)

        list(people.map(send, range(SENDS)))
        found = _all(second, conversation_id)
    _is_one_order(found, 2 * SENDS)
    assert {m.content for m in found if m.role == "user"} == {str(n) for n in range(SENDS)}
    assert [m.role for m in found] == ["user", "assistant"] * SENDS
    assert show(database, conversation_id).conversation.message_count == 2 * SENDS


def test_racing_processes_lose_nothing(database: Database, database_url: str) -> None:
    conversation_id = _empty_conversation(database)
    with processes(3) as others:
        started = [others.submit(_append_some, database_url, conversation_id, who, 25) for who in range(3)]
        for each in started:
            each.result(60)
    found = _all(database, conversation_id)
    _is_one_order(found, 75)
    for who in range(3):
        assert [m.content for m in found if m.content.startswith(f"{who}/")] == [f"{who}/{n}" for n in range(25)]


def test_two_people_who_send_at_once_both_succeed_in_one_order(database: Database) -> None:
    first = ask(database, "one")
    with ThreadPoolExecutor(8) as people:
        sent = list(people.map(lambda n: ask(database, str(n), conversation_id=first.conversation_id), range(40)))
    found = _all(database, first.conversation_id)
    _is_one_order(found, 82)
    assert len({turn.version for turn in sent}) == 40
    by_version = [turn.user_message_id for turn in sorted(sent, key=lambda turn: turn.version)]
    assert by_version == [m.id for m in found if m.role == "user"][1:]
    # Behind an answer that is still being written none of them is claimed.
    assert not any(turn.claimed for turn in sent)


def test_senders_who_continue_from_the_same_answer_each_get_a_branch(database: Database) -> None:
    first = ask(database, "one", lease=None)
    with ThreadPoolExecutor(8) as people:
        sent = list(
            people.map(
                lambda n: ask(database, str(n), conversation_id=first.conversation_id, parent_id=first.answer_id),
                range(30),
            )
        )
    for turn in sent:
        shown = show(database, first.conversation_id, leaf=turn.answer_id).messages
        assert [m.id for m in shown] == [
            first.user_message_id, first.answer_id, turn.user_message_id, turn.answer_id
        ]  # fmt: skip
        assert set(shown[2].siblings) == {other.user_message_id for other in sent}
