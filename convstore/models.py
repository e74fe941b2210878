"""The tables: a conversation is a tree of messages; everything else hangs on one of the two.

Invariants
- A message is final once finished; an edit is a sibling (same `parent_id`), never an overwrite.
- `position` is handed out inside the transaction that holds the conversation's row: one total order per conversation.
- A lane is a run of messages, each the parent of the next. The first child of a message continues its lane, every
  further child opens a new one, so the newest N of a branch are range reads on (conversation, lane, position).
- While an answer is being written its text is in `message_delta`; when it is finished, in `message.content`.
- The lease (owner, until, attempt) is in the message's own row, so that one statement can check and write it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, Text, Uuid, false, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field, SQLModel
from uuid_utils.compat import uuid7

from convstore.clock import UtcDateTime, now

ROLES = ("system", "user", "assistant")
ACTIVE = ("queued", "streaming")
FINISHED = ("complete", "stopped", "failed", "interrupted")
STATUSES = ACTIVE + FINISHED
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")  # there INTEGER PRIMARY KEY is the row's own number
TOOL_STATUSES = ("running", "complete", "failed", "interrupted")


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): new rows land at the end of the index."""
    return uuid7()


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def _time(nullable: bool = True, **kw: Any) -> Any:
    return Field(default=None, sa_column=Column(UtcDateTime(), nullable=nullable, **kw))


def _conversation_key(**kw: Any) -> Any:
    return Field(sa_column=Column(Uuid(), ForeignKey("conversation.id", ondelete="CASCADE"), nullable=False, **kw))


def _message_key(**kw: Any) -> Any:
    return Field(sa_column=Column(Uuid(), ForeignKey("message.id", ondelete="CASCADE"), nullable=False, **kw))


class Conversation(SQLModel, table=True):
    """A tree of messages with one owner. `version` grows with every change of shape; readers watch only that."""

    __tablename__ = "conversation"
    __table_args__ = (
        Index("conversation_recent", "owner", "updated_at", "id"),
        Index("conversation_begun", "owner", "created_at", "id"),
        _one_of("titled_by", ("start", "model", "owner")),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    owner: str = Field(sa_column=Column(Text, nullable=False))
    title: str = Field(default="", sa_column=Column(Text, nullable=False, default="", server_default=""))
    titled_by: str = Field(
        default="start", sa_column=Column(Text, nullable=False, default="start", server_default="start")
    )
    version: int = Field(default=1, nullable=False)
    message_count: int = Field(default=0, nullable=False)  # also the position of the next message
    lane_count: int = Field(default=0, nullable=False)  # also the number of the next lane
    leaf_id: UUID | None = None  # the leaf added last: the branch shown when the URL names none
    forked_from: UUID | None = None  # the conversation this one is a copy of; that one may be gone
    system_prompt: str | None = Field(default=None, sa_column=Column(Text))  # None: the server's
    model: str | None = Field(default=None, sa_column=Column(Text))  # None: the agent's own
    temperature: float | None = None
    created_at: datetime = _time(nullable=False, default=now())
    updated_at: datetime = _time(nullable=False, default=now())  # the last message, for the order of the list
    pinned_at: datetime | None = _time()
    archived_at: datetime | None = _time()
    trashed_at: datetime | None = _time()


class Message(SQLModel, table=True):
    """One node of the tree. An assistant's message that is `queued` or `streaming` is called an answer."""

    __tablename__ = "message"
    __table_args__ = (
        Index("message_order", "conversation_id", "position", unique=True),
        Index("message_lane", "conversation_id", "lane", "position"),
        Index("message_siblings", "conversation_id", "parent_id"),
        # What a sweep looks for: small, because finished messages are not in it.
        Index(
            "message_active",
            "status",
            "created_at",
            sqlite_where=text("status IN ('queued', 'streaming')"),
            postgresql_where=text("status IN ('queued', 'streaming')"),
        ),
        _one_of("role", ROLES),
        _one_of("status", STATUSES),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    conversation_id: UUID = _conversation_key()
    # No foreign key: deleting a conversation would then recurse through the depth of its tree. The store keeps it.
    parent_id: UUID | None = None
    position: int
    lane: int
    role: str = Field(sa_column=Column(Text, nullable=False))
    content: str = Field(default="", sa_column=Column(Text, nullable=False, default=""))
    reasoning: str = Field(default="", sa_column=Column(Text, nullable=False, default="", server_default=""))
    status: str = Field(default="complete", sa_column=Column(Text, nullable=False, default="complete"))
    error: str | None = Field(default=None, sa_column=Column(Text))  # why it failed, in words for the reader
    model: str | None = Field(default=None, sa_column=Column(Text))
    input_tokens: int | None = None
    output_tokens: int | None = None
    tool_count: int = Field(default=0, nullable=False)  # how many rows in `tool_call`: 0 saves looking
    served_by: str | None = Field(default=None, sa_column=Column(Text))  # the instance that wrote it
    created_at: datetime = _time(nullable=False, default=now())
    finished_at: datetime | None = _time()
    attempt: int = Field(default=0, nullable=False)
    lease_owner: str | None = Field(default=None, sa_column=Column(Text))
    lease_until: datetime | None = _time()
    # There is a row in `feedback`: False saves looking.
    rated: bool = Field(default=False, nullable=False, sa_column_kwargs={"server_default": false()})
    stop_requested: bool = Field(default=False, nullable=False)


class MessageDelta(SQLModel, table=True):
    """A piece of an answer's text, appended while it is written; gone once the answer is finished.

    `seq` counts from 1 within an attempt. Readers take the pieces of the current attempt only.
    """

    __tablename__ = "message_delta"
    __table_args__ = (_one_of("kind", ("text", "reasoning")),)

    message_id: UUID = _message_key(primary_key=True)
    attempt: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    seq: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    kind: str = Field(default="text", sa_column=Column(Text, nullable=False, default="text"))
    text: str = Field(sa_column=Column(Text, nullable=False))


class ToolCall(SQLModel, table=True):
    """A call an answer made: written before the tool runs, completed after, kept when another instance takes over."""

    __tablename__ = "tool_call"
    __table_args__ = (
        Index("tool_call_order", "message_id", "position", unique=True),
        _one_of("status", TOOL_STATUSES),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    message_id: UUID = _message_key()
    position: int
    call_id: str = Field(sa_column=Column(Text, nullable=False))  # the model's own name for the call
    name: str = Field(sa_column=Column(Text, nullable=False))
    arguments: str = Field(sa_column=Column(Text, nullable=False))  # JSON, as the model wrote it
    result: str | None = Field(default=None, sa_column=Column(Text))
    status: str = Field(default="running", sa_column=Column(Text, nullable=False, default="running"))
    repeatable: bool = Field(default=False, nullable=False)  # running it twice does no harm
    text_offset: int = Field(default=0, nullable=False)  # characters of the answer written before the call
    started_at: datetime = _time(nullable=False, default=now())
    finished_at: datetime | None = _time()


class Share(SQLModel, table=True):
    """An open door to one conversation: whoever has its id may read it, until the row is gone or has expired.

    `live` shows the branch that grew last, as it grows; `snapshot` ends at `until_message_id`.
    """

    __tablename__ = "share"
    __table_args__ = (_one_of("mode", ("live", "snapshot")),)

    conversation_id: UUID = _conversation_key(primary_key=True)
    mode: str = Field(sa_column=Column(Text, nullable=False))
    until_message_id: UUID | None = None
    tool_arguments: bool = Field(default=False, nullable=False)  # shown to readers, too
    opened: int = Field(default=0, nullable=False)  # how often
    created_at: datetime = _time(nullable=False, default=now())
    expires_at: datetime | None = _time()


class Feedback(SQLModel, table=True):
    """What the owner thinks of one answer."""

    __tablename__ = "feedback"
    __table_args__ = (_one_of("rating", ("up", "down")),)

    message_id: UUID = _message_key(primary_key=True)
    rating: str = Field(sa_column=Column(Text, nullable=False))
    comment: str = Field(default="", sa_column=Column(Text, nullable=False, default="", server_default=""))
    created_at: datetime = _time(nullable=False, default=now())


class Preset(SQLModel, table=True):
    """Settings of a conversation under a name, for its owner to use again."""

    __tablename__ = "preset"

    owner: str = Field(sa_column=Column(Text, primary_key=True))
    name: str = Field(sa_column=Column(Text, primary_key=True))
    system_prompt: str | None = Field(default=None, sa_column=Column(Text))
    model: str | None = Field(default=None, sa_column=Column(Text))
    temperature: float | None = None
    updated_at: datetime = _time(nullable=False, default=now())


class Usage(SQLModel, table=True):
    """What an owner has used of a limited thing in one span of time."""

    __tablename__ = "usage"
    __table_args__ = (Index("usage_age", "starts_at"),)

    owner: str = Field(sa_column=Column(Text, primary_key=True))
    kind: str = Field(sa_column=Column(Text, primary_key=True))
    starts_at: datetime = Field(sa_column=Column(UtcDateTime(), primary_key=True))
    amount: int = Field(default=0, nullable=False)


class IdempotencyKey(SQLModel, table=True):
    """Makes the same send twice one turn: written in the transaction that adds the turn."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("idempotency_key_age", "created_at"),)

    owner: str = Field(sa_column=Column(Text, primary_key=True))
    key: str = Field(sa_column=Column(Text, primary_key=True))
    digest: str = Field(sa_column=Column(Text, nullable=False))  # SHA-256 of what was sent
    # No foreign key: the row is written before the conversation it may create. It goes with its age.
    conversation_id: UUID
    user_message_id: UUID | None = None
    answer_id: UUID
    created_at: datetime = _time(nullable=False, default=now())


class SearchEntry(SQLModel, table=True):
    """What a message (without one: the conversation's title) can be found by. See `convstore.search.indexing`.

    On SQLite the full-text table `search_text` mirrors it by triggers; its rows hang on `id`, which VACUUM keeps.
    """

    __tablename__ = "search_entry"
    __table_args__ = (
        Index("search_entry_newest", "code", "id"),
        Index("search_entry_conversation", "conversation_id"),
        Index("search_entry_message", "message_id", unique=True),
        # No list of recent entries to look through first: background work can afford to write where they belong.
        Index("search_entry_terms", "terms", postgresql_using="gin", postgresql_with={"fastupdate": False}).ddl_if(
            dialect="postgresql"
        ),
    )

    # Microseconds since 1970, moved a little where that is taken: newest first is by id.
    id: int = Field(sa_column=Column(_NUMBER, primary_key=True, autoincrement=False))
    conversation_id: UUID = _conversation_key()
    message_id: UUID | None = Field(
        default=None, sa_column=Column(Uuid(), ForeignKey("message.id", ondelete="CASCADE"))
    )
    code: str = Field(sa_column=Column(Text, nullable=False))  # of the owner and the kind; every term begins with it
    terms: str = Field(sa_column=Column(Text().with_variant(TSVECTOR(), "postgresql"), nullable=False))


class SearchPending(SQLModel, table=True):
    """To be indexed: a finished message, or the title of a conversation. Triggers write it, whoever changes what."""

    __tablename__ = "search_pending"

    id: int | None = Field(default=None, sa_column=Column(_NUMBER, primary_key=True))
    conversation_id: UUID
    message_id: UUID | None = None
