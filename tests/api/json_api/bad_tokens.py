"""Tokens that must not count: forged, broken, expired, swapped, and what else has been tried on JWT libraries."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.services.api_clients import SECRET

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
OTHERS: dict[str, Any] = {
    "HS256": "another-secret-of-32-bytes-or-more!!",
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
OURS: dict[str, Any] = {"HS256": SECRET, "RS256": RSA, "ES256": EC, "EdDSA": ED}
AS_JWK: dict[str, Callable[..., Any]] = {
    "RS256": RSAAlgorithm.to_jwk,
    "ES256": ECAlgorithm.to_jwk,
    "EdDSA": OKPAlgorithm.to_jwk,
}


def pem(private: Any) -> str:
    data: bytes = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return data.decode()


def jwk(algorithm: str, private: Any, **more: Any) -> dict[str, Any]:
    return {**AS_JWK[algorithm](private.public_key(), as_dict=True), **more}


def claims(**changed: Any) -> dict[str, Any]:
    said = {"sub": "ada", "exp": int(time.time()) + 600, "iss": "https://id.example", "aud": "convstore"} | changed
    return {name: value for name, value in said.items() if value is not None}


def part(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def bad_tokens(algorithm: str) -> dict[str, str]:
    """Tokens that a server trusting `OURS[algorithm]` must refuse."""
    key = OURS[algorithm]
    now = int(time.time())
    good = jwt.encode(claims(), key, algorithm)
    head, body, signature = good.split(".")

    def signed(said: dict[str, Any], **header: Any) -> str:
        return jwt.encode(said, key, algorithm, headers=header)

    def raw_claims(text: bytes) -> str:
        return jwt.api_jws.encode(text, key, algorithm)

    bad = {
        "empty": "",
        "one dot": ".",
        "two dots": "..",
        "words": "not a token",
        "umlaut": "ä.ö.ü",
        "no signature": f"{head}.{body}.",
        "stripped signature": f"{head}.{body}",
        "another signature": f"{head}.{body}.{part(b'0' * 64)}",
        "cut signature": good[:-8],
        "another body": f"{head}.{part(claims(sub='eve'))}.{signature}",
        "five parts": f"{good}.x.y",
        "expired": signed(claims(exp=now - 31)),
        "expired long ago": signed(claims(exp=0)),
        "not yet": signed(claims(nbf=now + 60)),
        "issued in the future": signed(claims(iat=now + 600)),
        "no exp": signed(claims(exp=None)),
        "exp is null": signed({**claims(), "exp": None}),
        "exp is a word": signed(claims(exp="tomorrow")),
        "exp is a list": signed(claims(exp=[now + 600])),
        "exp is endless": raw_claims(b'{"sub":"ada","exp":1e999,"iss":"https://id.example","aud":"convstore"}'),
        "exp is no number": raw_claims(b'{"sub":"ada","exp":NaN,"iss":"https://id.example","aud":"convstore"}'),
        "no sub": signed(claims(sub=None)),
        "empty sub": signed(claims(sub="")),
        "sub is a number": raw_claims(json.dumps(claims(sub=7)).encode()),
        "sub is a list": raw_claims(json.dumps(claims(sub=["ada"])).encode()),
        "sub is null": raw_claims(json.dumps(claims() | {"sub": None}).encode()),
        "sub is endless": signed(claims(sub="a" * 256)),
        "sub of an anonymous visitor": signed(claims(sub="anon:0123456789abcdef0123456789abcdef")),
        "sub that means something here": signed(claims(sub="shared")),
        "sub with a line break": signed(claims(sub="ada\nbob")),
        "sub with spaces around": signed(claims(sub=" ada ")),
        "sub with half a character": raw_claims(json.dumps(claims(sub="a\ud800")).encode()),
        "wrong issuer": signed(claims(iss="https://evil.example")),
        "no issuer": signed(claims(iss=None)),
        "wrong audience": signed(claims(aud="another")),
        "wrong audiences": signed(claims(aud=["another", "third"])),
        "no audience": signed(claims(aud=None)),
        "a list of claims": raw_claims(b'["sub","ada"]'),
        "no claims": raw_claims(b""),
        "deep claims": raw_claims(b"[" * 5000),
        "very long": signed(claims(extra="x" * 100_000)),
        "alg none": f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "alg None": f"{part({'alg': 'None'})}.{body}.{signature}",
        "alg missing": f"{part({'typ': 'JWT'})}.{body}.{signature}",
        "alg a list": f"{part({'alg': [algorithm]})}.{body}.{signature}",
        "alg in lower case": f"{part({'alg': algorithm.lower()})}.{body}.{signature}",
        "header is a list": f"{part([])}.{body}.{signature}",
        "header is deep": f"{part(b'[' * 5000)}.{body}.{signature}",
        "kid is a number": f"{part({'alg': algorithm, 'kid': 7})}.{body}.{signature}",
        "kid is a path": signed(claims(), kid="../../../dev/null"),
        "kid is a query": signed(claims(), kid="x' UNION SELECT 'k"),
        "kid is a URL": signed(claims(), kid="https://evil.example/jwks.json"),
        "crit": signed(claims(), crit=["exp"]),
        "unencoded": f"{part({'alg': algorithm, 'b64': False, 'crit': ['b64']})}.{body}.{signature}",
    }
    for other, stranger in OTHERS.items():
        bad[f"signed by a stranger, {other}"] = jwt.encode(claims(), stranger, other)
        if other != "HS256":
            brought = jwk(other, stranger)
            bad[f"brings its own key, {other}"] = jwt.encode(claims(), stranger, other, headers={"jwk": brought})
            bad[f"points to its own keys, {other}"] = jwt.encode(
                claims(), stranger, other, headers={"jku": "https://evil.example/jwks.json", "kid": "evil"}
            )
    for known in ("HS384", "HS512"):
        bad[f"alg swapped to {known}"] = jwt.encode(claims(), SECRET * 2, known)
    for other in OURS:
        if other != algorithm:
            bad[f"alg swapped to {other}"] = f"{part({'alg': other})}.{body}.{signature}"
            bad[f"a good signature, but {other}"] = jwt.encode(claims(), OURS[other], other)
    if algorithm != "HS256":
        # The old confusion: the public key, which everybody has, used as a shared secret.
        for public in (pem(key), pem(key).strip(), pem(key).encode()):
            data = public if isinstance(public, bytes) else public.encode()
            message = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims())}"
            mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(message.encode(), data)
            bad[f"the public key as a secret {len(bad)}"] = f"{message}.{part(mac)}"
    return bad
