"""ChatGPT's `conversations.json` as our document: a mapping of nodes becomes a tree of messages.

The format is not documented; this follows what exports contain (2023–2025), trusts no type in it, and keeps what it
does not know as a placeholder in words.

- A node without a message, or one that its user never saw, is skipped; what is below it hangs on what is above it.
- Messages are in the order of their times, a child after its parent: what is added to the conversation later comes
  last, so that a newer export continues what was imported from an older one.
- An answer and its tools are several nodes there and one message here: nodes of the assistant and of tools that follow
  one another without a branch are put together.
"""

import heapq
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from convstore import titles
from convstore.errors import Invalid
from convstore.transfer import chatgpt_content, schema
from convstore.transfer.chatgpt_content import Said

UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # always the same one: importing twice adds nothing


@dataclass(slots=True)
class _Node:
    """A node to look at. `order` settles ties: as listed by its parent."""

    key: str
    order: int
    message: dict[str, Any] | None
    children: list[str] = field(default_factory=list)
    time: datetime = UNKNOWN_TIME


@dataclass(slots=True)
class _Draft:
    """A message in the making; `tip` is the last node in it."""

    parent: int | None
    role: schema.Role
    created_at: datetime
    finished_at: datetime | None = None
    content: str = ""
    reasoning: str = ""
    status: schema.Status = "complete"
    model: str | None = None
    tool_calls: list[schema.ExportedToolCall] = field(default_factory=list)
    tip: str = ""


def conversation(raw: Any) -> schema.ExportedConversation:
    """One entry of the list. Raises `Invalid` for what is no conversation, `ValidationError` for what is too large."""
    mapping = raw.get("mapping") if isinstance(raw, dict) else None
    if not isinstance(mapping, dict):
        raise Invalid("This is not a conversation of ChatGPT: it has no mapping.")
    created_at = _time(raw.get("create_time"))
    nodes = _nodes(mapping)
    drafts, place = _drafts(nodes, created_at or UNKNOWN_TIME)
    if not drafts:
        raise Invalid("There is no message in it.")
    times = [draft.created_at for draft in drafts]
    title = raw.get("title") if isinstance(raw.get("title"), str) else ""
    updated_at = _time(raw.get("update_time")) or max(times)
    begun_at = created_at or min(times)
    return schema.ExportedConversation(
        title=titles.clean(title) or titles.start_of(drafts[0].content[:1_000]),
        titled_by="owner" if titles.clean(title) else "start",
        created_at=begun_at,
        updated_at=max(updated_at, begun_at),
        archived_at=updated_at if raw.get("is_archived") is True else None,
        pinned_at=updated_at if raw.get("is_starred") is True else None,
        leaf=_leaf(raw.get("current_node"), place, drafts),
        messages=[
            schema.ExportedMessage(
                parent=draft.parent,
                role=draft.role,
                content=draft.content,
                reasoning=draft.reasoning,
                status=draft.status,
                model=draft.model,
                created_at=draft.created_at,
                finished_at=draft.finished_at,
                tool_calls=draft.tool_calls,
            )
            for draft in drafts
        ],
    )


def _nodes(mapping: dict[str, Any]) -> dict[str, _Node]:
    """The nodes by their keys, each with its children: by what the children say of their parent, as listed by it."""
    nodes: dict[str, _Node] = {}
    parents: dict[str, str] = {}
    listed: dict[tuple[str, str], int] = {}
    for order, (key, value) in enumerate(mapping.items()):
        entry = value if isinstance(value, dict) else {}
        message = entry.get("message")
        nodes[key] = _Node(key, order, message if isinstance(message, dict) else None)
        if isinstance(entry.get("parent"), str):
            parents[key] = entry["parent"]
        children = entry.get("children")
        for number, child in enumerate(children if isinstance(children, list) else []):
            if isinstance(child, str):
                listed[key, child] = number
                parents.setdefault(child, key)
    for key, parent in parents.items():
        if key in nodes and parent in nodes and key != parent:
            nodes[parent].children.append(key)
            nodes[key].order = listed.get((parent, key), len(mapping))
    for key, parent in parents.items():
        if key in nodes and parent not in nodes:
            parents[key] = ""
    roots = [node for key, node in nodes.items() if not parents.get(key) or parents[key] == key]
    nodes[""] = _Node("", -1, None, [node.key for node in roots])
    return nodes


def _drafts(nodes: dict[str, _Node], begun_at: datetime) -> tuple[list[_Draft], dict[str, int | None]]:
    """The messages, parents first, and for each node the index of the message that it is in or below."""
    drafts: list[_Draft] = []
    place: dict[str, int | None] = {"": None}
    nodes[""].time = begun_at
    waiting = [(begun_at, 0, "", "")]
    pushed = 0
    while waiting:
        _, _, key, above = heapq.heappop(waiting)
        node = nodes[key]
        if key:
            place[key] = _put(node, place[above], len(nodes[above].children) == 1, above, drafts)
        for child in sorted((nodes[child] for child in node.children), key=lambda child: child.order):
            pushed += 1
            child.time = _time((child.message or {}).get("create_time")) or node.time
            heapq.heappush(waiting, (child.time, pushed, child.key, key))
    if len(place) < len(nodes):
        raise Invalid("Some of its messages are their own ancestors.")
    return drafts, place


def _put(node: _Node, above: int | None, only_child: bool, parent_key: str, drafts: list[_Draft]) -> int | None:
    """Add what the node says: to the message above when it goes on, else as a new one. Returns the message's index."""
    draft = drafts[above] if above is not None else None
    goes_on = draft is not None and draft.role == "assistant" and draft.tip == parent_key and only_child
    said = chatgpt_content.read(node.message) if node.message else None
    if said is None:
        if draft is not None and goes_on:
            draft.tip = node.key
        return above
    if draft is None or not goes_on or said.role != "assistant":
        draft = _Draft(above, said.role, node.time)
        drafts.append(draft)
        above = len(drafts) - 1
    _say(draft, said, node)
    return above


def _say(draft: _Draft, said: Said, node: _Node) -> None:
    draft.tip, draft.finished_at = node.key, node.time
    draft.status = "interrupted" if said.unfinished else "complete"
    draft.model = said.model or draft.model
    draft.reasoning = _joined(draft.reasoning, said.reasoning)
    if said.result is not None:
        last = draft.tool_calls[-1] if draft.tool_calls else None
        if last is not None and last.result is None:
            draft.tool_calls[-1] = last.model_copy(
                update={"result": said.result, "status": "complete", "finished_at": node.time}
            )
            return
    if said.tool:
        draft.tool_calls.append(
            schema.ExportedToolCall(
                call_id=f"call_{len(draft.tool_calls) + 1}",
                name=said.tool,
                arguments=said.arguments,
                result=said.result,
                status="interrupted" if said.result is None else "complete",
                text_offset=len(draft.content),
                started_at=node.time,
                finished_at=None if said.result is None else node.time,
            )
        )
    draft.content = _joined(draft.content, said.text)


def _joined(above: str, below: str) -> str:
    return f"{above}\n\n{below}" if above and below else above or below


def _leaf(current: Any, place: dict[str, int | None], drafts: list[_Draft]) -> int | None:
    """The end of the branch that was shown there; None when that is the last message, or not known."""
    at = place.get(current) if isinstance(current, str) else None
    if at is None:
        return None
    first_child: dict[int, int] = {}
    for index, draft in enumerate(drafts):
        if draft.parent is not None:
            first_child.setdefault(draft.parent, index)
    while at in first_child:
        at = first_child[at]
    return None if at == len(drafts) - 1 else at


def _time(value: Any) -> datetime | None:
    """A time in seconds since 1970; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 100_000_000_000:
        return None
    return datetime.fromtimestamp(value, UTC)
