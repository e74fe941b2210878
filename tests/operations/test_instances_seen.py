"""What running instances let be seen: limits shared by page and API, metrics, and the request in every line."""

import json
import uuid
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.operations.conftest import METRICS_TOKEN, PER_MINUTE, Caller, Named, run
from tests.services.instances import Cluster, Instance
from tests.services.people import Refused
from tests.services.waiting import until


def metrics(instance: Instance) -> dict[str, float]:
    """What it tells Prometheus: `name{label=value,…}` → number."""
    answer = httpx.get(instance.url + "/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=10)
    found = {}
    for family in text_string_to_metric_families(answer.raise_for_status().text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def lines(instance: Instance, **fields: Any) -> list[dict[str, Any]]:
    """Its log lines with these fields."""
    logged = [json.loads(line) for line in instance.log.read_text().splitlines() if line.startswith("{")]
    return [line for line in logged if fields.items() <= line.items()]


def test_page_and_api_share_one_limit_through_every_instance(site: Cluster) -> None:
    first, second = site.instances
    name = f"ada-{uuid.uuid4().hex[:8]}"
    person, caller = Named(first.url, name), Caller(name)
    person.send("/plain", at=first.url)
    person.send("/plain", at=second.url)
    for _ in range(PER_MINUTE - 2):
        assert caller.chat(second.url, "/plain").status_code == 200
    for instance in site.instances:
        refused = caller.chat(instance.url, "/plain")
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 65
        assert f"{PER_MINUTE} messages within a minute" in refused.json()["detail"]
        with pytest.raises(Refused, match=f"{PER_MINUTE} messages within a minute"):
            person.send("/plain", at=instance.url)
    assert Caller(f"grace-{uuid.uuid4().hex[:8]}").chat(first.url, "/plain").status_code == 200
    person.close()


def test_the_same_request_again_is_answered_and_not_counted(site: Cluster) -> None:
    caller, key = Caller(f"ada-{uuid.uuid4().hex[:8]}"), uuid.uuid4().hex
    replies = [
        caller.chat(site.instances[n % 2].url, "/plain", **{"Idempotency-Key": key}) for n in range(PER_MINUTE + 2)
    ]
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.json()["message_id"] for reply in replies}) == 1
    for _ in range(PER_MINUTE - 1):
        assert caller.chat(site.instances[0].url, "/plain").status_code == 200
    assert caller.chat(site.instances[0].url, "/plain").status_code == 429
    assert caller.chat(site.instances[1].url, "/plain", **{"Idempotency-Key": key}).status_code == 200


def test_metrics_are_for_whoever_has_the_token(site: Cluster) -> None:
    address = site.instances[0].url + "/metrics"
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": METRICS_TOKEN}, Caller("ada").headers):
        refused = httpx.get(address, headers=headers)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_an_answer_shows_in_the_metrics_of_its_instance(site: Cluster) -> None:
    instance, other = site.instances
    before, elsewhere = metrics(instance), metrics(other)
    answered = Caller(f"ada-{uuid.uuid4().hex[:8]}").chat(instance.url, "/plain").json()
    assert answered["served_by"] == instance.name
    assert Caller(f"ada-{uuid.uuid4().hex[:8]}").chat(instance.url, "/error 429").status_code == 200
    after = metrics(instance)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grown("convstore_answers_total{outcome=complete}") == 1
    assert grown("convstore_answers_total{outcome=failed}") == 1
    assert grown("convstore_first_token_seconds_count") == 1
    assert grown("convstore_flush_lag_seconds_count") >= 1
    assert grown("convstore_http_responses_total{method=POST,route=/api/{user_id}/chat,status=200}") == 2
    assert after["convstore_answers_running"] == after["convstore_answers_queued"] == 0
    assert after["convstore_database_up"] == 1
    assert after["convstore_database_connections{state=in use}"] <= after["convstore_database_connections_most"]
    assert (
        metrics(other)["convstore_answers_total{outcome=complete}"]
        == (elsewhere["convstore_answers_total{outcome=complete}"])
    )


def test_running_answers_and_readers_are_counted_while_they_are_there(site: Cluster) -> None:
    instance = site.instances[0]
    person = Named(instance.url, f"ada-{uuid.uuid4().hex[:8]}")
    sent = person.send("/slow 30")
    with person.follow(sent.conversation) as events:
        next(events)
        seen = until(
            lambda: found if (found := metrics(instance))["convstore_answers_running"] == 1 else None, "an answer"
        )
        assert seen["convstore_readers"] == 1
    person.stop(sent.conversation)
    until(lambda: metrics(instance)["convstore_answers_running"] == 0, "the answer to end")
    until(lambda: metrics(instance)["convstore_readers"] == 0, "the reader to be gone")
    person.close()


def test_addresses_that_strangers_make_up_do_not_become_labels(site: Cluster) -> None:
    instance = site.instances[0]
    for n in range(5):
        made_up = uuid.uuid4().hex
        httpx.get(f"{instance.url}/{made_up}")
        httpx.get(f"{instance.url}/ui/{made_up}/x.js")
        httpx.get(f"{instance.url}/c/{made_up}")
        httpx.get(f"{instance.url}/api/{made_up}/conversations/{made_up}")
        httpx.request(f"MADEUP{n}", f"{instance.url}/healthz")
    routes = {name for name in metrics(instance) if name.startswith("convstore_http_responses_total")}
    assert any("route=/api/{user_id}/conversations/{conversation_id}," in name for name in routes)
    assert any("route=/c/{conversation_id}," in name for name in routes)
    assert any("route=/ui/*," in name for name in routes)
    assert any("method=other,route=other," in name for name in routes)
    assert len(routes) < 60
    assert not any(made_up in name or "MADEUP" in name for name in routes)


def test_a_request_can_be_traced_through_the_log_to_the_end_of_its_answer(site: Cluster) -> None:
    instance = site.instances[0]
    request_id = f"trace-{uuid.uuid4().hex}"
    answer = Caller(f"ada-{uuid.uuid4().hex[:8]}").chat(instance.url, "/plain", **{"X-Request-ID": request_id})
    assert answer.headers["X-Request-ID"] == request_id
    ended = until(lambda: lines(instance, message="answer", request=request_id), "the answer's line")
    assert [line["answer"] for line in ended] == [answer.json()["message_id"]]


@pytest.mark.parametrize("sent", ["", "two words", "a" * 200, 'quote"', "-dash", "ümlaut"])
def test_a_request_without_a_sane_id_gets_one(site: Cluster, sent: str) -> None:
    address, headers = site.instances[0].url + "/healthz", [(b"x-request-id", sent.encode())]
    given = {httpx.get(address, headers=headers).headers["X-Request-ID"] for _ in range(3)}
    assert len(given) == 3
    assert all(len(each) == 16 and each.isalnum() for each in given)


def test_errors_have_the_id_too(site: Cluster) -> None:
    for path in ("/nothing", "/api/ada/conversations", "/events/x", "/gradio_api/run/predict"):
        assert httpx.get(site.instances[0].url + path, headers={"X-Request-ID": "abc"}).headers["X-Request-ID"] == "abc"


def test_the_commands_work_beside_running_instances(site: Cluster) -> None:
    caller = Caller(f"ada-{uuid.uuid4().hex[:8]}")
    assert caller.chat(site.instances[0].url, "/tool 6 * 7").status_code == 200
    for command in (("check",), ("purge", "--dry-run"), ("purge",), ("stats", "--json"), ("migrate",)):
        done = run(site.directory, site.database_url, *command)
        assert done.returncode == 0, done.stderr + done.stdout
    token = run(site.directory, site.database_url, "token", "--user", caller.name, JWT_SECRET=site.env["JWT_SECRET"])
    caller.headers = {"Authorization": f"Bearer {token.stdout.strip()}"}
    assert caller.chat(site.instances[1].url, "/plain").status_code == 200
