"""The messages of a conversation: read as stretches of one branch, stopped, asked for again, edited, rated."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlmodel import Session

from convstore import feedback, messages
from convstore.api import openapi
from convstore.api.owner import Guarded, Owner
from convstore.api.requests import ConversationKey, Edit, Feedback, IdempotencyKey, Limit, MessageKey, Retry
from convstore.api.schemas import Branched, Message, MessagePage
from convstore.api.services import Here, Services
from convstore.messages import View
from convstore.turns import Turn

router = APIRouter(route_class=Guarded, prefix="/conversations/{conversation_id}/messages", tags=["Messages"])

USUAL_PAGE = 50


@router.get("", summary="Read messages", responses=openapi.problems(404))
async def read_messages(
    owner: Owner,
    key: ConversationKey,
    here: Here,
    limit: Limit = None,
    before: Annotated[UUID | None, Query(description="`next` of the stretch below: what is older than it")] = None,
    leaf: Annotated[UUID | None, Query(description="A message on the branch to read; the newest one without")] = None,
) -> MessagePage:
    """The newest stretch of a branch first, oldest message first in it."""
    size = here.page_size(limit, USUAL_PAGE)
    return MessagePage.of(await here.db.reading(messages.window, owner, key, limit=size, leaf=leaf, before=before))


@router.get("/{message_id}", summary="Read one message", responses=openapi.problems(404))
async def read_message(owner: Owner, key: ConversationKey, message: MessageKey, here: Here) -> Message:
    """An answer that is being written has its text so far."""
    return Message.model_validate(await here.db.reading(messages.one, owner, key, message))


@router.post("/{message_id}/stop", summary="Stop an answer", responses=openapi.problems(404))
async def stop(owner: Owner, key: ConversationKey, message: MessageKey, here: Here) -> Message:
    """Whichever instance writes it. Within a moment its status is `stopped`; its text so far is kept. One that is
    finished stays as it is."""
    await here.db.reading(messages.one, owner, key, message)
    await here.runner.stop(owner, key, message)
    return Message.model_validate(await here.db.reading(messages.one, owner, key, message))


@router.post(
    "/{message_id}/retry",
    summary="Ask for another answer",
    status_code=201,
    responses=openapi.problems(400, 404, 409, 413, 429),
)
async def retry(
    owner: Owner,
    key: ConversationKey,
    message: MessageKey,
    here: Here,
    body: Retry | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Branched:
    """The new answer stands beside the old one, which stays. Follow the conversation to see it written."""
    model = body.model if body else None
    turn = await here.runner.retry(owner, key, message, key=idempotency_key, model=model)
    return await _branched(here, owner, turn, turn.answer_id)


@router.post(
    "/{message_id}/edit",
    summary="Put a message differently",
    status_code=201,
    responses=openapi.problems(400, 404, 409, 413, 429),
)
async def edit(
    owner: Owner,
    key: ConversationKey,
    message: MessageKey,
    here: Here,
    body: Edit,
    idempotency_key: IdempotencyKey = None,
) -> Branched:
    """The new message stands beside the old one, which stays, and gets an answer of its own."""
    turn = await here.runner.edit(owner, key, message, body.message, key=idempotency_key, model=body.model)
    return await _branched(here, owner, turn, turn.user_message_id or turn.answer_id)


@router.post("/{message_id}/feedback", summary="Rate an answer", responses=openapi.problems(400, 404, 413))
async def rate(owner: Owner, key: ConversationKey, message: MessageKey, here: Here, body: Feedback) -> Message:
    """Another rating replaces it; null takes it back."""
    rated = await here.db.writing(_rate, owner, key, message, body)
    here.runner.on_change({key})
    return Message.model_validate(rated)


def _rate(session: Session, owner: str, key: UUID, message: UUID, body: Feedback) -> View:
    feedback.give(session, owner, key, message, body.rating, body.comment)
    return messages.one(session, owner, key, message)


async def _branched(here: Services, owner: str, turn: Turn, message_id: UUID) -> Branched:
    view = await here.db.reading(messages.one, owner, turn.conversation_id, message_id)
    return Branched.model_validate({**Message.model_validate(view).model_dump(), "answer_id": turn.answer_id})
