"""Trees grown by chance are the same rows after a journey, in one go or in several, and nothing in them is broken."""

import json
import random
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from convstore import conversations, integrity, messages
from convstore.database import Database
from convstore.models import Conversation, Message
from tests.store.luggage import chatgpt, counts, everything_in_one, exported, imported, node
from tests.store.scenes import OWNER, STRANGER

PLACES = ("role", "content", "position", "lane")


def grow(database: Database, key: UUID, ids: list[UUID], chance: random.Random, forking: float) -> None:
    """Twelve more messages, below the newest or anywhere, the beginning included."""
    with database.write() as session:
        for _ in range(12):
            anywhere = chance.random() < forking
            parent = chance.choice([None, *ids]) if anywhere else (ids[-1] if ids else None)
            role = chance.choice(("user", "assistant", "system"))
            ids.append(messages.append(session, OWNER, key, role, f"{len(ids)} é🎈", parent_id=parent).id)


def rows(database: Database, owner: str) -> list[tuple[object, ...]]:
    """Where every message is, and which conversations there are."""
    with database.read() as session:
        heads = session.execute(
            select(col(Conversation.message_count), col(Conversation.lane_count)).where(
                col(Conversation.owner) == owner
            )
        )
        found = session.execute(
            select(*(col(getattr(Message, name)) for name in PLACES))
            .join(Conversation, col(Conversation.id) == col(Message.conversation_id))
            .where(col(Conversation.owner) == owner)
            .order_by(col(Message.position))
        )
        return [*map(tuple, heads), *map(tuple, found)]


@pytest.mark.parametrize(("seed", "forking"), [(1, 0.1), (2, 0.5), (3, 1.0)])
def test_a_tree_is_the_same_after_a_journey_in_one_go_or_in_several(
    database: Database, seed: int, forking: float
) -> None:
    chance = random.Random(f"{seed}/{forking}")
    key = database.run(conversations.create, OWNER, "tree").id
    ids: list[UUID] = []
    for _ in range(4):
        grow(database, key, ids, chance, forking)
        assert counts(imported(database, exported(database), "step by step")) == (1, 0, 0)
    whole = exported(database)
    assert counts(imported(database, whole, STRANGER)) == (1, 0, 0)
    for owner in ("step by step", STRANGER):
        assert exported(database, owner) == whole
        assert rows(database, owner) == rows(database, OWNER)
    assert list(integrity.findings(database)) == []


def test_a_tree_of_chatgpts_by_chance_is_a_sound_one(database: Database) -> None:
    chance = random.Random(4)
    for number in range(5):
        nodes = [node("n0", "root", "user", "0")]
        for n in range(1, 40):
            above = f"n{chance.randrange(n)}" if chance.random() < 0.4 else f"n{n - 1}"
            role = chance.choice(("user", "assistant", "assistant", "tool", "system"))
            hidden = {"is_visually_hidden_from_conversation": True} if chance.random() < 0.2 else {}
            nodes.append(node(f"n{n}", above, role, str(n), create_time=chance.choice([None, n]), metadata=hidden))
        talk = chatgpt(*nodes, create_time=float(number + 1), current_node=f"n{chance.randrange(40)}")
        file = json.dumps([talk]).encode()
        assert counts(imported(database, file)) == (1, 0, 0)
        assert counts(imported(database, file)) == (0, 1, 0)
    assert list(integrity.findings(database)) == []
    assert counts(imported(database, exported(database), STRANGER)) == (5, 0, 0)
    assert exported(database, STRANGER) == exported(database)


def test_what_is_imported_with_something_of_everything_is_sound(database: Database) -> None:
    everything_in_one(database)
    imported(database, exported(database), STRANGER)
    assert list(integrity.findings(database)) == []
