"""Bearer tokens: a signed JWT says who calls the API, and the server keeps nothing about it.

`exp` and `sub` are required, `iss` and `aud` checked when they are set. Whatever is wrong with a token, the answer is
401 and little more than that: only "expired" is told apart, because an honest client can do something about it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from convstore.api import keys, subjects
from convstore.api.jwks import KeySet
from convstore.api.keys import Key

LEEWAY_SECONDS = 30  # between the clock of whoever signed and ours
LONGEST_TOKEN = 8_192


class BadToken(Exception):
    """Why this token does not count, in words its sender may read."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says: who it speaks for, and until when (seconds since 1970)."""

    subject: str
    expires_at: float


class Verifier:
    """Verifies tokens with these keys. `issuer` and `audience`: what a token must name, when given."""

    def __init__(
        self,
        known: Sequence[Key] = (),
        published: KeySet | None = None,
        *,
        issuer: str | None = None,
        audience: str | None = None,
    ) -> None:
        self._known, self._published = known, published
        self._issuer, self._audience = issuer, audience
        self._options: Any = {
            "require": ["exp", "sub", *(["iss"] if issuer else []), *(["aud"] if audience else [])],
            "verify_aud": audience is not None,
            "verify_iss": issuer is not None,
        }

    async def verify(self, token: str) -> Claims:
        """What this token says. Raises `BadToken`, or `Unavailable` when there are no keys to tell."""
        algorithm, kid = _header(token)
        candidates = [*keys.matching(self._known, algorithm, kid)]
        if self._published is not None and algorithm != "HS256":
            candidates += await self._published.matching(algorithm, kid)
        for key in candidates:
            claims = self._read(token, key)
            if claims is not None:
                return claims
        raise BadToken("The token is not valid here")

    def _read(self, token: str, key: Key) -> Claims | None:
        """What the token says, None when this key did not sign it."""
        try:
            said = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                options=self._options,
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
            )
            subject, expires_at = said["sub"], float(said["exp"])
        except jwt.InvalidSignatureError:
            return None
        except jwt.ExpiredSignatureError:
            raise BadToken("The token has expired") from None
        except Exception as error:  # whatever a stranger's token trips over: it is not a good one
            raise BadToken("The token is not valid here") from error
        if not isinstance(subject, str) or not subjects.is_acceptable(subject):
            raise BadToken("The token names nobody who can be known here")
        return Claims(subject, expires_at)


def _header(token: str) -> tuple[str, str | None]:
    """The algorithm and the key's name a token claims to have. Raises `BadToken`."""
    try:
        if len(token) > LONGEST_TOKEN:
            raise ValueError("too long")
        header = jwt.get_unverified_header(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        # A token that brings its own key, or asks for rules we do not know, is not from an issuer of ours.
        if algorithm not in keys.ALGORITHMS or not isinstance(kid, str | None) or {"jwk", "crit"} & header.keys():
            raise ValueError("not one of ours")
    except Exception as error:
        raise BadToken("The token is not valid here") from error
    return algorithm, kid


def verifier(
    secrets: Sequence[str],
    public_key: str | None = None,
    jwks_url: str | None = None,
    *,
    issuer: str | None = None,
    audience: str | None = None,
) -> Verifier:
    """A verifier by what the settings say. Raises `ValueError` naming the variable that cannot be used."""
    known: list[Key] = []
    try:
        name = "JWT_SECRET"
        known += [keys.of_secret(secret) for secret in secrets]
        name = "JWT_PUBLIC_KEY"
        known += keys.of_pem(public_key) if public_key else []
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return Verifier(known, KeySet(jwks_url) if jwks_url else None, issuer=issuer, audience=audience)


def mint(secret: str, subject: str, seconds: float, *, issuer: str | None = None, audience: str | None = None) -> str:
    """A token for this person, good for so long, signed with a shared secret. Raises `ValueError`.

    For development and tests: in production somebody else signs.
    """
    if not subjects.is_acceptable(subject):
        raise ValueError(f"{subject!r} cannot be a user here")
    now = int(time.time())
    claims: dict[str, Any] = {"sub": subject, "iat": now, "exp": now + int(seconds)}
    claims |= {name: value for name, value in (("iss", issuer), ("aud", audience)) if value}
    return jwt.encode(claims, keys.of_secret(secret).key, algorithm="HS256")
