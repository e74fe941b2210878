"""Any instance streams any conversation: the text so far, then every piece once, whoever writes it."""

import asyncio
import random
from uuid import UUID, uuid4

import pytest

from convstore import answers, conversations, trash
from convstore.answers import Delta, Write
from convstore.database import Database
from convstore.errors import NotFound
from convstore.follow import Event
from convstore.turns import Turn
from tests.follow.conftest import NewHub
from tests.follow.reading import Page, Reader, follow
from tests.store.scenes import HERE, OWNER, STRANGER, THERE, answer_of, ask, fence_of, finish, say, take, take_over

pytestmark = pytest.mark.anyio
run = asyncio.to_thread


async def _first(new_hub: NewHub, conversation_id: UUID, count: int) -> list[Event]:
    found: list[Event] = []
    async with asyncio.timeout(10), follow(new_hub(), conversation_id) as events:
        async for event in events:
            found.append(event)
            if len(found) == count:
                break
    return found


async def test_a_reader_gets_the_version_and_the_text_so_far_at_once(database: Database, new_hub: NewHub) -> None:
    turn = await run(ask, database)
    deltas = (Delta(1, "reasoning", "hm"), Delta(2, "text", "so "), Delta(3, "text", "far"))
    await database.writing(answers.flush, HERE, [Write(fence_of(turn), deltas)])
    ready, changed, answer = await _first(new_hub, turn.conversation_id, 3)
    assert (ready.name, changed.name, answer.name) == ("ready", "changed", "answer")
    assert changed.data == {"version": turn.version}
    expected = {"attempt": 1, "seq": 3, "text": "so far", "reasoning": "hm"}
    assert answer.data.items() >= ({"message_id": str(turn.answer_id)} | expected).items()


async def test_what_is_written_through_one_instance_is_read_through_another(
    database: Database, new_hub: NewHub
) -> None:
    turn = await run(ask, database)
    fence = fence_of(turn)
    readers = [Reader(new_hub(), turn.conversation_id) for _ in range(2)]
    text = ""
    for seq in range(1, 31):
        piece = f"{seq} é👍 "
        text += piece
        await run(say, database, fence, piece, first=seq)
        if seq % 10 == 0:
            for reader in readers:
                await reader.shows(turn.answer_id, text)
    await run(finish, database, fence, text)
    version = (await database.reading(conversations.get, OWNER, turn.conversation_id)).version
    for reader in readers:
        await reader.at(version)
        page = await reader.close()
        assert page.text(turn.answer_id) == (await run(answer_of, database, turn)).content
        assert all(event.data["seq"] for event in page.log if event.name == "delta")


async def test_each_piece_is_sent_once(database: Database, new_hub: NewHub) -> None:
    turn = await run(ask, database)
    reader = Reader(new_hub(), turn.conversation_id)
    await reader.at(turn.version)
    for seq in range(1, 21):
        await run(say, database, fence_of(turn), f"{seq} ", first=seq)
    await reader.shows(turn.answer_id, "".join(f"{n} " for n in range(1, 21)))
    page = await reader.close()
    sent = [event.data["seq"] for event in page.log if event.name == "delta"]
    assert sent == sorted(set(sent))


async def test_two_answers_in_one_conversation_do_not_mix(database: Database, new_hub: NewHub) -> None:
    first = await run(ask, database, "one")
    await run(finish, database, fence_of(first))
    left, right = [
        await run(ask, database, text, conversation_id=first.conversation_id, parent_id=first.answer_id)
        for text in ("left", "right")
    ]
    reader = Reader(new_hub(), first.conversation_id)
    chance = random.Random(5)
    said: dict[UUID, list[str]] = {left.answer_id: [], right.answer_id: []}
    for n in range(40):
        turn = chance.choice([left, right])
        said[turn.answer_id].append(f"{n} ")
        await run(say, database, fence_of(turn), f"{n} ", first=len(said[turn.answer_id]))
    for answer_id, pieces in said.items():
        await reader.shows(answer_id, "".join(pieces))
    await reader.close()


async def test_a_new_attempt_begins_again_on_the_page_too(database: Database, new_hub: NewHub) -> None:
    turn = await run(ask, database)
    await run(say, database, fence_of(turn), "old ", "words")
    reader = Reader(new_hub(), turn.conversation_id)
    await reader.shows(turn.answer_id, "old words")
    fresh = await run(take_over, database, turn)
    await reader.shows(turn.answer_id, "")
    await run(say, database, fresh, "new", lease=THERE)
    await reader.shows(turn.answer_id, "new")
    page = await reader.close()
    assert page.answers[turn.answer_id].attempt == 2


async def test_an_answer_that_waits_is_followed_from_its_first_piece(database: Database, new_hub: NewHub) -> None:
    turn = await run(ask, database, lease=None)
    reader = Reader(new_hub(), turn.conversation_id)
    await reader.at(turn.version)
    (fence,) = await run(take, database)
    await run(say, database, fence, "here it comes")
    await reader.shows(turn.answer_id, "here it comes")
    await reader.close()


async def test_readers_hear_of_a_message_sent_from_elsewhere(database: Database, new_hub: NewHub) -> None:
    turn = await run(ask, database)
    reader = Reader(new_hub(), turn.conversation_id)
    await reader.at(turn.version)
    await run(finish, database, fence_of(turn))
    second = await run(ask, database, "two", conversation_id=turn.conversation_id)
    await reader.at(second.version)
    renamed = await database.writing(conversations.rename, OWNER, turn.conversation_id, "Named")
    await reader.at(renamed.version)
    assert [e.data["version"] for e in reader.page.log if e.name == "changed"] == sorted(
        {e.data["version"] for e in reader.page.log if e.name == "changed"}
    )
    await reader.close()


async def test_not_yours_is_not_found(database: Database, new_hub: NewHub) -> None:
    turn = await run(ask, database)
    hub = new_hub()
    mine = Reader(hub, turn.conversation_id)
    await mine.at(turn.version)  # so that the hub knows the conversation already
    for conversation_id, viewer in ((turn.conversation_id, STRANGER), (uuid4(), OWNER), (turn.conversation_id, "")):
        with pytest.raises(NotFound, match="Conversation not found"):
            async with asyncio.timeout(10), follow(hub, conversation_id, viewer=viewer) as events:
                await anext(events)
    assert hub.readers == 1
    await mine.close()


@pytest.mark.parametrize("known", [True, False])
async def test_a_stream_ends_when_the_conversation_goes(database: Database, new_hub: NewHub, known: bool) -> None:
    turn = await run(ask, database)
    hub = new_hub()
    reader = Reader(hub, turn.conversation_id)
    await reader.at(turn.version)
    await database.writing(trash.discard, OWNER, turn.conversation_id)
    async with asyncio.timeout(10), reader.moved:
        await reader.moved.wait_for(lambda: reader.ended)
    assert reader.page.gone and reader.page.log[-1].name == "gone"
    with pytest.raises(NotFound):
        async with asyncio.timeout(10), follow(hub if known else new_hub(), turn.conversation_id) as events:
            await anext(events)
    await database.writing(trash.restore, OWNER, turn.conversation_id)
    back = Reader(hub, turn.conversation_id, Page())
    await back.at(turn.version + 1)
    await back.close()
    assert hub.readers == 0


async def _speak(database: Database, turn: Turn, count: int, first: int = 1) -> str:
    pieces = [f"{seq} " for seq in range(first, first + count)]
    await run(say, database, fence_of(turn), *pieces, first=first)
    return "".join(pieces)


async def test_the_end_of_an_instance_ends_its_streams_at_once(database: Database, new_hub: NewHub) -> None:
    turn = await run(ask, database)
    leaving, staying = new_hub(), new_hub()
    readers = [Reader(leaving, turn.conversation_id) for _ in range(5)]
    for reader in readers:
        await reader.at(turn.version)
    leaving.close()
    async with asyncio.timeout(1):
        await asyncio.gather(*(reader.task for reader in readers))
    assert leaving.readers == 0
    text = await _speak(database, turn, 5)
    moved = Reader(staying, turn.conversation_id, readers[0].page)
    await moved.shows(turn.answer_id, text)
    await moved.close()
