"""Trees grown by chance, compared at every step with the most naive tree there is: a dict of parents."""

import random
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from convstore import conversations, messages, tree
from convstore.database import Database
from tests.store.scenes import OWNER, show


@dataclass
class Naive:
    """What the store should show, by walking parents in memory."""

    parents: dict[UUID, UUID | None] = field(default_factory=dict)  # in the order they were added

    def branch(self, tip: UUID) -> list[UUID]:
        found: list[UUID] = []
        at: UUID | None = tip
        while at is not None:
            found.append(at)
            at = self.parents[at]
        return found[::-1]

    def tip(self, message: UUID) -> UUID:
        """Down from a message, taking the first child each time: the branch one sees when it is named in the URL."""
        while children := self.children(message):
            message = children[0]
        return message

    def children(self, parent: UUID | None) -> list[UUID]:
        return [m for m, p in self.parents.items() if p == parent]


def _pages(database: Database, conversation_id: UUID, limit: int, leaf: UUID | None) -> list[UUID]:
    """A whole branch, read as a person scrolls up."""
    found: list[UUID] = []
    before: UUID | None = None
    while True:
        window = show(database, conversation_id, limit=limit, leaf=leaf, before=before)
        assert len(window.messages) <= limit
        found = [m.id for m in window.messages] + found
        if window.older is None:
            return found
        assert window.messages, "a page that promises more is not empty"
        before = window.older


@pytest.mark.parametrize(("seed", "forking"), [(1, 0.05), (2, 0.3), (3, 0.9)])
def test_any_tree_reads_as_walking_its_parents_does(database: Database, seed: int, forking: float) -> None:
    chance = random.Random(f"{seed}/{forking}")
    naive = Naive()
    with database.write() as session:
        conversation_id = conversations.create(session, OWNER).id
    for round_ in range(4):
        with database.write() as session:
            for _ in range(15):
                known = list(naive.parents)
                parent = known[-1] if known else None
                named: tree.Parent = tree.LEAF
                if chance.random() < forking:
                    named = parent = chance.choice([None, *known])
                added = messages.append(session, OWNER, conversation_id, "user", f"m{len(known)}", parent_id=named)
                naive.parents[added.id] = parent
        known = list(naive.parents)
        assert show(database, conversation_id).leaf_id == known[-1]
        assert _pages(database, conversation_id, chance.randint(1, 9), None) == naive.branch(known[-1])
        for message in chance.sample(known, 5):
            tip = naive.tip(message)
            assert _pages(database, conversation_id, chance.randint(1, 9), message) == naive.branch(tip)
            window = show(database, conversation_id, leaf=message, limit=chance.randint(1, 60))
            assert window.leaf_id == tip, f"round {round_}"
            for view in window.messages:
                assert view.parent_id == naive.parents[view.id]
                assert list(view.siblings) == naive.children(view.parent_id)
                assert view.position == known.index(view.id)
