"""PagerDuty, Events API v2: one event per notification, all of an incident under one dedup key.

Source: developer.pagerduty.com/docs/send-alert-event (fields and limits).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from alerts.receivers import DELIVERED, Outcome
from alerts.receivers.http import HttpClient
from alerts.receivers.options import PagerDutyOptions
from alerts.receivers.wording import message, short
from threadline.model.incidents import Notification

_SEVERITY = {"warning": "warning", "breach": "error", "failure": "critical"}
_LONGEST_SUMMARY = 1024  # characters
_LONGEST_KEY = 255
_LARGEST = 512 * 1024  # bytes of the whole event


class PagerDutyReceiver:
    """Pages trigger, an acknowledgement here is one there, what is over resolves."""

    def __init__(self, options: PagerDutyOptions, http: HttpClient) -> None:
        self._options, self._http = options, http

    def deliver(self, notification: Notification) -> Outcome:
        event = {"routing_key": self._options.routing_key, **_event(notification)}

        def post() -> Outcome:
            answer = self._http.request("POST", self._options.url, json=event).json
            if isinstance(answer, dict) and answer.get("status", "success") != "success":
                return Outcome(delivered=False, reason="refused: invalid event")
            return DELIVERED

        return self._http.attempt(post)

    def close(self) -> None:
        self._http.close()


def _event(notification: Notification) -> dict[str, Any]:
    payload = notification.payload
    event = {"event_action": _action(notification), "dedup_key": _dedup_key(notification)}
    if event["event_action"] != "trigger":
        return event
    links = [{"href": url, "text": label} for label, url in message(payload).links]
    trigger = event | {
        "payload": _details(notification, dict(payload)),
        "client": "Threadline",
        "client_url": payload["links"].get("incident", ""),
        "links": links,
    }
    if len(json.dumps(trigger)) > _LARGEST:
        less = {"text": short(message(payload).text(), _LARGEST // 16)}
        trigger["payload"] = _details(notification, less)
    return trigger


def _details(notification: Notification, custom: dict[str, Any]) -> dict[str, Any]:
    payload = notification.payload
    summary = payload["what"] if payload["kind"] != "test" else f"Test: {payload['what']}"
    details = {
        "summary": short(summary, _LONGEST_SUMMARY),
        "source": payload["system"] or payload["journey"] or "threadline",
        "severity": _SEVERITY[payload["severity"]] if payload["kind"] != "test" else "info",
        "timestamp": payload["since"] or payload["opened_at"],
        "component": payload["step"],
        "group": payload["journey"],
        "class": payload["about"],
        "custom_details": custom,
    }
    return {name: value for name, value in details.items() if value}


def _action(notification: Notification) -> str:
    payload = notification.payload
    if payload["kind"] == "resolved":
        return "resolve"
    if payload["kind"] == "update" and payload["state"] == "acknowledged":
        return "acknowledge"
    return "trigger"


def _dedup_key(notification: Notification) -> str:
    payload = notification.payload
    incident = payload["kind"] not in ("digest", "test")
    key: str = payload["incident"] if incident else payload["id"]
    return key if len(key) <= _LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()
