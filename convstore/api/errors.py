"""The store's errors as HTTP answers: one table, one place.

The body is always `{"detail": …}` with a message fit to be shown. Whatever is not in the tree is a defect: it is logged
with its trace, and the client gets the same kind of body without it.
"""

import logging
import math

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from convstore.errors import Conflict, ConvstoreError, Invalid, LimitReached, NotFound, SchemaError, Unavailable

log = logging.getLogger(__name__)

STATUSES: dict[type[ConvstoreError], int] = {
    NotFound: 404,
    Conflict: 409,
    Invalid: 422,
    LimitReached: 429,
    Unavailable: 503,
    SchemaError: 503,
}


def answer(error: ConvstoreError) -> JSONResponse:
    """The HTTP answer for this error."""
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)
    headers = {}
    if isinstance(error, LimitReached):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_seconds)))
    elif status == 503:
        headers["Retry-After"] = "2"
    return JSONResponse({"detail": str(error)}, status, headers)


def not_found() -> JSONResponse:
    """The one answer for what is missing, not the viewer's, or not even an ID."""
    return answer(NotFound())


def install(app: FastAPI) -> None:
    """Have this application answer the store's errors, and defects without their trace."""

    async def known(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ConvstoreError)
        return answer(error)

    async def defect(request: Request, error: Exception) -> JSONResponse:
        # Starlette raises the error again after this, and the server logs it with its trace.
        return JSONResponse({"detail": "Something went wrong on our side. Try again."}, 500)

    app.add_exception_handler(ConvstoreError, known)
    app.add_exception_handler(Exception, defect)
