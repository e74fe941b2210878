"""What a request may say: closed shapes (an unknown field is an error) and the parameters that several routes share.

The bounds here are the widest there are; settings draw them closer.
"""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import Depends, Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from convstore.errors import NotFound

LONGEST_MESSAGE = 50_000
LONGEST_TITLE = 10_000  # it is cut to a line anyway
LONGEST_PROMPT = 20_000
LONGEST_COMMENT = 4_000
LARGEST_PAGE = 200

Text = Annotated[str, Field(min_length=1, max_length=LONGEST_MESSAGE)]
Model = Annotated[str, Field(min_length=1, max_length=200, description="null: the conversation's, else the server's")]


class Closed(BaseModel):
    """A body with these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class Chat(Closed):
    """A message to be answered."""

    model_config = ConfigDict(json_schema_extra={"example": {"message": "What is 6 * 7?"}})

    message: Text
    conversation_id: Annotated[UUID | None, Field(description="null: a new conversation")] = None
    parent_id: Annotated[
        UUID | None, Field(description="The answer to continue from; null: the newest message of the conversation")
    ] = None
    stream: Annotated[StrictBool, Field(description="Send the answer as it is written, as server-sent events")] = False
    model: Model | None = None

    @model_validator(mode="after")
    def _a_parent_is_somewhere(self) -> Self:
        if self.parent_id is not None and self.conversation_id is None:
            raise ValueError("parent_id needs the conversation_id it is in")
        return self


class Edit(Closed):
    """Another version of a message."""

    model_config = ConfigDict(json_schema_extra={"example": {"message": "What is 6 * 8?"}})

    message: Text
    model: Model | None = None


class Retry(Closed):
    """Another answer to the same message."""

    model: Model | None = None


class Feedback(Closed):
    """What the owner thinks of an answer. null takes it back."""

    model_config = ConfigDict(json_schema_extra={"example": {"rating": "up", "comment": "Just right."}})

    rating: Literal["up", "down"] | None
    comment: Annotated[str, Field(max_length=LONGEST_COMMENT)] = ""


class Settings(Closed):
    """What a conversation sets for its answers; null leaves it to the server."""

    system_prompt: Annotated[str | None, Field(max_length=LONGEST_PROMPT)] = None
    model: Model | None = None
    temperature: Annotated[float | None, Field(ge=0, le=2, strict=True)] = None


class NewConversation(Settings):
    """An empty conversation."""

    model_config = ConfigDict(json_schema_extra={"example": {"title": "Six times seven"}})

    title: Annotated[str, Field(max_length=LONGEST_TITLE)] = ""


class Changes(Settings):
    """What is to change; what is not named stays."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"title": "Six times eight", "pinned": True}, "minProperties": 1}
    )

    # The defaults are never used (see `named`), and no null is among what may be said.
    title: Annotated[str, Field(min_length=1, max_length=LONGEST_TITLE, default_factory=str)]
    pinned: Annotated[StrictBool, Field(default_factory=bool)]
    archived: Annotated[StrictBool, Field(default_factory=bool)]

    @model_validator(mode="before")
    @classmethod
    def _something(cls, said: Any) -> Any:
        if isinstance(said, dict) and not said:
            raise ValueError("name at least one field to change")
        return said

    def named(self, *fields: str) -> dict[str, Any]:
        """Those of these fields that the request names."""
        return {name: getattr(self, name) for name in fields if name in self.model_fields_set}


def _key(text: str) -> UUID:
    try:
        found = UUID(text)
    except ValueError:
        raise NotFound() from None
    if str(found) != text.lower():
        raise NotFound()
    return found


def conversation_key(
    conversation_id: Annotated[str, Path(description="A conversation", json_schema_extra={"format": "uuid"})],
) -> UUID:
    """The ID in the path. What is no ID at all is not found, like any other that leads nowhere."""
    return _key(conversation_id)


def message_key(
    message_id: Annotated[str, Path(description="A message of it", json_schema_extra={"format": "uuid"})],
) -> UUID:
    """The message's ID in the path."""
    return _key(message_id)


ConversationKey = Annotated[UUID, Depends(conversation_key)]
MessageKey = Annotated[UUID, Depends(message_key)]
Limit = Annotated[int | None, Query(ge=1, le=LARGEST_PAGE, description="Items on a page")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern="^[ -~]+$",
        description="Makes the same request twice one turn, for 24 hours. The same key with another body: 409",
    ),
]
LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", max_length=2000, description="The `id` of the last event of a stream that was cut"),
]
