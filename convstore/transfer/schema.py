"""The export document, version 1: JSON, one conversation after the other, nothing in it that belongs to a database.

    {"format": "convstore", "version": 1, "conversations": [{…, "messages": [{…}, {…}]}, …]}

- Messages stand in their order and name their parent by its index in that list, so a message comes after its parent.
  Lanes, positions and siblings follow from that. There are no ids and no owner: whoever imports it is the owner.
- A field that has its default is left out, times are UTC with six digits, the order of fields is the order here: the
  same conversation is the same bytes, wherever it is exported.
- An answer that is still being written is exported as `interrupted`, with the text it has.
- Closed: a field that is not listed here is refused. What may grow later gets another `version`.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, model_validator

from convstore.text import storable

FORMAT, VERSION = "convstore", 1
MESSAGES = 100_000  # of one conversation
CHARACTERS = 10_000_000  # of one message; what a conversation may have in all is bounded in `splitting`
TOOL_CALLS = 1_000  # of one message
EXAMPLE: dict[str, Any] = {
    "format": FORMAT,
    "version": VERSION,
    "conversations": [
        {
            "title": "Six times seven",
            "created_at": "2026-11-21T08:30:00.000000Z",
            "updated_at": "2026-11-21T08:30:02.500000Z",
            "messages": [
                {"role": "user", "content": "What is 6 * 7?", "created_at": "2026-11-21T08:30:00.000000Z"},
                {
                    "parent": 0,
                    "role": "assistant",
                    "content": "It is 42.",
                    "created_at": "2026-11-21T08:30:00.000000Z",
                    "finished_at": "2026-11-21T08:30:02.500000Z",
                },
            ],
        }
    ],
}
STILL_WRITTEN = "This answer was still being written when it was exported."


def _in_range(value: datetime) -> datetime:
    try:
        value = value.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time is out of range") from None
    if not 1970 <= value.year <= 9000:
        raise ValueError("the time is out of range")
    return value


def written(value: datetime) -> str:
    """A time in its one written form."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


Time = Annotated[AwareDatetime, AfterValidator(_in_range), PlainSerializer(written, return_type=str)]
Text = Annotated[str, Field(max_length=CHARACTERS), AfterValidator(storable)]
Name = Annotated[str, Field(max_length=1_000), AfterValidator(storable)]
Count = Annotated[int, Field(ge=0, le=2_147_483_647)]


class Closed(BaseModel):
    """A part of the document."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True)


Role = Literal["system", "user", "assistant"]
Status = Literal["complete", "stopped", "failed", "interrupted"]


class ExportedToolCall(Closed):
    """A call an answer made. `text_offset`: characters of the answer written before it."""

    call_id: Name
    name: Name
    arguments: Text
    result: Text | None = None
    status: Literal["complete", "failed", "interrupted"] = "complete"
    text_offset: Count = 0
    started_at: Time
    finished_at: Time | None = None


class ExportedFeedback(Closed):
    """What the owner thinks of an answer."""

    rating: Literal["up", "down"]
    comment: Annotated[str, Field(max_length=4_000), AfterValidator(storable)] = ""
    created_at: Time


class ExportedMessage(Closed):
    """One node of the tree. `parent`: the index of the message above; null, or left out, for a beginning."""

    parent: Count | None = None
    role: Role
    content: Text
    reasoning: Text = ""
    status: Status = "complete"
    error: Annotated[str, Field(max_length=10_000), AfterValidator(storable)] | None = None
    model: Name | None = None
    served_by: Name | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    created_at: Time
    finished_at: Time | None = None
    tool_calls: Annotated[list[ExportedToolCall], Field(max_length=TOOL_CALLS)] = []
    feedback: ExportedFeedback | None = None


class ExportedConversation(Closed):
    """`leaf`: the index of the message whose branch is shown, by default the last one. `forked_from`: the id, where it
    came from, of the conversation it is a copy of."""

    title: Text = ""
    titled_by: Literal["start", "model", "owner"] = "start"
    created_at: Time
    updated_at: Time
    pinned_at: Time | None = None
    archived_at: Time | None = None
    forked_from: UUID | None = None
    system_prompt: Text | None = None
    model: Name | None = None
    temperature: float | None = None
    leaf: Count | None = None
    messages: Annotated[list[ExportedMessage], Field(max_length=MESSAGES)]

    @model_validator(mode="after")
    def _is_a_tree(self) -> "ExportedConversation":
        parents: set[int] = set()
        for index, message in enumerate(self.messages):
            if message.parent is not None:
                if message.parent >= index:
                    raise ValueError(f"message {index} comes before its parent")
                parents.add(message.parent)
        if self.leaf is not None and (self.leaf >= len(self.messages) or self.leaf in parents):
            raise ValueError("leaf is not the last message of a branch")
        return self


class Export(Closed):
    """The whole of it. Exports and imports handle one conversation at a time; this is its description."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    format: Literal["convstore"]
    version: Literal[1]
    conversations: list[ExportedConversation]
