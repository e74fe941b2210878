"""The API against its own description: a few thousand requests made from it, good and bad, and none that surprises.

The requests are the same in every run; SEED=… gives others.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi import checks

from tests.services.api_clients import SECRET, ApiClient
from tests.services.instances import Cluster, cluster

load_all_checks()

EACH = 45  # requests per route and mode
CHATS = 20  # each of these waits for an answer
ALWAYS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]


@pytest.fixture(scope="module")
def served(
    fresh_database: Callable[[str], AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """One instance on SQLite."""
    chosen = {"AGENT": "tests.services.agents:quick", "JWT_SECRET": SECRET, "API_WAIT_SECONDS": "3"}
    with (
        fresh_database("sqlite") as url,
        cluster(tmp_path_factory.mktemp("described"), url, count=1, settings=chosen) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def user(served: Cluster) -> Iterator[ApiClient]:
    """Somebody with a few conversations."""
    user = ApiClient(served.url, f"user-{uuid4().hex[:8]}")
    for _ in range(3):
        user.chat("/plain", user.chat("/plain")["conversation_id"])
    yield user
    user.close()


@pytest.fixture
def seed() -> int:
    """What the requests are drawn with."""
    return int(os.environ.get("SEED", "1"))


def ids_of(user: ApiClient) -> list[tuple[str, str]]:
    """What there is: conversations, each with one of its messages, live and in the trash."""
    found = []
    for state in ("active", "trash"):
        for talk in user.call("GET", f"conversations?state={state}&limit=20").json()["items"]:
            found.append((talk["id"], talk["leaf_id"] or str(uuid4())))
    return found


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
def test_no_request_gets_an_answer_that_is_not_described(
    served: Cluster, user: ApiClient, seed: int, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    talks = ids_of(user)
    asked: Counter[int] = Counter()
    for found in schema.get_all_operations():
        exercise(found.ok(), user, talks, mode, seed, asked)  # type: ignore[union-attr]
    assert asked.total() > 1000, asked
    assert all(status < 500 for status in asked), asked
    assert {200, 201, 404} <= asked.keys() if mode is GenerationMode.POSITIVE else {404, 422} <= asked.keys(), asked


def exercise(
    operation: Any, user: ApiClient, talks: list[tuple[str, str]], mode: GenerationMode, seed: int, asked: Counter[int]
) -> None:
    """Many requests to one route, half of them about something that is there."""
    cases = operation.as_strategy(generation_mode=mode)

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=CHATS if operation.path.endswith("/chat") else EACH,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(case=cases, talk=st.sampled_from(talks), real=st.booleans())
    def each(case: Any, talk: tuple[str, str], real: bool) -> None:
        case.path_parameters["user_id"] = user.user
        if real and not operation.path.endswith("/events"):  # a stream that is open has no end
            for name, value in zip(("conversation_id", "message_id"), talk, strict=True):
                if name in case.path_parameters:
                    case.path_parameters[name] = value
        response = case.call(headers=dict(user.http.headers), timeout=20)
        asked[response.status_code] += 1
        # A parameter or header that nobody knows does no harm; a body is closed.
        bad_body = case.meta is not None and case.meta.is_negative_at(ParameterLocation.BODY)
        case.validate_response(response, checks=[*ALWAYS, checks.negative_data_rejection] if bad_body else ALWAYS)

    each()
