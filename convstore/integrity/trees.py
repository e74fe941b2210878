"""What one conversation's tree has to look like, message by message, in one pass and with nothing remembered of it.

A lane is a run of messages, each the parent of the next. The first child of a message stays in its lane, every further
one opens a new lane: so a lane has one end, and nothing hangs below that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from convstore.models import ACTIVE, ROLES, STATUSES


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not be. `kind` and `id` say where: a kind of row, or the database's file."""

    kind: str
    id: object
    what: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}: {self.what}"


def tree(head: Any, rows: Iterator[Any]) -> Iterator[Finding]:
    """What is wrong with one conversation, whose messages come lane by lane."""
    count, lanes, lowest, highest = 0, 0, 0, -1
    before: Any = None
    leaf: Any = None
    for row in rows:
        opens = before is None or before.lane != row.lane
        if opens:
            if before is not None:
                yield from _tip(before)
            lanes += 1
        yield from _message(row, head)
        yield from _link(row, None if opens else before)
        lowest, highest = min(lowest, row.position) if count else row.position, max(highest, row.position)
        count += 1
        if row.id == head.leaf_id:
            leaf = row
        before = row
    if before is not None:
        yield from _tip(before)
    if head.version < 1:
        yield Finding("conversation", head.id, f"is at version {head.version}")
    if head.message_count != count:
        yield Finding("conversation", head.id, f"says it has {head.message_count} messages and has {count}")
    if lowest != 0 or highest != count - 1:
        yield Finding("conversation", head.id, f"has {count} messages at positions {lowest} to {highest}")
    if head.lane_count != lanes or (before is not None and before.lane != lanes - 1):
        highest_lane = "none" if before is None else before.lane
        yield Finding(
            "conversation",
            head.id,
            f"says it has {head.lane_count} lanes, has {lanes}, the last is number {highest_lane}",
        )
    if head.leaf_id is None and count:
        yield Finding("conversation", head.id, "has messages and no leaf")
    elif head.leaf_id is not None and leaf is None:
        yield Finding("conversation", head.id, f"has a leaf {head.leaf_id} that is not in it")
    elif leaf is not None and leaf.continued:
        yield Finding("conversation", head.id, f"has a leaf {head.leaf_id} that is not the end of a branch")


def _link(row: Any, before: Any) -> Iterator[Finding]:
    """`before`: the message above it in its lane; None for the first one of a lane."""
    if row.alone and row.parent_id is not None:
        yield Finding("message", row.id, f"hangs below {row.parent_id}, which is gone")
    elif row.astray:
        yield Finding("message", row.id, f"hangs below {row.parent_id}, which is in another conversation")
    elif not row.alone and row.above_position >= row.position:
        yield Finding("message", row.id, f"hangs below {row.parent_id}, which came later")
    elif before is not None and row.parent_id != before.id:
        yield Finding("message", row.id, f"does not hang below the message before it in lane {row.lane}")
    elif before is None and not row.alone and row.above_lane == row.lane:
        yield Finding("message", row.id, f"is the first of lane {row.lane} and hangs below another one of it")


def _tip(row: Any) -> Iterator[Finding]:
    if row.continued:
        # Its first continuation should have stayed in the lane: opening this branch would stop in the middle.
        yield Finding("message", row.id, f"ends lane {row.lane}, and yet another message hangs below it")


def _message(row: Any, head: Any) -> Iterator[Finding]:
    leased = row.lease_owner is not None or row.lease_until is not None
    if row.role not in ROLES or row.status not in STATUSES:
        yield Finding("message", row.id, f"is of role {row.role} and status {row.status}")
    elif row.status in ACTIVE and row.role != "assistant":
        yield Finding("message", row.id, f"is of role {row.role} and {row.status}")
    elif row.status in ACTIVE and head.trashed_at is not None and not row.stop_requested:
        yield Finding("message", row.id, f"is {row.status}, and its conversation is in the trash")
    elif row.status == "streaming" and (row.lease_owner is None or row.lease_until is None or row.attempt < 1):
        yield Finding("message", row.id, "is being written without a lease")
    elif row.status != "streaming" and leased:
        yield Finding("message", row.id, f"is {row.status} and still leased to {row.lease_owner}")
