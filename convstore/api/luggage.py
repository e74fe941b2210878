"""`/export` and `/import`: what a person takes along, for the page. Who they are, the identity cookie says.

Both are streams: a file may be far larger than what one call of the page may carry or an instance should hold.
"""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from convstore import conversations
from convstore.api import errors
from convstore.api.downloads import Format, attachment
from convstore.api.events import canonical_id
from convstore.api.identity import viewer
from convstore.api.origin import is_ours
from convstore.api.services import services_of
from convstore.transfer import exports, markdown, receiving

NOT_OURS = "Only this site's own pages may do this"
REASONS = 100  # conversations that were not imported, told with the reason

router = APIRouter(include_in_schema=False)


@router.get("/export")
async def export_all(request: Request) -> Response:
    """Everything of this person's, as the JSON that `import` takes."""
    person = viewer(request)
    if not is_ours(request.scope, silence=True):
        return JSONResponse({"detail": NOT_OURS}, 403)
    if person is None:
        return errors.not_found()
    return await attachment(exports.document(services_of(request).db, person), "convstore", "json")


@router.get("/export/{conversation_id}")
async def export_one(request: Request, conversation_id: str, format: Format = "json") -> Response:
    """One conversation: complete as JSON, or the branch that grew last as Markdown."""
    person, key = viewer(request), canonical_id(conversation_id)
    if not is_ours(request.scope, silence=True):
        return JSONResponse({"detail": NOT_OURS}, 403)
    if person is None or key is None:
        return errors.not_found()
    title = (await services_of(request).db.reading(conversations.get, person, key)).title
    written = (
        exports.document(services_of(request).db, person, key)
        if format == "json"
        else markdown.document(services_of(request).db, person, key)
    )
    return await attachment(written, title, format)


@router.post("/import")
async def import_(request: Request) -> Response:
    """Take a file in, and say what became of it."""
    person = viewer(request)
    if not is_ours(request.scope):
        return JSONResponse({"detail": NOT_OURS}, 403)
    if person is None:
        return errors.not_found()
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced[:15]) > receiving.BYTES:
        return JSONResponse({"detail": f"A file has at most {receiving.BYTES // 1_000_000} MB"}, 413)
    report = await receiving.receive(services_of(request).db, person, request.stream())
    return JSONResponse(_told(report))


def _told(report: receiving.Report) -> dict[str, Any]:
    rejected = [
        {"number": one.number, "title": one.title, "reason": one.reason} for one in list(report.rejected)[:REASONS]
    ]
    return {
        "imported": report.imported,
        "unchanged": report.unchanged,
        "rejected": rejected,
        "rejected_count": len(report.rejected),
    }
