"""Sharing by ID: an owner opens and closes the door, anyone with the ID reads through it, a user takes a copy.

What readers get is made by `convstore.sharing`, never from the owner's own window. Not shared any more, expired,
deleted and never there are one answer, headers included. Nobody can be called `shared`: these paths are no user's.
"""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool

from convstore import forks, sharing
from convstore.api import errors, openapi, streams
from convstore.api.owner import Guarded, Owner
from convstore.api.requests import Closed, ConversationKey, LastEventId, Limit
from convstore.api.schemas import ANSWER, CONVERSATION, MOMENT, Conversation, Role, Status, Step, example
from convstore.api.services import Here
from convstore.errors import ConvstoreError

USUAL_PAGE = 50
NOBODY = ""  # who reads without being anybody; no owner has this name


class Unlisted(APIRoute):
    """A route whose every answer stays out of search engines, caches and Referer headers."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, its errors included."""
        handle = super().get_route_handler()

        async def unlisted(request: Request) -> Response:
            try:
                response = await handle(request)
            except ConvstoreError as error:
                response = errors.answer(error)
            response.headers["X-Robots-Tag"] = "noindex, nofollow"
            response.headers["Cache-Control"] = "no-store"
            response.headers["Referrer-Policy"] = "no-referrer"
            return response

        return unlisted


router = APIRouter(route_class=Guarded, prefix="/conversations/{conversation_id}", tags=["Sharing"])
readers = APIRouter(
    route_class=Unlisted,
    prefix="/api/shared/{conversation_id}",
    tags=["Sharing"],
    responses=openapi.problems(404, 422, 503),
)


class NewShare(Closed):
    """Who may read it, and for how long."""

    model_config = ConfigDict(json_schema_extra={"example": {"mode": "live"}})

    mode: Annotated[Literal["live", "snapshot"], Field(description="As it grows, or as it is up to `until_message_id`")]
    until_message_id: Annotated[
        UUID | None, Field(description="Where a snapshot ends; null: at the message that was added last")
    ] = None
    expires_at: Annotated[AwareDatetime | None, Field(description="null: until it is deleted")] = None
    tool_arguments: Annotated[StrictBool, Field(description="Show readers what tools were asked and answered")] = False


class Share(BaseModel):
    """How a conversation is shared."""

    model_config = ConfigDict(from_attributes=True) | example(
        mode="snapshot",
        until_message_id=ANSWER,
        tool_arguments=False,
        opened=3,
        created_at=MOMENT,
        expires_at=None,
    )

    mode: Literal["live", "snapshot"]
    until_message_id: UUID | None
    tool_arguments: bool
    opened: Annotated[int, Field(description="How often readers came in")]
    created_at: datetime
    expires_at: datetime | None


class Fork(Closed):
    """How much to copy."""

    model_config = ConfigDict(json_schema_extra={"example": {}})

    until_message_id: Annotated[UUID | None, Field(description="null: all of the branch that grew last")] = None


class SharedMessage(BaseModel):
    """One message as a reader sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    parent_id: UUID | None
    position: int
    role: Role
    content: str
    reasoning: str
    status: Status
    error: str | None
    model: str | None
    created_at: datetime
    finished_at: datetime | None
    siblings: list[UUID]
    sibling_index: int
    tool_calls: Annotated[list[Step], Field(description="Without arguments and results unless the owner shows them")]


class SharedConversation(BaseModel):
    """A stretch of a shared conversation, oldest message first: without its owner and what is theirs alone."""

    id: UUID
    title: str
    mode: Literal["live", "snapshot"]
    shared_at: datetime
    expires_at: datetime | None
    leaf_id: UUID | None
    items: list[SharedMessage]
    next: Annotated[UUID | None, Field(description="Pass it as `before` for the older stretch; null at the beginning")]

    model_config = example(
        id=CONVERSATION,
        title="Six times seven",
        mode="live",
        shared_at=MOMENT,
        expires_at=None,
        leaf_id=ANSWER,
        items=[],
        next=None,
    )

    @classmethod
    def of(cls, shared: sharing.Shared) -> "SharedConversation":
        """What of it is sent."""
        window, door = shared.window, shared.door
        return cls(
            id=window.conversation.id,
            title=window.conversation.title,
            mode=door.mode,
            shared_at=door.created_at,
            expires_at=door.expires_at,
            leaf_id=window.leaf_id,
            items=[SharedMessage.model_validate(view) for view in window.messages],
            next=window.older,
        )


@router.get("/share", summary="Read how a conversation is shared", responses=openapi.problems(404))
async def read_share(owner: Owner, key: ConversationKey, here: Here) -> Share | None:
    """null when nobody else may read it."""
    door = await here.db.reading(sharing.of, owner, key)
    return Share.model_validate(door) if door else None


@router.put("/share", summary="Share a conversation", responses=openapi.problems(400, 404, 413))
async def share(owner: Owner, key: ConversationKey, body: NewShare, here: Here) -> Share:
    """Whoever has the conversation's ID may read it from now on, at `/c/{conversation_id}` and `/api/shared/…`; or only
    differently from now on, when it is shared already."""
    chosen = body.model_dump(exclude={"mode"})
    door = await here.db.writing(sharing.share, owner, key, body.mode, **chosen)
    here.hub.hint({key})
    return Share.model_validate(door)


@router.delete("/share", summary="Stop sharing", status_code=204, responses=openapi.problems(404))
async def stop(owner: Owner, key: ConversationKey, here: Here) -> None:
    """For readers who are following it, too."""
    await here.db.writing(sharing.stop, owner, key)
    here.hub.hint({key})


@router.post("/fork", summary="Take a copy", status_code=201, responses=openapi.problems(400, 404, 413))
async def fork(owner: Owner, key: ConversationKey, here: Here, body: Fork | None = None) -> Conversation:
    """Of one's own conversation, or of one that is shared: a new one, with `forked_from`."""
    until = body.until_message_id if body else None
    return Conversation.model_validate(await here.db.writing(forks.fork, owner, key, until))


@readers.get("", summary="Read a shared conversation")
async def read(
    key: ConversationKey,
    here: Here,
    limit: Limit = None,
    before: Annotated[UUID | None, Query(description="`next` of the stretch below: what is older than it")] = None,
    leaf: Annotated[UUID | None, Query(description="A message on the branch to read; live shares only")] = None,
) -> SharedConversation:
    """Needs no token."""
    size = here.page_size(limit, USUAL_PAGE)
    shared = await here.db.reading(sharing.read, key, limit=size, leaf=leaf, before=before)
    if before is None and leaf is None:
        await here.db.writing(sharing.count_opened, key)
    return SharedConversation.of(shared)


@readers.get(
    "/events",
    summary="Follow a shared conversation",
    response_class=Response,
    responses={200: {"content": openapi.EVENT_STREAM}},
)
async def events(key: ConversationKey, here: Here, last_event_id: LastEventId = None) -> Any:
    """As its owner does, for as long as it is shared: then `gone`, and the stream ends. Needs no token."""
    return await streams.opened(here.hub.follow(key, NOBODY, last_event_id))
