"""Search over a user's titles and messages."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from convstore import search
from convstore.api.owner import Guarded, Owner
from convstore.api.requests import Limit
from convstore.api.schemas import ANSWER, CONVERSATION, MOMENT, Role, example
from convstore.api.services import Here

router = APIRouter(route_class=Guarded, prefix="/search", tags=["Search"])

USUAL_PAGE = 20


class Piece(BaseModel):
    """A piece of text, never markup; marked when it is what was looked for."""

    model_config = example(text="forty-two", marked=True)

    text: str
    marked: bool


class SearchHit(BaseModel):
    """A message with all the words in it, or a conversation whose title has them."""

    model_config = ConfigDict(from_attributes=True) | example(
        conversation_id=CONVERSATION,
        title="Six times seven",
        message_id=ANSWER,
        role="assistant",
        created_at=MOMENT,
        archived=False,
        snippet=[
            {"text": "The answer is ", "marked": False},
            {"text": "forty-two", "marked": True},
            {"text": ".", "marked": False},
        ],
    )

    conversation_id: UUID
    title: str
    message_id: Annotated[
        UUID | None, Field(description="As `leaf` it opens the branch that the message is on; null: the title fits")
    ]
    role: Role | None
    created_at: datetime
    archived: bool
    snippet: Annotated[list[Piece], Field(description="One after the other: the stretch of text that fits best")]


class SearchResults(BaseModel):
    """Some hits, the best of the newest first."""

    items: list[SearchHit]
    next: Annotated[str | None, Field(description="Pass it as `before` for the page below; null at the end")]


@router.get("", summary="Find messages and conversations")
async def find(
    owner: Owner,
    here: Here,
    q: Annotated[
        str,
        Query(description="Words that all have to be there, the last one perhaps unfinished", examples=["forty tw"]),
    ] = "",
    limit: Limit = None,
    before: Annotated[str | None, Query(max_length=500, description="`next` of the page above")] = None,
) -> SearchResults:
    """Any text is a query; there are no operators. Case and accents do not count. The trash is left out."""
    size = here.page_size(limit, USUAL_PAGE)
    found = await here.db.reading(search.find, owner, q, limit=size, before=before)
    return SearchResults(items=[_shown(hit) for hit in found.hits], next=found.next)


def _shown(hit: search.Hit) -> SearchHit:
    return SearchHit(
        conversation_id=hit.conversation_id,
        title=hit.title,
        message_id=hit.message_id,
        role=hit.role,
        created_at=hit.created_at,
        archived=hit.archived,
        snippet=[Piece(text=text, marked=marked) for text, marked in hit.snippet],
    )
