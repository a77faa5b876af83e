"""Debian's own Alertmanager takes our alerts, groups them by label and sees them resolved."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import alertmanager_process
import httpx
import pytest
import yaml
from jsonschema import Draft4Validator, FormatChecker
from notifications import STORM, notification
from recording_peer import peer

from alerts.receivers.building import build
from alerts.receivers.declared import ReceiverDefinition
from alerts.receivers.options import AlertmanagerOptions
from threadline.clock import SystemClock

SPECIFICATION = Path(__file__).parents[4] / "shared" / "data" / "alertmanager" / "openapi.yaml"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    if alertmanager_process.PROGRAM is None:
        pytest.skip("prometheus-alertmanager is not installed")
    with alertmanager_process.alertmanager(tmp_path_factory.mktemp("alertmanager")) as running:
        yield running


def told(*urls: str, **notified: Any):
    """The outcome of one notification, by the clock Alertmanager goes by."""
    definition = ReceiverDefinition(
        name="default/alertmanager",
        options=AlertmanagerOptions(urls=urls),
        timeout=timedelta(seconds=10),
    )
    sender = build(definition, SystemClock())
    try:
        return sender.deliver(notification(**notified))
    finally:
        sender.close()


def firing(url: str, incident: str) -> list[dict[str, Any]]:
    found = httpx.get(f"{url}/api/v2/alerts", params={"filter": f'incident="{incident}"'}).json()
    return [alert for alert in found if alert["status"]["state"] == "active"]


def test_an_incident_fires_until_it_is_resolved(url):
    opened = told(url, incident="inc-1")
    assert opened.delivered
    (alert,) = firing(url, "inc-1")
    assert alert["labels"] == {
        "alertname": "ThreadlineIncident",
        "incident": "inc-1",
        "severity": "breach",
        "journey": "contract-activation",
        "step": "erp-project",
        "criticality": "revenue",
        "policy": "default",
        "about": "case",
        "rule": "case-deadline",
        "contract": "C-1",
    }
    assert alert["annotations"]["summary"].startswith("C-1: Contract activation")
    assert alert["annotations"]["runbook_url"] == "https://runbooks.example/erp-project"
    assert alert["generatorURL"] == "https://threadline.example/on-call?incident=inc-7"
    assert told(url, kind="resolved", incident="inc-1", reference=opened.reference).delivered
    assert firing(url, "inc-1") == []


def test_an_incident_that_gets_worse_is_still_one_alert(url):
    warned = told(url, incident="inc-2", severity="warning")
    worse = told(url, incident="inc-2", severity="breach", reference=warned.reference)
    assert [alert["labels"]["severity"] for alert in firing(url, "inc-2")] == ["breach"]
    over = told(
        url, kind="resolved", incident="inc-2", severity="breach", reference=worse.reference
    )
    assert over.delivered
    assert firing(url, "inc-2") == []


def test_a_resolution_ends_what_was_told_even_where_labels_have_changed_since(url):
    opened = told(url, incident="inc-3", severity="warning")
    told(url, kind="resolved", incident="inc-3", severity="breach", reference=opened.reference)
    assert firing(url, "inc-3") == []


def test_alerts_are_grouped_by_the_labels_the_operator_chose(url):
    labels = notification(**STORM).payload["labels"] | {"system": "billing"}
    for number in range(3):
        told(url, incident=f"inc-4-{number}", **(STORM | {"labels": labels}))
    groups = httpx.get(f"{url}/api/v2/alerts/groups").json()
    (group,) = [one for one in groups if one["labels"].get("system") == "billing"]
    assert group["labels"] == {"severity": "failure", "system": "billing"}
    assert len(group["alerts"]) == 3


def test_a_peer_that_is_down_holds_up_nobody_and_is_said(url, caplog):
    caplog.set_level(logging.WARNING)
    with peer(usual=(503, {}, {})) as broken:
        outcome = told(broken.url, url, incident="inc-5")
        assert outcome.delivered
        assert len(firing(url, "inc-5")) == 1
        assert "1 of 2 Alertmanagers failed: status 503" in caplog.text
        assert told(broken.url).reason == "status 503"


def test_what_is_sent_keeps_to_the_published_specification():
    if not SPECIFICATION.exists():
        pytest.skip("shared/data/alertmanager is not there")
    published = yaml.safe_load(SPECIFICATION.read_text())
    schema = {"$ref": "#/definitions/postableAlerts", "definitions": published["definitions"]}
    validator = Draft4Validator(schema, format_checker=FormatChecker())
    with peer() as server:
        for kind in ("page", "update", "resolved", "test"):
            before = json.dumps({"alertname": "ThreadlineIncident", "incident": "inc-7"})
            assert told(f"{server.url}/", kind=kind, reference=before).delivered
    for request in server.received:
        assert request.path == "/api/v2/alerts"
        validator.validate(request.json)
    page = server.received[0].json
    assert [alert["endsAt"] > alert["startsAt"] for alert in page] == [True, True]
