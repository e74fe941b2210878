"""`POST chat`: a message in, its answer out, whole or as it is written.

The request only starts the turn and then follows it, like any other reader, on whichever instance it has come to. When
its client goes away the answer is written all the same. Taken up again with `Last-Event-ID`, a stream goes on where it
was cut off and sends no second message; `Idempotency-Key` does the same for a request that was never answered at all.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast
from uuid import UUID

from fastapi import APIRouter, Response
from sse_starlette import ServerSentEvent

from convstore import messages
from convstore.api import openapi, streams
from convstore.api.owner import Guarded, Owner
from convstore.api.requests import Chat, IdempotencyKey, LastEventId
from convstore.api.schemas import ChatReply
from convstore.api.services import Here, Services
from convstore.api.telling import Telling
from convstore.errors import Conflict, Invalid, NotFound, Unavailable
from convstore.messages import View
from convstore.text import storable
from convstore.tree import LEAF
from convstore.turns import Turn

router = APIRouter(route_class=Guarded, tags=["Chat"])


@router.post(
    "/chat",
    summary="Send a message and get its answer",
    response_model=ChatReply,
    response_model_exclude_unset=True,
    responses={
        200: {"description": "The answer, or with `stream` its events", "content": openapi.CHAT_STREAM},
        202: {
            "model": ChatReply,
            "description": "Still being written: what there is after the longest wait. Send the same again with the "
            "same Idempotency-Key to wait on, or follow the conversation's events",
        },
        **openapi.problems(400, 404, 409, 413, 429),
    },
)
async def chat(
    owner: Owner,
    body: Chat,
    here: Here,
    response: Response,
    key: IdempotencyKey = None,
    last_event_id: LastEventId = None,
) -> Any:
    """A new conversation when none is named. With `stream` the events are `start`, `delta`, `tool_call`,
    `tool_result`, `reset` (drop the text and calls so far: another instance writes the answer again) and `done`."""
    if body.stream and last_event_id:
        telling = await _resumed(here, owner, body, last_event_id)
        return streams.Stream(_told(here, owner, telling))
    turn = await here.runner.send(
        owner,
        body.message,
        conversation_id=body.conversation_id,
        parent_id=body.parent_id or LEAF,
        key=key,
        model=body.model,
    )
    if body.stream:
        return streams.Stream(_told(here, owner, Telling(turn.conversation_id, turn.answer_id)))
    answer = await _outcome(here, owner, turn)
    response.status_code = 202 if answer.active else 200
    return ChatReply.of(turn.conversation_id, answer)


async def _outcome(here: Services, owner: str, turn: Turn) -> View:
    """The finished answer; or as it is when the wait is over, or when this instance is on its way out."""
    try:
        async with asyncio.timeout(here.wait_seconds), _following(here, owner, turn.conversation_id) as following:
            async for event in following:
                if event.name == "gone":
                    raise NotFound()
                if event.name == "changed":
                    answer = await _read(here, owner, turn.conversation_id, turn.answer_id)
                    if not answer.active:
                        return answer
    except TimeoutError:
        pass
    return await _read(here, owner, turn.conversation_id, turn.answer_id)


async def _told(here: Services, owner: str, telling: Telling) -> AsyncIterator[ServerSentEvent]:
    """What the client of a stream is sent until the answer is done."""
    conversation_id, answer_id = telling.conversation_id, telling.answer_id
    yield streams.hello()
    try:
        async with _following(here, owner, conversation_id) as following:
            first = True
            async for event in following:
                if event.name == "gone":
                    yield streams.line("gone", telling.id, {})
                    return
                if not telling.misses(event.name, event.data):
                    for name, data in telling.hear(event.name, event.data):
                        yield streams.line(name, telling.id, data)
                    continue
                answer = await _read(here, owner, conversation_id, answer_id)
                if first:
                    first = False
                    yield streams.line("start", telling.id, _ids(conversation_id, answer))
                for name, data in telling.catch_up(answer):
                    yield streams.line(name, telling.id, data)
                if not answer.active:
                    reply = ChatReply.of(conversation_id, answer)
                    yield streams.line("done", telling.id, reply.model_dump(mode="json", exclude_unset=True))
                    return
    except NotFound:
        yield streams.line("gone", telling.id, {})
    except Unavailable:
        pass  # the stream ends, and its client takes it up again, perhaps at an instance that is better off


async def _resumed(here: Services, owner: str, body: Chat, event_id: str) -> Telling:
    """Where the client of this stream was. Raises `Invalid`, `NotFound`, and `Conflict` when the body is a new message:
    it must not be taken for one that has been answered."""
    telling = Telling.from_id(event_id)
    if telling is None:
        raise Invalid("This Last-Event-ID is not from a stream of this API. Leave it out to send the message.")
    answer = await _read(here, owner, telling.conversation_id, telling.answer_id)
    question = await _read(here, owner, telling.conversation_id, answer.parent_id or answer.id)
    if question.content != storable(body.message) or body.conversation_id not in (None, telling.conversation_id):
        raise Conflict("This Last-Event-ID is from the answer to another message. Leave it out to send this one.")
    return telling


def _following(here: Services, owner: str, conversation_id: UUID) -> aclosing[Any]:
    return aclosing(cast("Any", here.hub.follow(conversation_id, owner)))


async def _read(here: Services, owner: str, conversation_id: UUID, message_id: UUID) -> View:
    return await here.db.reading(messages.one, owner, conversation_id, message_id)


def _ids(conversation_id: UUID, answer: View) -> dict[str, Any]:
    return {"conversation_id": conversation_id, "message_id": answer.id, "user_message_id": answer.parent_id}
