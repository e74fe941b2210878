"""Everything else under `/api/{user_id}/`: it needs a token as well, and tells a stranger nothing.

A path that exists with other methods is told apart (405, RFC 9110 15.5.6), for whoever has a token.
"""

from typing import Any

from fastapi import APIRouter, HTTPException, Request

from convstore.api.owner import Guarded, Owner

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "QUERY"]

router = APIRouter(route_class=Guarded, include_in_schema=False)


@router.api_route("/{path:path}", methods=METHODS)
async def elsewhere(owner: Owner, path: str, request: Request) -> None:
    """Nothing is here, or not with this method."""
    allowed = _methods(request.app.openapi(), path)
    if allowed:
        raise HTTPException(405, "Method Not Allowed", {"Allow": ", ".join(allowed)})
    raise HTTPException(404, "Not Found")


def _methods(described: dict[str, Any], path: str) -> list[str]:
    """The methods that the API describes for this path below `/api/{user_id}/`."""
    parts = path.split("/")
    for template, item in described["paths"].items():
        wanted = template.removeprefix("/api/{user_id}/").split("/")
        fits = len(wanted) == len(parts) and all(
            w == p or (w[:1] == "{" and p) for w, p in zip(wanted, parts, strict=True)
        )
        if template.startswith("/api/{user_id}/") and fits:
            return [method.upper() for method in item if method.upper() in METHODS]
    return []
