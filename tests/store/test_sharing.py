"""Sharing by ID: whoever has the link reads, as long as they may, and never what is the owner's alone."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from sqlmodel import Session, col

from convstore import changes, conversations, feedback, messages, sharing, tool_calls, trash, turns
from convstore.clock import now
from convstore.conversations import Settings
from convstore.database import Database
from convstore.errors import Invalid, NotFound
from convstore.models import Share
from convstore.sharing import Shared
from tests.store.scenes import HERE, OWNER, STRANGER, ask, fence_of, finish, say, talk, texts


def read(database: Database, key: UUID, **options: object) -> Shared:
    with database.read() as session:
        return sharing.read(session, key, **options)  # type: ignore[arg-type]


def share(database: Database, key: UUID, mode: str = "live", **options: object) -> sharing.Door:
    return database.run(sharing.share, OWNER, key, mode, **options)  # type: ignore[arg-type]


def in_a(**delta: float) -> datetime:
    return datetime.now(UTC) + timedelta(**delta)


def let_it_expire(database: Database, key: UUID) -> None:
    def expire(session: Session) -> None:
        session.execute(update(Share).where(col(Share.conversation_id) == key).values(expires_at=now(-0.001)))

    database.run(expire)


def test_private_is_the_default(database: Database) -> None:
    (turn,) = talk(database, "one")
    with pytest.raises(NotFound):
        read(database, turn.conversation_id)
    with database.read() as session:
        assert sharing.of(session, OWNER, turn.conversation_id) is None


def test_a_live_share_grows_with_the_conversation(database: Database) -> None:
    (turn,) = talk(database, "one")
    share(database, turn.conversation_id)
    assert texts(read(database, turn.conversation_id).window) == ["one", "re: one"]
    more = ask(database, "two", conversation_id=turn.conversation_id)
    say(database, fence_of(more), "so ", "far")
    assert texts(read(database, turn.conversation_id).window) == ["one", "re: one", "two", "so far"]


def test_a_snapshot_stays_as_it_was(database: Database) -> None:
    first, second = talk(database, "one", "two")
    key = first.conversation_id
    door = share(database, key, "snapshot", until_message_id=first.answer_id)
    assert (door.mode, door.until_message_id) == ("snapshot", first.answer_id)
    database.run(turns.retry, OWNER, key, first.answer_id, lease=HERE)
    shown = read(database, key).window
    assert texts(shown) == ["one", "re: one"]
    assert [len(message.siblings) for message in shown.messages] == [1, 1], "what came beside it is not told"
    assert texts(read(database, key, leaf=second.answer_id).window) == ["one", "re: one"]
    with pytest.raises(NotFound):
        read(database, key, before=second.answer_id)


def test_a_snapshot_without_an_end_ends_at_what_was_added_last(database: Database) -> None:
    (turn,) = talk(database, "one")
    share(database, turn.conversation_id, "snapshot")
    talk(database, "two", conversation_id=turn.conversation_id)
    assert texts(read(database, turn.conversation_id).window) == ["one", "re: one"]


def test_what_is_the_owners_alone_is_left_out(database: Database) -> None:
    turn = ask(database, "use it")
    key = turn.conversation_id
    database.run(tool_calls.start, fence_of(turn), "c", "look", '{"secret":1}', repeatable=True, text_offset=0)
    database.run(tool_calls.settle, fence_of(turn), "c", "secret", failed=False)
    finish(database, fence_of(turn), "done")
    database.run(feedback.give, OWNER, key, turn.answer_id, "down", "secret")
    database.run(messages.append, OWNER, key, "system", "secret", parent_id=turn.answer_id)
    settings = Settings("secret", "secret-model", 0.5)
    database.run(conversations.change, OWNER, key, settings=settings)
    share(database, key)
    shown = read(database, key)
    assert "secret" not in repr(shown)
    assert OWNER not in repr(shown)
    assert [call.name for call in shown.window.messages[-1].tool_calls] == ["look"]
    assert share(database, key, tool_arguments=True).tool_arguments
    assert read(database, key).window.messages[-1].tool_calls[0].result == "secret"


def test_revoked_expired_trashed_and_never_there_are_one_answer(database: Database) -> None:
    (turn,) = talk(database, "one")
    key = turn.conversation_id
    told = []

    def refused(target: UUID) -> None:
        with pytest.raises(NotFound) as error:
            read(database, target)
        told.append(str(error.value))

    refused(uuid4())
    refused(key)
    share(database, key)
    database.run(sharing.stop, OWNER, key)
    refused(key)
    share(database, key, expires_at=in_a(hours=1))
    let_it_expire(database, key)
    refused(key)
    share(database, key)
    database.run(trash.discard, OWNER, key)
    refused(key)
    assert set(told) == {"Conversation not found"}
    database.run(trash.restore, OWNER, key)
    assert texts(read(database, key).window) == ["one", "re: one"], "restored whole, its share included"


def test_only_the_owner_shares(database: Database) -> None:
    (turn,) = talk(database, "one")
    for attempt in (sharing.share, sharing.stop):
        with pytest.raises(NotFound):
            database.run(attempt, STRANGER, turn.conversation_id)
    with pytest.raises(NotFound), database.read() as session:
        sharing.of(session, STRANGER, turn.conversation_id)


def test_what_cannot_be_shared_is_refused(database: Database) -> None:
    first, other = talk(database, "one")[0], talk(database, "other")[0]
    running = ask(database, "two", conversation_id=first.conversation_id)
    empty = database.run(conversations.create, OWNER, "empty").id
    key = first.conversation_id
    for target, mode, options in (
        (key, "public", {}),
        (key, "live", {"until_message_id": first.answer_id}),
        (key, "snapshot", {"until_message_id": other.answer_id}),
        (key, "snapshot", {"until_message_id": running.answer_id}),
        (key, "snapshot", {}),
        (empty, "snapshot", {}),
        (key, "live", {"expires_at": in_a(seconds=-5)}),
    ):
        with pytest.raises(Invalid):
            share(database, target, mode, **options)
    with pytest.raises(NotFound):
        read(database, key)


def test_sharing_again_changes_how(database: Database) -> None:
    (turn,) = talk(database, "one")
    key = turn.conversation_id
    share(database, key, expires_at=in_a(hours=1))
    database.run(sharing.count_opened, key)
    door = share(database, key, "snapshot")
    assert (door.mode, door.expires_at, door.opened) == ("snapshot", None, 1)
    database.run(sharing.stop, OWNER, key)
    database.run(sharing.stop, OWNER, key)
    assert share(database, key).opened == 0


def test_every_change_of_it_reaches_those_who_follow(database: Database) -> None:
    (turn,) = talk(database, "one")
    key = turn.conversation_id
    seen = []
    for act in (lambda: share(database, key), lambda: database.run(sharing.stop, OWNER, key)):
        act()
        with database.read() as session:
            (head,) = changes.since(session, {key: 0}, {}).heads
        seen.append((head.version, head.shared))
    (opened, live), (closed, private) = seen
    assert (live, private) == ("live", None)
    assert closed > opened


def test_a_long_share_is_read_page_by_page(database: Database) -> None:
    done = talk(database, *(str(number) for number in range(6)))
    key = done[0].conversation_id
    for mode in ("live", "snapshot"):
        share(database, key, mode)
        newest = read(database, key, limit=5).window
        older = read(database, key, limit=5, before=newest.older).window
        oldest = read(database, key, limit=5, before=older.older).window
        assert texts(oldest) + texts(older) + texts(newest) == [t for n in range(6) for t in (str(n), f"re: {n}")]
        assert oldest.older is None


def test_a_reader_cannot_page_into_another_conversation(database: Database) -> None:
    (mine,), (other,) = talk(database, "one"), talk(database, "secret")
    share(database, mine.conversation_id)
    for options in ({"leaf": other.answer_id}, {"before": other.answer_id}):
        with pytest.raises(NotFound):
            read(database, mine.conversation_id, **options)
