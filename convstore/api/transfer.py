"""Take along: what a user has as files, in and out, and the end of all of it.

Files are streamed both ways, so that what an instance holds of one does not follow its size.
"""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from convstore import conversations
from convstore.api import openapi
from convstore.api.downloads import Format, attachment
from convstore.api.owner import Guarded, Owner
from convstore.api.requests import Closed, ConversationKey
from convstore.api.schemas import example
from convstore.api.services import Here
from convstore.errors import Invalid
from convstore.transfer import erasure, exports, markdown, receiving
from convstore.transfer.schema import Export


class LargeBody(Guarded):
    """A route that takes a whole file."""

    max_body_bytes = receiving.BYTES


router = APIRouter(route_class=Guarded, tags=["Take along"])
arrivals = APIRouter(route_class=LargeBody, tags=["Take along"])

MARKDOWN: dict[str, Any] = {"text/markdown": {"schema": {"type": "string"}}}
A_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "Our own export (`Export`), or ChatGPT's `conversations.json`, which is a list",
        "content": {
            "application/json": {
                "schema": {"anyOf": [{"$ref": "#/components/schemas/Export"}, {"type": "object"}, {"type": "array"}]}
            }
        },
    }
}


class Rejected(BaseModel):
    """A conversation that was not imported, and why. `number`: which one in the file, from 1."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    title: str
    reason: str


class ImportReport(BaseModel):
    """What became of a file."""

    model_config = ConfigDict(from_attributes=True) | example(
        imported=12, unchanged=3, rejected=[{"number": 7, "title": "Broken", "reason": "This is not valid JSON."}]
    )

    imported: Annotated[int, Field(description="Conversations that were added, or that something was added to")]
    unchanged: Annotated[int, Field(description="Conversations that are here already")]
    rejected: list[Rejected]


class Everything(Closed):
    """That this is meant."""

    model_config = example(confirm="ada")

    confirm: Annotated[str, Field(max_length=1_000, description="The `user_id` of the path")]


class Erased(BaseModel):
    """What is gone."""

    model_config = ConfigDict(from_attributes=True) | example(conversations=12, messages=240, overwritten=True)

    conversations: int
    messages: int
    overwritten: Annotated[
        bool | None,
        Field(
            description="Whether the database's files hold no trace of it either. null: PostgreSQL sees to that itself "
            "(VACUUM). false: somebody was reading for a long time, or the file is too large to be rewritten at once"
        ),
    ]


@router.get(
    "/conversations/{conversation_id}/export",
    summary="Export a conversation",
    response_class=Response,
    responses={200: {"model": Export, "content": MARKDOWN}, **openapi.problems(404)},
)
async def export_one(
    owner: Owner,
    key: ConversationKey,
    here: Here,
    format: Format = "json",
    leaf: Annotated[UUID | None, Query(description="Markdown: a message on the branch to write")] = None,
    all_branches: Annotated[bool, Query(description="Markdown: every branch, each under its own heading")] = False,
) -> Response:
    """JSON has everything and can be imported again. Markdown is for reading: one branch, or all of them."""
    title = (await here.db.reading(conversations.get, owner, key)).title
    if format == "json":
        return await attachment(exports.document(here.db, owner, key), title, format)
    written = markdown.document(here.db, owner, key, leaf=leaf, all_branches=all_branches)
    return await attachment(written, title, format)


@router.get("/export", summary="Export everything", response_class=Response, responses={200: {"model": Export}})
async def export_all(owner: Owner, here: Here) -> Response:
    """All conversations but those in the trash, in the order in which they were begun."""
    return await attachment(exports.document(here.db, owner), "conversations", "json")


@arrivals.post("/import", summary="Import a file", openapi_extra=A_FILE, responses=openapi.problems(413, 429))
async def import_file(owner: Owner, here: Here, request: Request) -> ImportReport:
    """Each conversation is imported whole or not at all, with new ids, as the user's own. What is here already stays as
    it is: importing a file twice adds nothing, and a later export adds what is new in it."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Invalid("Send the file as it is, without a Content-Encoding.")
    try:
        report = await receiving.receive(here.db, owner, request.stream())
    except ClientDisconnect:
        raise Invalid("The file did not arrive.") from None  # nobody is there to read it
    return ImportReport.model_validate(report)


@router.delete("/everything", summary="Delete everything", responses=openapi.problems(400, 413))
async def erase(owner: Owner, body: Everything, here: Here) -> Erased:
    """All conversations, the trash included, with all that belongs to them, presets, keys and counts: for good."""
    if body.confirm != owner:
        raise Invalid("To delete everything, `confirm` has to be the user_id of the path.")
    return Erased.model_validate(await asyncio.to_thread(erasure.everything, here.db, owner))
