"""Errors as HTTP answers: the store's by one table, a wrong request in words, a defect without its trace.

The body is always `{"detail": "…"}` with a message fit to be shown. Whatever is not in the tree is a defect: it is
logged with its trace, and the client gets the same kind of body without it.
"""

import logging
import math
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from convstore.errors import (
    Conflict,
    ConvstoreError,
    Invalid,
    LimitReached,
    NotFound,
    SchemaError,
    Unavailable,
    VersionMismatch,
)
from convstore.text import storable

log = logging.getLogger(__name__)

STATUSES: dict[type[ConvstoreError], int] = {
    NotFound: 404,
    Conflict: 409,
    VersionMismatch: 412,
    Invalid: 422,
    LimitReached: 429,
    Unavailable: 503,
    SchemaError: 503,
}
MOST_TOLD = 5  # of what is wrong with one request
LONGEST_NAME = 80


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


def in_words(errors: list[Any]) -> str:
    """What is wrong with a request, field by field, without repeating what was sent."""
    told = []
    for error in errors[:MOST_TOLD]:
        where = ".".join(str(part) for part in error["loc"][1:]) or str(error["loc"][0])
        told.append(f"{storable(where)[:LONGEST_NAME]}: {error['msg'].removeprefix('Value error, ')}")
    more = len(errors) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


def install(app: FastAPI) -> None:
    """Have this application answer the store's errors, wrong requests, and defects without their trace."""

    async def known(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ConvstoreError)
        return answer(error)

    async def wrong(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        errors = list(error.errors())
        if any(each["type"] == "json_invalid" for each in errors):
            return JSONResponse({"detail": "The body is not JSON"}, 400)
        if isinstance(error.body, bytes) and error.body:
            return JSONResponse({"detail": "Send JSON, with the header Content-Type: application/json"}, 422)
        return JSONResponse({"detail": in_words(errors)}, 422)

    async def defect(request: Request, error: Exception) -> JSONResponse:
        # Starlette raises the error again after this, and the server logs it with its trace.
        return JSONResponse({"detail": "Something went wrong on our side. Try again."}, 500)

    app.add_exception_handler(ConvstoreError, known)
    app.add_exception_handler(RequestValidationError, wrong)
    app.add_exception_handler(Exception, defect)
