"""A reader that was cut off anywhere goes on anywhere, with `Last-Event-ID`, and shows the same text to the byte."""

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest

from convstore import answers
from convstore.answers import Delta, Write
from convstore.database import Database
from convstore.follow import MOST_WAITING, Event
from tests.follow.conftest import NewHub
from tests.follow.reading import Page, Reader, follow
from tests.store.scenes import HERE, answer_of, ask, fence_of, finish, say, take_over

NOBODYS = "0" * 31 + "7"  # the id of no answer
pytestmark = pytest.mark.anyio
run = asyncio.to_thread


def _after(events: list[Event], cut: int) -> Page:
    """A page that has had the first `cut` events."""
    page = Page()
    for event in events[:cut]:
        page.take(event)
    return page


async def test_cut_at_every_event_and_taken_up_through_another_instance(database: Database, new_hub: NewHub) -> None:
    first = await run(ask, database, "one")
    await run(finish, database, fence_of(first))
    here: dict[str, Any] = {"conversation_id": first.conversation_id, "parent_id": first.answer_id}
    turns = [await run(ask, database, text, **here) for text in ("left", "right")]
    whole = Reader(new_hub(), first.conversation_id)
    chance = random.Random(11)
    said = ["", ""]
    seqs = [0, 0]
    for n in range(24):
        which = chance.randrange(2)
        pieces = [f"{n}.{m} " for m in range(chance.randint(1, 3))]
        kinds = chance.choices(["text", "reasoning"], [4, 1], k=len(pieces))
        deltas = [
            Delta(seqs[which] + i, kind, piece) for i, (kind, piece) in enumerate(zip(kinds, pieces, strict=True), 1)
        ]
        seqs[which] += len(deltas)
        said[which] += "".join(d.text for d in deltas if d.kind == "text")
        await database.writing(answers.flush, HERE, [Write(fence_of(turns[which]), tuple(deltas))])
        await whole.shows(turns[which].answer_id, said[which])
    await whole.close()
    events = whole.page.log
    assert len(events) > 24
    hub = new_hub()
    for cut in range(len(events) + 1):
        again = Reader(hub, first.conversation_id, _after(events, cut))
        for turn, text in zip(turns, said, strict=True):
            await again.shows(turn.answer_id, text)
        page = await again.close()
        for turn in turns:
            assert page.answers[turn.answer_id] == whole.page.answers[turn.answer_id], f"cut after {cut}"
        # Only what was missing: nothing of what the page has is sent again once it had the text so far.
        if cut > 4:
            assert len(page.log) - cut <= len(events) - cut + 2


async def test_nothing_is_sent_again_to_a_reader_who_has_everything(database: Database, new_hub: NewHub) -> None:
    turn = await run(ask, database)
    await run(say, database, fence_of(turn), "so ", "far")
    reader = Reader(new_hub(), turn.conversation_id)
    await reader.shows(turn.answer_id, "so far")
    page = await reader.close()
    had = len(page.log)
    again = Reader(new_hub(), turn.conversation_id, page)
    await run(say, database, fence_of(turn), "!", first=3)
    await again.shows(turn.answer_id, "so far!")
    assert [event.name for event in (await again.close()).log[had:]] == ["ready", "delta"]


async def test_what_was_finished_meanwhile_is_a_change(database: Database, new_hub: NewHub) -> None:
    turn = await run(ask, database)
    reader = Reader(new_hub(), turn.conversation_id)
    await run(say, database, fence_of(turn), "so ", "far")
    await reader.shows(turn.answer_id, "so far")
    page = await reader.close()
    await run(finish, database, fence_of(turn), "so far and done")
    loads = page.loads
    again = Reader(new_hub(), turn.conversation_id, page)
    await again.at(page.version + 1)
    assert (await again.close()).loads == loads + 1
    assert (await run(answer_of, database, turn)).content == "so far and done"


async def test_a_new_attempt_while_one_was_away_replaces_the_text(database: Database, new_hub: NewHub) -> None:
    turn = await run(ask, database)
    await run(say, database, fence_of(turn), "old ", "and ", "long")
    reader = Reader(new_hub(), turn.conversation_id)
    await reader.shows(turn.answer_id, "old and long")
    page = await reader.close()
    fresh = await run(take_over, database, turn, HERE)
    await run(say, database, fresh, "new ")
    again = Reader(new_hub(), turn.conversation_id, page)
    await again.shows(turn.answer_id, "new ")
    await again.close()


async def test_however_much_was_missed_the_stream_is_not_cut_for_it(database: Database, new_hub: NewHub) -> None:
    """Half a minute in a tunnel is more pieces than a reader may lag behind."""
    turn = await run(ask, database)
    await run(say, database, fence_of(turn), "1 ")
    reader = Reader(new_hub(), turn.conversation_id)
    await reader.shows(turn.answer_id, "1 ")
    page = await reader.close()
    count = MOST_WAITING * 2
    await run(say, database, fence_of(turn), *(f"{n} " for n in range(2, count + 1)), first=2)
    again = Reader(new_hub(), turn.conversation_id, page)
    await again.shows(turn.answer_id, "".join(f"{n} " for n in range(1, count + 1)))
    await run(say, database, fence_of(turn), "on", first=count + 1)
    await again.shows(turn.answer_id, "".join(f"{n} " for n in range(1, count + 1)) + "on")
    assert not again.ended
    await again.close()


@pytest.mark.parametrize(
    "odd",
    [
        "",
        "x",
        "0",
        "-1",
        "7",
        "7.",
        "7.x",
        "7.a:b:c",
        f"7.{NOBODYS}:1:1",
        "9" * 5000,
        "1.\x00",
        "7." + "," * 100,
    ],
)
@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_an_id_that_is_not_ours_shows_the_text_all_the_same(
    database: Database, new_hub: NewHub, odd: str
) -> None:
    turn = await run(ask, database)
    await run(say, database, fence_of(turn), "so ", "far")
    reader = Reader(new_hub(), turn.conversation_id, Page(last_event_id=odd))
    await reader.shows(turn.answer_id, "so far")
    await reader.close()


@pytest.mark.parametrize("seq", [-2, 99])
async def test_an_id_with_a_wrong_number_does_no_harm(database: Database, new_hub: NewHub, seq: int) -> None:
    turn = await run(ask, database)
    await run(say, database, fence_of(turn), "a", "b", "c")
    since = f"{turn.version}.{turn.answer_id.hex}:1:{seq}"
    reader = Reader(new_hub(), turn.conversation_id, Page(last_event_id=since))
    await run(finish, database, fence_of(turn), "abcd")
    await reader.at(turn.version + 1)
    await reader.close()


async def test_a_reader_who_does_not_read_is_closed_and_loses_nothing(database: Database, new_hub: NewHub) -> None:
    turn = await run(ask, database)
    hub = new_hub()
    page = Page()
    quick = Reader(hub, turn.conversation_id)
    async with follow(hub, turn.conversation_id) as events:
        async for event in events:
            page.take(event)
            if event.name == "answer":
                break
        # From here on it reads nothing, while the other one does.
        seq = 1
        for _ in range(3 * MOST_WAITING // 100):
            await run(say, database, fence_of(turn), *(f"{n} " for n in range(seq, seq + 100)), first=seq)
            seq += 100
            await quick.shows(turn.answer_id, "".join(f"{n} " for n in range(1, seq)))
        rest = [event async for event in events]
    for event in rest:
        page.take(event)
    assert page.answers[turn.answer_id].seq < seq - 1, "it was closed before the end"
    again = Reader(hub, turn.conversation_id, replace(page))
    await again.shows(turn.answer_id, "".join(f"{n} " for n in range(1, seq)))
    assert not quick.ended
    for reader in (again, quick):
        await reader.close()
