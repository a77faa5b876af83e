"""Prometheus Alertmanager, API v2: POST /api/v2/alerts to every peer of a cluster.

Source: github.com/prometheus/alertmanager, api/v2/openapi.yaml.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.receivers import Outcome
from alerts.receivers.http import Failed, HttpClient
from alerts.receivers.options import AlertmanagerOptions
from alerts.receivers.wording import message
from threadline.clock import Clock
from threadline.model.incidents import Notification

_log = logging.getLogger(__name__)

# An alert without an end is taken for over after five minutes unless it is sent again. We tell of
# an incident when something happens to it, so it lasts until we say so, or for this long.
_LASTS = timedelta(days=30)
_TEST_LASTS = timedelta(hours=1)


class AlertmanagerReceiver:
    """An incident is one alert, known by its labels; peers do not pass alerts on, so all get it.

    It is delivered once one peer has it: they tell each other what was notified. Labels may change
    with the incident (its severity); the alert under the labels told before then ends.
    """

    def __init__(self, options: AlertmanagerOptions, http: HttpClient, clock: Clock) -> None:
        self._urls = [f"{url.rstrip('/')}/api/v2/alerts" for url in options.urls]
        self._http, self._clock = http, clock

    def deliver(self, notification: Notification) -> Outcome:
        alerts = _alerts(notification, self._clock.now())
        failures = []
        for url in self._urls:
            try:
                self._http.request("POST", url, json=alerts)
            except Failed as failed:
                failures.append(failed.outcome)
        if len(failures) == len(self._urls):
            return min(failures, key=lambda outcome: not outcome.retry)
        if failures:
            reasons = ", ".join(outcome.reason for outcome in failures)
            _log.warning(
                "%d of %d Alertmanagers failed: %s", len(failures), len(self._urls), reasons
            )
        return Outcome(delivered=True, reference=_reference(notification, alerts[0]["labels"]))

    def close(self) -> None:
        self._http.close()


def _alerts(notification: Notification, now: datetime) -> list[dict[str, Any]]:
    labels, before = _labels(notification), _before(notification)
    over = notification.payload["kind"] == "resolved"
    alerts = [_alert(notification, before if over and before else labels, now, ends=over)]
    if not over and before not in (None, labels):
        alerts.append(_alert(notification, before or labels, now, ends=True))
    return alerts


def _labels(notification: Notification) -> dict[str, str]:
    payload = notification.payload
    name = "ThreadlineTest" if payload["kind"] == "test" else "ThreadlineIncident"
    labels = {name: value for name, value in payload["labels"].items() if value}
    return labels | {
        "alertname": name,
        "incident": payload["incident"],
        "severity": payload["severity"],
    }


def _reference(notification: Notification, labels: dict[str, str]) -> str:
    """What is remembered of an incident; a test tells of none."""
    test = notification.payload["kind"] == "test"
    return "" if test else json.dumps(labels, sort_keys=True)


def _before(notification: Notification) -> dict[str, str] | None:
    labels: dict[str, str] | None = None
    if notification.reference and notification.payload["kind"] != "test":
        labels = json.loads(notification.reference)
    return labels


def _alert(
    notification: Notification, labels: dict[str, str], now: datetime, *, ends: bool
) -> dict[str, Any]:
    payload = notification.payload
    said = message(payload)
    lasts = _TEST_LASTS if payload["kind"] == "test" else _LASTS
    opened = min(datetime.fromisoformat(payload["opened_at"] or now.isoformat()), now)
    facts = {label.lower().replace(" ", "_"): value for label, value in said.facts}
    links = {f"{label.lower()}_url": url for label, url in said.links}
    alert = {
        "labels": labels,
        "annotations": {
            "summary": payload["what"],
            "description": said.text(),
            "next_moves": "\n".join(said.moves),
            **facts,
            **links,
        },
        "startsAt": _rfc3339(opened),
        "endsAt": _rfc3339(now if ends else now + lasts),
        "generatorURL": payload["links"].get("incident", ""),
    }
    return {name: value for name, value in alert.items() if value}


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
