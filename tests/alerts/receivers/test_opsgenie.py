"""Opsgenie: an incident is one alert there, known by its alias."""

from __future__ import annotations

import pytest
from notifications import STORM, notification
from recording_peer import Peer, peer
from vendor_schemas import opsgenie

ACCEPTED = (202, {"result": "Request will be processed", "took": 0.1, "requestId": "r"}, {})


@pytest.fixture
def alerts():
    with peer(usual=ACCEPTED, schemas=opsgenie("inc-7")) as server:
        yield server


@pytest.fixture
def pager(alerts: Peer, receiver):
    return receiver("opsgenie", url=alerts.url, api_key="k3y", teams=("billing-primary",))


def test_an_incident_is_created_noted_acknowledged_and_closed_by_its_alias(pager, alerts):
    for kind, state in [
        ("page", "open"),
        ("update", "open"),
        ("update", "acknowledged"),
        ("resolved", "resolved"),
    ]:
        assert pager.deliver(notification(kind, state=state)).delivered
    assert [one.path.removeprefix("/v2/alerts") for one in alerts.received] == [
        "",
        "/inc-7/notes",
        "/inc-7/acknowledge",
        "/inc-7/close",
    ]
    assert {one.query.get("identifierType") for one in alerts.received[1:]} == {"alias"}
    assert {one.headers["authorization"] for one in alerts.received} == {"GenieKey k3y"}
    created = alerts.received[0].json
    assert (created["alias"], created["priority"]) == ("inc-7", "P2")
    assert created["responders"] == [{"type": "team", "name": "billing-primary"}]
    assert created["details"]["Owner"] == "integration-operations"


def test_what_is_too_long_is_cut_not_refused(pager, alerts):
    told = STORM | {"what": "ü" * 5000, "error": "x" * 20_000, "system": "s" * 1000}
    assert pager.deliver(notification(**told)).delivered
    created = alerts.received[0].json
    assert created["message"].endswith("…")
    # docs.opsgenie.com/docs/alert-api: details have 8,000 characters in total.
    assert sum(len(name) + len(value) for name, value in created["details"].items()) <= 8000


def test_a_test_is_an_alert_of_its_own(pager, alerts):
    assert pager.deliver(notification("test")).delivered
    (test,) = [one.json for one in alerts.received]
    assert (test["alias"] != "inc-7", test["priority"]) == (True, "P5")


def test_jira_service_management_takes_the_same_at_its_own_address(alerts, receiver):
    alerts.schemas = {
        f"POST /jsm/ops/integration{path[5:]}": one for path, one in alerts.schemas.items()
    }
    pager = receiver("opsgenie", url=f"{alerts.url}/jsm/ops/integration", api_key="k3y")
    for kind in ("page", "update", "resolved"):
        assert pager.deliver(notification(kind)).delivered
