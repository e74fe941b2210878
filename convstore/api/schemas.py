"""The shapes of what the API returns."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from convstore import conversations, messages

Role = Literal["system", "user", "assistant"]
Status = Literal["queued", "streaming", "complete", "stopped", "failed", "interrupted"]
CallStatus = Literal["running", "complete", "failed", "interrupted"]
Rating = Literal["up", "down"]

CONVERSATION = "0197a2c4-6f3e-7c31-9d5a-0b1c2d3e4f50"
QUESTION = "0197a2c4-6f40-7a12-8e6b-1c2d3e4f5061"
ANSWER = "0197a2c4-6f40-7a13-a7fc-2d3e4f506172"
CALL = "0197a2c4-7012-7d45-b80d-3e4f50617283"
MOMENT = "2026-11-21T08:30:00.000000Z"


def example(**values: Any) -> ConfigDict:
    """The model's example, for /docs."""
    return ConfigDict(json_schema_extra={"example": values})


class Problem(BaseModel):
    """What went wrong, and what to do next."""

    model_config = example(detail="Conversation not found")

    detail: str


class ToolCall(BaseModel):
    """A tool the answer used."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    arguments: Annotated[str, Field(description="JSON, as the model wrote it")]
    result: str | None
    status: CallStatus


class Step(ToolCall):
    """A tool call and where it belongs in the text."""

    text_offset: Annotated[int, Field(description="How many characters of the answer stand before it")]
    started_at: datetime
    finished_at: datetime | None


class Usage(BaseModel):
    """What the answer took, as far as the model's server says."""

    input_tokens: int | None
    output_tokens: int | None


class ChatReply(BaseModel):
    """An answer, and the ids of what it belongs to."""

    model_config = example(
        conversation_id=CONVERSATION,
        message_id=ANSWER,
        user_message_id=QUESTION,
        response="`6 * 7` is **42**.",
        tool_calls=[
            {
                "id": CALL,
                "name": "calculator",
                "arguments": '{"expression": "6 * 7"}',
                "result": "42",
                "status": "complete",
            }
        ],
        status="complete",
        usage={"input_tokens": 12, "output_tokens": 9},
        served_by="web-1",
    )

    conversation_id: UUID
    message_id: UUID
    user_message_id: UUID
    response: str
    tool_calls: list[ToolCall]
    status: Status
    usage: Usage
    served_by: Annotated[str | None, Field(description="The instance that wrote the answer")]
    error: Annotated[str | None, Field(description="Why it failed; only there when it did")] = None

    @classmethod
    def of(cls, conversation_id: UUID, answer: messages.View) -> "ChatReply":
        """The reply that this answer is."""
        reply = cls(
            conversation_id=conversation_id,
            message_id=answer.id,
            user_message_id=answer.parent_id or answer.id,
            response=answer.content,
            tool_calls=[ToolCall.model_validate(call) for call in answer.tool_calls],
            status=answer.status,
            usage=Usage(input_tokens=answer.input_tokens, output_tokens=answer.output_tokens),
            served_by=answer.served_by,
        )
        if answer.error is not None:
            reply.error = answer.error
        return reply


class Conversation(BaseModel):
    """A conversation without its messages."""

    model_config = ConfigDict(from_attributes=True) | example(
        id=CONVERSATION,
        title="Six times seven",
        version=4,
        message_count=2,
        leaf_id=ANSWER,
        created_at=MOMENT,
        updated_at=MOMENT,
        pinned_at=None,
        archived_at=None,
        trashed_at=None,
        forked_from=None,
        system_prompt=None,
        model=None,
        temperature=None,
    )

    id: UUID
    title: str
    version: Annotated[int, Field(description="Grows with every change; what `If-Match` takes")]
    message_count: int
    leaf_id: Annotated[UUID | None, Field(description="The newest message: the end of the branch shown by default")]
    created_at: datetime
    updated_at: datetime
    pinned_at: datetime | None
    archived_at: datetime | None
    trashed_at: datetime | None
    forked_from: UUID | None
    system_prompt: Annotated[str | None, Field(description="null: the server's")]
    model: Annotated[str | None, Field(description="null: the server's")]
    temperature: Annotated[float | None, Field(description="null: the server's")]


class ConversationPage(BaseModel):
    """Some conversations, the one written to last first."""

    items: list[Conversation]
    next: Annotated[str | None, Field(description="Pass it as `before` for the next page; null at the end")]

    @classmethod
    def of(cls, page: conversations.Page) -> "ConversationPage":
        """The page as it is sent."""
        return cls(items=[Conversation.model_validate(item) for item in page.items], next=page.next)


class Message(BaseModel):
    """One message of the tree. An answer that is being written has its text so far."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    parent_id: UUID | None
    position: Annotated[int, Field(description="Its place in the order in which messages came")]
    role: Role
    content: str
    reasoning: str
    status: Status
    error: str | None
    model: str | None
    served_by: str | None
    created_at: datetime
    finished_at: datetime | None
    input_tokens: int | None
    output_tokens: int | None
    siblings: Annotated[list[UUID], Field(description="The messages with the same parent, this one included")]
    sibling_index: int
    tool_calls: list[Step]
    feedback: Rating | None


class Branched(Message):
    """The new message beside the old one; `answer_id` is the answer that is being written now."""

    answer_id: UUID


class MessagePage(BaseModel):
    """A stretch of one branch, oldest first."""

    conversation: Conversation
    leaf_id: Annotated[UUID | None, Field(description="The end of the branch shown")]
    items: list[Message]
    next: Annotated[UUID | None, Field(description="Pass it as `before` for the older stretch; null at the beginning")]

    @classmethod
    def of(cls, window: messages.Window) -> "MessagePage":
        """The window as it is sent."""
        return cls(
            conversation=Conversation.model_validate(window.conversation),
            leaf_id=window.leaf_id,
            items=[Message.model_validate(view) for view in window.messages],
            next=window.older,
        )
