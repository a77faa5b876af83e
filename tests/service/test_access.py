"""The service as it is met from outside: closed by the first token, opened again by nothing."""

from __future__ import annotations

import json

import httpx
import pytest

pytestmark = pytest.mark.timeout(300)  # real processes, several a test

EVENTS = "application/cloudevents+json"


def event(name: str) -> dict[str, object]:
    data = {"contract.id": "C-1", "contract.value": name}
    told = {"specversion": "1.0", "id": "1", "source": "/clm", "type": "clm.contract.approved"}
    return told | {"time": "2026-06-01T09:00:00Z", "data": data}


@pytest.fixture
def post(service):
    def posted(text: str, name: str = "1000.00") -> int:
        headers = {"content-type": EVENTS} | ({"authorization": f"Bearer {text}"} if text else {})
        url = f"http://{service.http}/v1/events"
        return httpx.post(url, json=event(name), headers=headers).status_code

    return posted


def test_the_first_token_closes_a_running_service_and_revoking_works_within_seconds(
    service, threadline, post
):
    service.settings = {**service.settings, "THREADLINE_ACCESS__REFRESH_SECONDS": "0.1"}
    service.start()
    service.wait_until_ready()
    assert post("") == 200

    one = json.loads(threadline("token", "create", "one", "--source", "one", "--json").stdout)
    two = threadline("token", "create", "two", "--source", "two", "--role", "admin").stdout.strip()
    service._wait(lambda: post("") == 401, "closed")
    service._wait(lambda: post(two, "2.00") == 200, "taking the new token")
    assert post(one["token"], "1.00") == 200
    assert threadline("token", "revoke", one["id"]).returncode == 0
    service._wait(lambda: post(one["token"]) == 401, "refusing the revoked token")

    def facts() -> dict[str, int]:
        url, proof = f"http://{service.api}/api/v1/sources", {"authorization": f"Bearer {two}"}
        items = httpx.get(url, headers=proof).json()["items"]
        return {row["source"]: row["facts"] for row in items}

    service._wait(lambda: len(facts()) == 3, "done deriving")
    # The same event of three senders is three facts: nobody overwrites what another has said.
    assert facts() == {"open": 1, "one": 1, "two": 1}
    assert httpx.get(f"http://{service.api}/api/v1/kpis").status_code == 401
    verified = threadline("audit", "verify", "--json")
    assert json.loads(verified.stdout)["whole"]
    assert verified.returncode == 0


def test_commands_ask_with_the_token_of_the_environment(service, threadline):
    text = threadline("token", "create", "all", "--source", "x", "--role", "support").stdout.strip()
    service.start()
    service.wait_until_ready()

    refused = threadline("kpis")
    service.settings = {**service.settings, "THREADLINE_TOKEN": text}
    taken = threadline("kpis", "--json")

    assert refused.returncode == 2
    assert "THREADLINE_TOKEN" in refused.stderr
    assert taken.returncode == 0


def test_beyond_loopback_it_does_not_start_without_proof_or_tls_and_says_what_to_do(
    service, threadline
):
    port = service.api.rpartition(":")[2]
    service.settings = {**service.settings, "THREADLINE_API__LISTEN": f"0.0.0.0:{port}"}
    service.start()
    assert service.process.wait(timeout=60) == 2
    threadline("token", "create", "x", "--role", "admin")
    service.start()
    assert service.process.wait(timeout=60) == 2

    said = (service.data / "service.log").read_text()
    assert "nobody could prove who it is: make a token (threadline token create)" in said
    assert "set tls.certificate and tls.key" in said


def test_dashboards_beyond_loopback_need_sign_in(service, threadline):
    service.settings = {**service.settings, "THREADLINE_DASHBOARDS__LISTEN": "0.0.0.0:1"}

    refused = threadline("dashboards")

    assert refused.returncode == 2
    assert "nobody would have to sign in" in refused.stderr
