"""Trying out a receiver: from the API or the command line to the receiver's socket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from control_databases import NOON
from handmade_services import served, services
from jsonschema import Draft202012Validator
from recording_peer import Peer, peer

import alerts
from alerts import policy
from alerts.receivers.trial import trial
from alerts.receivers.variables import Variables
from alerts.service import AlertsService
from threadline import definitions
from threadline.api import create_api
from threadline.cli import main
from threadline.clock import FixedClock
from threadline.model.incidents import Briefing

POLICY = """\
policy: billing
rules: [{when: case-deadline}]
escalation: [{after: 0s, receivers: [pager]}]
receivers:
  pager:
    type: webhook
    url: ${env:PAGER}
    rate: {limit: 20, per: 1m}
    fallback: [book]
  book: {type: log}
  lost: {type: pagerduty, routing_key: "${file:nowhere}"}
"""


@pytest.fixture
def pager() -> Iterator[Peer]:
    with peer() as server:
        yield server


@pytest.fixture
def url(pager, control, telemetry, tmp_path: Path) -> Iterator[str]:
    """The API of a service with one policy, whose pager is `pager`."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "billing.yaml").write_text(POLICY)
    variables = Variables({}, {"PAGER": f"{pager.url}/s3cret"}, tmp_path)
    running = AlertsService(
        control,
        policy.load([tmp_path / "policies"], variables),
        FixedClock(NOON),
        briefing=lambda incident: Briefing(title=incident.journey),
        links=lambda _: {},
    )
    with (
        services(telemetry, tmp_path) as given,
        served(create_api(replace(given, alerts=running, audit=control.audit))) as address,
    ):
        yield address
    running.close()


def test_the_test_arrives_and_says_that_it_is_one_and_is_in_the_audit(url, pager, control):
    answer = httpx.post(f"{url}/api/v1/receivers/billing/pager/test", json={"actor": "night shift"})
    assert answer.json() == {
        "receiver": "billing/pager",
        "delivered": True,
        "failure": "",
        "passing": False,
    }
    (request,) = pager.received
    assert (request.json["kind"], request.path) == ("test", "/s3cret")
    assert "nothing is the matter" in request.json["what"]
    told = control.audit.latest(1)[0]
    assert (told.who, told.what, told.detail["receiver"]) == (
        "night shift",
        "receiver.tested",
        "billing/pager",
    )


def test_receivers_are_listed_with_what_they_lack_and_no_secret(url):
    answer = httpx.get(f"{url}/api/v1/receivers")
    names = {one["name"]: one for one in answer.json()["items"]}
    assert list(names) == ["billing/book", "billing/lost", "billing/pager"]
    assert names["billing/lost"]["lacks"] == ["file:nowhere"]
    assert names["billing/pager"] == {
        "name": "billing/pager",
        "type": "webhook",
        "limit": 20,
        "per_seconds": 60.0,
        "fallback": ["billing/book"],
        "lacks": [],
        "delivered_at": None,
        "waiting": 0,
        "failure": "",
    }
    assert "s3cret" not in answer.text


def test_the_command_says_what_went_wrong_and_whether_it_may_pass(url, pager, capsys):
    command = ["alerts", "test", "--api", url]
    assert main([*command, "billing/pager"]) == 0
    assert "billing/pager took a test message" in capsys.readouterr().out
    for status, hint in ((503, "it may pass"), (404, "trying again will not help")):
        pager.usual = (status, {}, {})
        assert main([*command, "billing/pager"]) == 1
        assert f"status {status}; {hint}" in capsys.readouterr().err
    assert main([*command, "billing/nobody"]) == 1
    assert "no receiver is known as 'billing/nobody'" in capsys.readouterr().err


def test_the_command_lists_receivers(url, capsys):
    assert main(["alerts", "test", "--api", url]) == 0
    printed = capsys.readouterr().out
    for said in ("billing/pager", "webhook", "20 in 60 s", "left out: set file:nowhere"):
        assert said in " ".join(printed.split())
    assert main(["alerts", "test", "--api", url, "--json"]) == 0
    assert '"billing/lost"' in capsys.readouterr().out


def test_a_test_keeps_to_the_published_schema():
    schema = definitions.schema(Path(alerts.__file__).with_name("notification.schema.json"))
    sent = trial("billing/pager", "night shift", NOON)
    Draft202012Validator(schema).validate(dict(sent.payload))
    assert sent.payload["incident"] != trial("billing/pager", "", NOON).payload["incident"]
