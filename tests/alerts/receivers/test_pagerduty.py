"""PagerDuty: an incident is one alert there, triggered, acknowledged and resolved."""

from __future__ import annotations

import json

import pytest
from notifications import STORM, notification
from recording_peer import Peer, peer
from vendor_schemas import PAGERDUTY

ACCEPTED = (202, {"status": "success", "message": "Event processed", "dedup_key": "inc-7"}, {})


@pytest.fixture
def events():
    with peer(usual=ACCEPTED, schemas=PAGERDUTY) as server:
        yield server


@pytest.fixture
def pager(events: Peer, receiver):
    return receiver("pagerduty", url=f"{events.url}/v2/enqueue", routing_key="k" * 32)


def test_an_incident_is_triggered_acknowledged_and_resolved_under_one_key(pager, events):
    for kind, state in [
        ("page", "open"),
        ("update", "open"),
        ("update", "acknowledged"),
        ("resolved", "resolved"),
    ]:
        assert pager.deliver(notification(kind, state=state)).delivered
    sent = [(one.json["event_action"], one.json["dedup_key"]) for one in events.received]
    actions = ["trigger", "trigger", "acknowledge", "resolve"]
    assert sent == [(action, "inc-7") for action in actions]


def test_whoever_is_paged_sees_what_it_is_and_where_to_go(pager, events):
    pager.deliver(notification(**STORM))
    (sent,) = [one.json for one in events.received]
    details = sent["payload"]
    assert details["summary"].startswith("erp: 23 cases hang on")
    assert (details["severity"], details["source"], details["class"]) == ("critical", "erp", "hop")
    table = details["custom_details"]
    assert list(table)[:2] == ["How many", "How much"]
    assert table["How many"] == "23 cases, 4 of them past a deadline"
    assert table["Next"][0] == "1. replay the project request"
    assert table["labels"]["journey"] == "contract-activation"
    assert {link["text"] for link in sent["links"]} == {
        "Acknowledge",
        "Incident",
        "Contract",
        "Hop",
        "Runbook",
    }


@pytest.mark.parametrize(
    ("severity", "theirs"), [("warning", "warning"), ("breach", "error"), ("failure", "critical")]
)
def test_severities_are_theirs(severity, theirs, pager, events):
    pager.deliver(notification(severity=severity))
    assert events.received[0].json["payload"]["severity"] == theirs


def test_what_is_too_large_is_cut_not_refused(pager, events):
    pager.deliver(notification(what="ü" * 5000, error="x" * 600_000, incident="i" * 300))
    (request,) = events.received
    assert len(request.body) < 512 * 1024
    assert len(request.json["dedup_key"]) <= 255


def test_a_test_is_no_incidents_update(pager, events):
    assert pager.deliver(notification("test")).delivered
    (test,) = [one.json for one in events.received]
    assert (test["dedup_key"] != "inc-7", test["payload"]["severity"]) == (True, "info")


def test_an_error_inside_a_success_is_a_failure(pager, events):
    events.usual = (200, {"status": "invalid event", "errors": ["s3cret"]}, {})
    outcome = pager.deliver(notification())
    assert (outcome.delivered, outcome.reason, outcome.retry) == (
        False,
        "refused: invalid event",
        False,
    )
    assert json.dumps(events.received[0].json)
