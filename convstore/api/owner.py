"""Who calls the API: the subject of a bearer token, and only in a space of its own, `/api/{user_id}/…`.

Every route there is `Guarded`: the token comes first, before a byte of the body is read, and the same way for what is
there, what is not, and what never was. Cookies mean nothing here; a token means nothing on the page's routes.
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Path, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.types import Message, Receive

from convstore.api.services import services_of
from convstore.api.tokens import BadToken, Claims

SCOPE_KEY = "convstore.claims"
CHALLENGE = 'Bearer realm="convstore"'  # https://www.rfc-editor.org/rfc/rfc6750#section-3

_scheme = HTTPBearer(
    scheme_name="token",
    bearerFormat="JWT",
    auto_error=False,
    description="A JWT; its `sub` is the `user_id` of the path. To try it: `python -m convstore token --user ada`",
)


async def claims_of(request: Request) -> Claims:
    """What the request's token says. Raises 401 without a good one, 403 when it is for somebody else's space."""
    known = request.scope.get(SCOPE_KEY)
    if isinstance(known, Claims):
        return known
    try:
        claims = await services_of(request).verifier.verify(_token(request))
    except BadToken as error:
        told = f', error="invalid_token", error_description="{error}"' if request.headers.get("authorization") else ""
        raise HTTPException(401, str(error), {"WWW-Authenticate": CHALLENGE + told}) from None
    if claims.subject != request.path_params["user_id"]:
        raise HTTPException(403, "This token is for another user")
    request.scope[SCOPE_KEY] = claims
    return claims


def _token(request: Request) -> str:
    sent = request.headers.getlist("authorization")
    if not sent:
        raise BadToken("Send a token, as Authorization: Bearer <token>")
    scheme, _, token = sent[0].partition(" ")
    if len(sent) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise BadToken("Send one token, as Authorization: Bearer <token>")
    return token.strip()


async def verify_jwt(
    request: Request,
    user_id: Annotated[str, Path(description="Whose conversations: the `sub` of the token", examples=["ada"])],
    _shown: Annotated[HTTPAuthorizationCredentials | None, Security(_scheme)],
) -> str:
    """The owner of what this request is about. Raises as `claims_of`."""
    return (await claims_of(request)).subject


Owner = Annotated[str, Depends(verify_jwt)]
Claim = Annotated[Claims, Depends(claims_of)]


class Guarded(APIRoute):
    """A route that looks at the token first and reads no more of a body than it should."""

    max_body_bytes: int | None = None  # a kind of route with a limit of its own says so in a subclass

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, behind the two checks."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            await claims_of(request)
            most = self.max_body_bytes or services_of(request).max_body_bytes
            announced = request.headers.get("content-length", "0")
            if not announced.isdecimal() or int(announced[:15]) > most:
                raise _too_large(most)
            return await handle(Request(request.scope, _bounded(request.receive, most)))

        return guarded


def _bounded(receive: Receive, most: int) -> Receive:
    read = 0

    async def bounded() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise _too_large(most)
        return message

    return bounded


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"A request body has at most {most:,} bytes")
