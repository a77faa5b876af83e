"""PagerDuty, Events API v2: one event per notification, all of an incident under one dedup key.

Sources: github.com/PagerDuty/developer-docs, docs/events-API-v2: 02-Trigger-Events.md (fields and
their lengths), 01-Overview.md (512 KB, which answers are worth another try), 05-Rate-Limits.md.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from alerts.receivers import DELIVERED, Outcome
from alerts.receivers.http import HttpClient
from alerts.receivers.options import PagerDutyOptions
from alerts.receivers.wording import Message, Payload, fitted, message, short
from threadline.model.incidents import Notification

_SEVERITY = {"warning": "warning", "breach": "error", "failure": "critical"}
_LONGEST_FIELD = 1024  # characters of the summary; of the other fields nothing is said
_LONGEST_KEY = 255
_LARGEST = 500_000  # bytes of the whole event; 512 KB are allowed, whichever kind of KB that is


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
    event = {"event_action": _action(notification), "dedup_key": _dedup_key(notification)}
    if event["event_action"] != "trigger":
        return event
    payload, said = notification.payload, message(notification.payload)
    links = [{"href": url, "text": label} for label, url in said.links]
    trigger = event | {"client": "Threadline", "links": links}
    if incident := dict(said.links).get("Incident"):
        trigger["client_url"] = incident

    def fits(one: Message) -> bool:
        whole = trigger | {"payload": _details(payload, one)}
        return len(json.dumps(whole)) <= _LARGEST

    return trigger | {"payload": _details(payload, fitted(said, fits))}


def _details(payload: Payload, said: Message) -> dict[str, Any]:
    test = payload["kind"] == "test"
    words = {
        "summary": f"Test: {payload['what']}" if test else payload["what"],
        "source": payload["system"] or payload["journey"] or "threadline",
        "timestamp": payload["since"] or payload["opened_at"],
        "component": payload["step"],
        "group": payload["journey"],
        "class": payload["about"],
    }
    return {name: short(value, _LONGEST_FIELD) for name, value in words.items() if value} | {
        "severity": "info" if test else _SEVERITY[payload["severity"]],
        "custom_details": _custom(payload, said),
    }


def _custom(payload: Payload, said: Message) -> dict[str, Any]:
    """A table that whoever is paged reads from the top; event rules may go by its `labels`."""
    table = {
        **dict(said.facts),
        "Next": [f"{number}. {move}" for number, move in enumerate(said.moves, 1)],
        "labels": {name: value for name, value in payload["labels"].items() if value},
    }
    return {name: value for name, value in table.items() if value}


def _action(notification: Notification) -> str:
    payload = notification.payload
    if payload["kind"] == "resolved":
        return "resolve"
    if payload["kind"] == "update" and payload["state"] == "acknowledged":
        return "acknowledge"
    return "trigger"


def _dedup_key(notification: Notification) -> str:
    payload = notification.payload
    key: str = payload["id"] if payload["kind"] == "test" else payload["incident"]
    return key if len(key) <= _LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()
