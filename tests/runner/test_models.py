"""Where the settings name the models, nobody gets another one: not by a send, not by what a conversation has chosen."""

import pytest

from convstore import conversations
from convstore.conversations import Settings
from convstore.database import Database
from convstore.errors import Invalid
from tests.runner.conftest import Start
from tests.runner.scenes import OWNER, echo, finished

pytestmark = pytest.mark.anyio
OFFERED = frozenset({"small", "large"})


async def test_a_send_that_asks_for_another_model_is_refused_and_nothing_is_written(
    start: Start, database: Database
) -> None:
    here = await start(echo, models=OFFERED)
    with pytest.raises(Invalid, match=r"'huge' is not offered here. Choose one of: large, small"):
        await here.send(OWNER, "hi", model="huge")
    assert (await database.reading(conversations.recent, OWNER)).items == []
    turn = await here.send(OWNER, "hi", model="large")
    assert (await finished(database, turn)).status == "complete"


async def test_a_conversation_that_had_chosen_another_model_says_so_and_goes_on_with_one_that_is_offered(
    start: Start, database: Database
) -> None:
    here = await start(echo, models=OFFERED)
    first = await here.send(OWNER, "hi")
    await finished(database, first)
    for model, expected in (("huge", "failed"), ("small", "complete")):
        chosen = Settings(None, model, None)
        await database.writing(conversations.change, OWNER, first.conversation_id, settings=chosen)
        turn = await here.send(OWNER, "again", conversation_id=first.conversation_id)
        view = await finished(database, turn)
        assert view.status == expected
        assert ("not offered here" in (view.error or "")) == (expected == "failed")


async def test_without_a_list_any_model_may_be_asked_for(start: Start, database: Database) -> None:
    here = await start(echo)
    turn = await here.send(OWNER, "hi", model="whatever the agent has")
    assert (await finished(database, turn)).status == "complete"
