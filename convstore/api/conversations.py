"""A user's conversations: listed, made, changed, put in the trash and taken out of it."""

import re
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from sqlmodel import Session

from convstore import catalogue, conversations, search, trash, tree
from convstore.api import openapi, streams
from convstore.api.owner import Claim, Guarded, Owner
from convstore.api.requests import Changes, ConversationKey, LastEventId, Limit, NewConversation
from convstore.api.schemas import Conversation, ConversationPage
from convstore.api.services import Here
from convstore.api.tokens import LEEWAY_SECONDS
from convstore.conversations import Page, Settings, Summary

router = APIRouter(route_class=Guarded, prefix="/conversations", tags=["Conversations"])

USUAL_PAGE = 30
SETTINGS = ("system_prompt", "model", "temperature")
VERSION = {"ETag": {"description": "The version, for If-Match", "schema": {"type": "string"}}}
ANOTHER_VERSION = -1  # what an If-Match is about that names no version of ours: none ever is

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", max_length=200, description='The version you have seen, as its `ETag` has it: `"4"`'),
]


@router.get("", summary="List conversations")
async def list_conversations(
    owner: Owner,
    here: Here,
    limit: Limit = None,
    before: Annotated[str | None, Query(max_length=500, description="`next` of the page above")] = None,
    q: Annotated[str, Query(description="Words that all have to be in the title or in one message")] = "",
    state: Literal["active", "archived", "trash"] = "active",
) -> ConversationPage:
    """The one written to last comes first; with `q`, the one that fits best. What `q` finds may be found again on a
    later page, by another message of it. Of the trash only the titles are searched."""
    size = here.page_size(limit, USUAL_PAGE)
    if q.strip():
        return ConversationPage.of(await here.db.reading(_found, owner, q, size, before, state))
    page = await here.db.reading(conversations.recent, owner, limit=size, before=before, state=state)
    return ConversationPage.of(page)


@router.post(
    "",
    summary="Make an empty conversation",
    status_code=201,
    responses={201: {"headers": VERSION}, **openapi.problems(400, 413)},
)
async def create(owner: Owner, body: NewConversation, here: Here, response: Response) -> Conversation:
    """A chat without a conversation_id makes one, too."""
    made = await here.db.writing(_create, owner, body)
    response.headers["Location"] = f"conversations/{made.id}"
    return _shown(made, response)


@router.get(
    "/{conversation_id}",
    summary="Read a conversation",
    responses={200: {"headers": VERSION}, **openapi.problems(404)},
)
async def read(owner: Owner, key: ConversationKey, here: Here, response: Response) -> Conversation:
    """Without its messages. One in the trash is not found here, only in the list of the trash."""
    return _shown(await here.db.reading(conversations.get, owner, key), response)


@router.patch(
    "/{conversation_id}",
    summary="Change a conversation",
    responses={200: {"headers": VERSION}, **openapi.problems(400, 404, 412, 413)},
)
async def change(
    owner: Owner, key: ConversationKey, body: Changes, here: Here, response: Response, if_match: IfMatch = None
) -> Conversation:
    """What is not named stays as it is. A name given here is never replaced by an automatic one."""
    return _shown(await here.db.writing(_change, owner, key, body, _version(if_match)), response)


@router.delete(
    "/{conversation_id}", summary="Put a conversation in the trash", status_code=204, responses=openapi.problems(404)
)
async def discard(owner: Owner, key: ConversationKey, here: Here) -> None:
    """What is being written in it stops. It can be restored until its time in the trash is over."""
    await here.db.writing(trash.discard, owner, key)
    here.runner.on_change({key})


@router.post(
    "/{conversation_id}/restore",
    summary="Take a conversation out of the trash",
    responses={200: {"headers": VERSION}, **openapi.problems(404)},
)
async def restore(owner: Owner, key: ConversationKey, here: Here, response: Response) -> Conversation:
    """As it was. One that is not in the trash is not found."""
    return _shown(await here.db.writing(trash.restore, owner, key), response)


@router.get(
    "/{conversation_id}/events",
    summary="Follow a conversation",
    response_class=Response,
    responses={200: {"content": openapi.EVENT_STREAM}, **openapi.problems(404)},
)
async def events(
    owner: Owner, key: ConversationKey, here: Here, claim: Claim, last_event_id: LastEventId = None
) -> Any:
    """Server-sent events, through any instance, until the token expires: `changed` (load the messages again), `answer`
    (the text so far of one that is being written), `delta` (append it, unless its `seq` is one you have), `gone`."""
    return await streams.opened(here.hub.follow(key, owner, last_event_id), claim.expires_at + LEEWAY_SECONDS)


def _found(session: Session, owner: str, query: str, size: int, before: str | None, state: str) -> Page:
    if state == "trash":  # what is in the trash is not in the index: its titles are looked through
        thrown = catalogue.sheet(session, owner, state=state, text=query, after=before, limit=size)
        return Page(thrown.items, thrown.next)
    while True:  # until there is something to show: what is in the other state is passed over
        results = search.find(session, owner, query, limit=size, before=before)
        ids = dict.fromkeys(hit.conversation_id for hit in results.hits if hit.archived is (state == "archived"))
        if ids or results.next is None:
            return Page([conversations.get(session, owner, each) for each in ids], results.next)
        before = results.next


def _create(session: Session, owner: str, body: NewConversation) -> Summary:
    made = conversations.create(session, owner, body.title)
    chosen = Settings(body.system_prompt, body.model, body.temperature)
    return made if chosen == Settings() else conversations.change(session, owner, made.id, settings=chosen)


def _change(session: Session, owner: str, key: UUID, body: Changes, version: int | None) -> Summary:
    chosen = None
    if body.model_fields_set.intersection(SETTINGS):
        tree.lock(session, owner, key)  # what is not named must still be so when the rest is written
        now = conversations.get(session, owner, key)
        chosen = Settings(**{name: getattr(now, name) for name in SETTINGS} | body.named(*SETTINGS))
    named = body.named("title", "pinned", "archived")
    return conversations.change(session, owner, key, **named, settings=chosen, if_version=version)


def _version(if_match: str | None) -> int | None:
    """The version an If-Match asks for (RFC 9110, 13.1.1), None for any."""
    if if_match is None or if_match.strip() == "*":
        return None
    asked = re.fullmatch(r'\s*(?:"(\d{1,9})"|(\d{1,9}))\s*', if_match, re.ASCII)
    return int(asked[1] or asked[2]) if asked else ANOTHER_VERSION


def _shown(summary: Summary, response: Response) -> Conversation:
    response.headers["ETag"] = f'"{summary.version}"'
    return Conversation.model_validate(summary)
