"""Whose token counts: a corpus of tokens that must not, against servers that trust each kind of key."""

import time
from pathlib import Path

import httpx
import jwt
import pytest

from app import create_app
from convstore.api import keys, tokens
from convstore.api.tokens import BadToken, Verifier
from convstore.settings import BadSettings
from tests.api.json_api.bad_tokens import EC, ED, OTHERS, OURS, RSA, bad_tokens, claims, jwk, pem
from tests.api.json_api.conftest import User, settings
from tests.services.api_clients import SECRET

pytestmark = pytest.mark.anyio


def trusting(algorithm: str) -> Verifier:
    """A server that trusts one key of this kind."""
    secrets, public = ([SECRET], None) if algorithm == "HS256" else ([], pem(OURS[algorithm]))
    return tokens.verifier(secrets, public, issuer="https://id.example", audience="convstore")


@pytest.mark.parametrize("algorithm", OURS)
async def test_a_good_token_counts(algorithm: str) -> None:
    verifier = trusting(algorithm)
    now = int(time.time())
    for said in (claims(), claims(aud=["other", "convstore"]), claims(exp=now - 25), claims(nbf=now + 25)):
        assert (await verifier.verify(jwt.encode(said, OURS[algorithm], algorithm))).subject == "ada"
    named = jwt.encode(claims(), OURS[algorithm], algorithm, headers={"kid": "issuer-key-2026.1", "x5t": "abc"})
    assert (await verifier.verify(named)).subject == "ada"


@pytest.mark.parametrize(("algorithm", "name"), [(a, name) for a in OURS for name in bad_tokens(a)])
async def test_a_bad_token_does_not(algorithm: str, name: str) -> None:
    with pytest.raises(BadToken):
        await trusting(algorithm).verify(bad_tokens(algorithm)[name])


async def test_every_bad_token_gets_401_and_a_challenge(http: httpx.AsyncClient) -> None:
    for name, token in bad_tokens("HS256").items():
        if len(token) > 20_000 or name in (
            "wrong issuer",
            "no issuer",
            "wrong audience",
            "wrong audiences",
            "no audience",
        ):
            continue  # what no header carries, and what this server does not ask for
        sent = {b"Authorization": f"Bearer {token}".encode()}
        response = await http.get("/api/ada/conversations", headers=sent)
        assert response.status_code == 401, name
        assert response.headers["www-authenticate"].startswith('Bearer realm="convstore", error="invalid_token"')
        assert set(response.json()) == {"detail"}


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer ", "Basic YWRhOmFkYQ==", "Token x", "bearer\tx", "Bearer a b"])
async def test_what_is_no_bearer_token_gets_401(http: httpx.AsyncClient, sent: str) -> None:
    response = await http.get("/api/ada/conversations", headers={"Authorization": sent})
    assert (response.status_code, "www-authenticate" in response.headers) == (401, True)


async def test_two_tokens_are_none(ada: User) -> None:
    both = [("Authorization", f"Bearer {ada.token}")] * 2
    assert (await ada.http.get(f"/api/{ada.name}/conversations", headers=both)).status_code == 401


async def test_the_token_comes_before_everything_else(ada: User, bob: User) -> None:
    """A stranger learns nothing from how a request is wrong, and cannot make us read a body."""
    wrong = {"content": b"x" * 2_000_000, "headers": {"Content-Type": "application/json"}}
    for path in ("chat", "conversations/nonsense", "nothing", "conversations/x/messages/y/edit"):
        assert (await ada.http.post(f"/api/{ada.name}/{path}", **wrong)).status_code == 401  # type: ignore[arg-type]
        mine = {"Authorization": f"Bearer {bob.token}", "Content-Type": "application/json"}
        assert (await ada.http.post(f"/api/{ada.name}/{path}", content=b"{", headers=mine)).status_code == 403


async def test_several_secrets_and_several_keys_make_a_rotation() -> None:
    old, new = "the-old-secret-0123456789-0123456789", "the-new-secret-0123456789-0123456789"
    both = tokens.verifier([new, old])
    for secret in (old, new):
        assert (await both.verify(tokens.mint(secret, "ada", 60))).subject == "ada"
    pems = "\n".join(map(pem, (RSA, EC, ED))).replace("\n", "\\n")  # as environment variables often have it
    every = tokens.verifier([], pems)
    for algorithm, key in OURS.items():
        if algorithm != "HS256":
            assert (await every.verify(jwt.encode(claims(), key, algorithm))).subject == "ada"
        with pytest.raises(BadToken):
            await every.verify(jwt.encode(claims(), OTHERS[algorithm], algorithm))


@pytest.mark.parametrize(
    ("secrets", "public", "says"),
    [
        (["short"], None, "JWT_SECRET.*32 bytes"),
        (["x" * 31], None, "JWT_SECRET.*32 bytes"),
        ([SECRET, "short"], None, "JWT_SECRET.*32 bytes"),
        ([pem(RSA)], None, "JWT_SECRET.*JWT_PUBLIC_KEY"),
        ([], "nonsense", "JWT_PUBLIC_KEY.*PEM"),
        ([], "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "JWT_PUBLIC_KEY"),
    ],
)
async def test_a_key_that_is_none_is_refused_by_the_name_of_its_variable(
    secrets: list[str], public: str | None, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        tokens.verifier(secrets, public)


async def test_the_server_does_not_start_with_a_weak_secret(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="JWT_SECRET: each secret needs at least 32 bytes"):
        create_app(settings(f"sqlite:///{tmp_path / 'x.db'}", jwt_secret="a" * 31))


async def test_without_any_setting_tokens_follow_from_the_secret_key(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    alone = settings(url, jwt_secret=None, secret_key="n" * 32 + "," + "o" * 32)
    before = settings(url, jwt_secret=None, secret_key="o" * 32)
    token = tokens.mint(before.token_secrets()[0], "ada", 60)
    assert (await tokens.verifier(alone.token_secrets()).verify(token)).subject == "ada", "the key was rotated"
    for secret in ("o" * 32, "n" * 32):
        with pytest.raises(BadToken):
            await tokens.verifier(alone.token_secrets()).verify(tokens.mint(secret, "ada", 60))
    elsewhere = settings(url, jwt_secret=None, jwt_public_key=pem(RSA))
    assert elsewhere.token_secrets() == [], "somebody else signs: no secret of ours counts beside it"


async def test_a_key_of_a_set_that_should_not_be_there_is_passed_over() -> None:
    good = jwk("ES256", EC, kid="good")
    listed = [
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "secret", "alg": "HS256"},
        jwk("RS256", RSA, kid="for encryption", use="enc"),
        jwk("RS256", RSA, kid="another algorithm", alg="RS512"),
        {**jwk("ES256", EC, kid="private"), "d": "AAAA"},
        {"kty": "EC", "crv": "P-256", "x": "!", "y": "!", "kid": "broken"},
        {"kty": "RSA", "kid": 7},
        {"kty": "quantum"},
        "nonsense",
        good,
    ]
    assert [key.kid for key in keys.of_set({"keys": listed})] == ["good"]
    documents: list[object] = [[], {}, {"keys": {}}, None, "keys"]
    for document in documents:
        with pytest.raises(ValueError, match="not a JWK set"):
            keys.of_set(document)
