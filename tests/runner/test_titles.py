"""A conversation is named from its first words at once, and by the model after the first answer."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest

from convstore import Database, Runner, conversations
from convstore.agents.base import AgentError, Context, Message
from tests.services.waiting import until_async

pytestmark = pytest.mark.anyio


class Namer:
    """Answers with one word, and names what it has heard."""

    def __init__(self, name: Callable[[], str]) -> None:
        self.name = name

    async def __call__(self, messages: list[Message], context: Context) -> AsyncIterator[str]:
        yield "yes"

    async def title(self, question: str, answer: str) -> str:
        return self.name()


async def titled(database: Database, conversation_id: UUID) -> tuple[str, str]:
    found = await database.reading(conversations.get, "ada", conversation_id)
    return found.title, found.titled_by


async def a_first_turn(database: Database, name: Callable[[], str]) -> tuple[Runner, UUID]:
    runner = Runner(database, Namer(name), "a")
    await runner.start()
    turn = await runner.send("ada", "Tell me all about the migration of eels, in detail")
    return runner, turn.conversation_id


async def test_the_model_names_a_conversation_after_its_first_answer(database: Database) -> None:
    runner, conversation_id = await a_first_turn(database, lambda: ' "How eels migrate".\nHope that helps')

    async def named() -> bool:
        return await titled(database, conversation_id) == ("How eels migrate", "model")

    await until_async(named, "the model's title")
    await runner.drain(1)


async def test_a_name_the_owner_gave_stays(database: Database) -> None:
    def rename_first() -> str:
        with database.write() as session:
            conversations.rename(session, "ada", conversations.recent(session, "ada").items[0].id, "Eels!")
        return "Something else"

    runner, conversation_id = await a_first_turn(database, rename_first)

    async def answered() -> bool:
        return (await titled(database, conversation_id))[1] == "owner"

    await until_async(answered, "the owner's title")
    await runner.titling.settled()
    assert await titled(database, conversation_id) == ("Eels!", "owner")
    await runner.drain(1)


@pytest.mark.parametrize("said", ["", "   ", "A title that goes on " * 20])
async def test_what_is_no_title_is_not_taken(database: Database, said: str) -> None:
    runner, conversation_id = await a_first_turn(database, lambda: said)

    async def answered() -> bool:
        return runner.running == 0

    await until_async(answered, "the answer")
    await runner.titling.settled()
    assert await titled(database, conversation_id) == ("Tell me all about the migration of eels, in detail", "start")
    await runner.drain(1)


async def test_a_model_that_fails_to_name_it_costs_nothing(database: Database) -> None:
    def fail() -> str:
        raise AgentError("no")

    runner, conversation_id = await a_first_turn(database, fail)

    async def answered() -> bool:
        return runner.running == 0

    await until_async(answered, "the answer")
    await runner.titling.settled()
    assert (await titled(database, conversation_id))[1] == "start"
    await runner.drain(1)
