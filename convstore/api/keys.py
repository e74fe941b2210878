"""The keys that tokens are verified with. Each is good for exactly one algorithm, whatever a token says of itself.

That is what stops a public key from being used as a shared secret, and `none` from being an algorithm at all
(https://www.rfc-editor.org/rfc/rfc8725). A key with a name verifies only tokens that name it (`kid`).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import HMACAlgorithm

SHORTEST_SECRET_BYTES = 32  # https://www.rfc-editor.org/rfc/rfc7518#section-3.2
SHORTEST_RSA_BITS = 2048
MOST_KEYS = 100  # of one set
ALGORITHMS = ("HS256", "RS256", "ES256", "EdDSA")

_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)
# A name that is more than a name (a path, a query) was not written by an issuer of ours.
_NAME = re.compile(r"[\w.:=-]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Key:
    """One key, its algorithm, and its name if it has one."""

    algorithm: str
    key: Any = field(repr=False)
    kid: str | None = None


def of_secret(secret: str) -> Key:
    """A secret shared with whoever signs. Raises `ValueError` for one that is too short to be one."""
    data = secret.encode()
    if len(data) < SHORTEST_SECRET_BYTES:
        raise ValueError(f"each secret needs at least {SHORTEST_SECRET_BYTES} bytes")
    try:
        return Key("HS256", HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(data))
    except jwt.InvalidKeyError as error:
        raise ValueError("this is a key pair's half, not a shared secret; it belongs into JWT_PUBLIC_KEY") from error


def of_pem(text: str) -> list[Key]:
    """The public keys in this PEM text, one or several. Raises `ValueError`.

    `\\n` may be written for the end of a line, as environment variables often have it.
    """
    blocks = [match[0] for match in _PEM.finditer(text.replace("\\n", "\n"))]
    if not blocks:
        raise ValueError("there is no PEM block (-----BEGIN PUBLIC KEY-----) in it")
    try:
        return [_of_public(load_pem_public_key(block.encode())) for block in blocks]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"{error}. It has to be an RSA, P-256 or Ed25519 public key in PEM") from error


def of_set(document: Any) -> list[Key]:
    """The keys of a JWK set that verify signatures here; others in it are passed over. Raises `ValueError`."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("this is not a JWK set")
    found = (_of_jwk(each) for each in listed[:MOST_KEYS] if isinstance(each, dict))
    return [key for key in found if key is not None]


def matching(keys: Iterable[Key], algorithm: str, kid: str | None) -> Sequence[Key]:
    """The keys that may have signed a token with this header: the one it names, else those without a name."""
    fitting = [key for key in keys if key.algorithm == algorithm]
    if kid is None:
        return fitting
    named = [key for key in fitting if key.kid == kid]
    if named or not _NAME.fullmatch(kid):
        return named
    return [key for key in fitting if key.kid is None]


def _of_public(key: Any, kid: str | None = None) -> Key:
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= SHORTEST_RSA_BITS:
        return Key("RS256", key, kid)
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return Key("ES256", key, kid)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return Key("EdDSA", key, kid)
    raise ValueError("this kind of key is not accepted")


def _of_jwk(jwk: dict[str, Any]) -> Key | None:
    kid = jwk.get("kid")
    if jwk.get("use", "sig") != "sig" or not isinstance(kid, str | None):
        return None
    # A secret has no place where everybody can read it; a private key gives itself away.
    if jwk.get("kty") not in ("RSA", "EC", "OKP") or "d" in jwk:
        return None
    try:
        key = _of_public(jwt.PyJWK(jwk).key, kid)
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        return None
    return key if jwk.get("alg", key.algorithm) == key.algorithm else None
