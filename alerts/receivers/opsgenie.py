"""Opsgenie, Alert API v2: one alert per incident, known by its alias.

Jira Service Management takes the same requests at another address. Sources: docs.opsgenie.com/docs/
alert-api (fields and limits) and response (which answers are final); developer.atlassian.com/cloud/
jira/service-desk-ops/rest/v1/api-group-integration-events.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from alerts.receivers import DELIVERED, Outcome
from alerts.receivers.http import HttpClient
from alerts.receivers.options import OpsgenieOptions
from alerts.receivers.wording import message, short, text_within
from threadline.model.incidents import Notification

_PRIORITY = {"warning": "P3", "breach": "P2", "failure": "P1"}
_LONGEST = {"message": 130, "description": 15_000, "alias": 512, "entity": 512, "source": 100}
_LONGEST_DETAILS = 8_000  # characters of all names and values
_LONGEST_NOTE = 25_000


class OpsgenieReceiver:
    """Pages create the alert or count it once more, updates are notes, what is over closes it."""

    def __init__(self, options: OpsgenieOptions, http: HttpClient) -> None:
        self._url, self._teams, self._http = options.url.rstrip("/"), options.teams, http
        self._headers = {"Authorization": f"GenieKey {options.api_key}"}

    def deliver(self, notification: Notification) -> Outcome:
        def post() -> Outcome:
            path, content = self._asked(notification)
            self._http.request(
                "POST", f"{self._url}/v2/alerts{path}", json=content, headers=self._headers
            )
            return DELIVERED

        return self._http.attempt(post)

    def close(self) -> None:
        self._http.close()

    def _asked(self, notification: Notification) -> tuple[str, dict[str, Any]]:
        payload = notification.payload
        if payload["kind"] not in ("update", "resolved"):
            return "", self._alert(notification)
        act = "close" if payload["kind"] == "resolved" else "notes"
        if act == "notes" and payload["state"] == "acknowledged":
            act = "acknowledge"
        note = text_within(message(payload), _LONGEST_NOTE)
        path = f"/{quote(_alias(notification), safe='')}/{act}?identifierType=alias"
        return path, {"source": "Threadline", "note": note}

    def _alert(self, notification: Notification) -> dict[str, Any]:
        payload = notification.payload
        said = message(payload)
        alert = {
            "message": payload["what"],
            "alias": _alias(notification),
            "description": text_within(said, _LONGEST["description"]),
            "entity": payload["system"] or payload["contract"],
            "source": "Threadline",
        }
        cut = {name: short(value, _LONGEST[name]) for name, value in alert.items() if value}
        responders = [{"type": "team", "name": team} for team in self._teams]
        return cut | {
            "priority": "P5" if payload["kind"] == "test" else _PRIORITY[payload["severity"]],
            "tags": ["threadline", payload["severity"]],
            "details": _details({**payload["labels"], **dict(said.facts), **dict(said.links)}),
            **({"responders": responders} if responders else {}),
        }


def _alias(notification: Notification) -> str:
    payload = notification.payload
    return short(
        payload["id"] if payload["kind"] == "test" else payload["incident"], _LONGEST["alias"]
    )


def _details(all_of_them: dict[str, str]) -> dict[str, str]:
    """As many as fit, the first first."""
    details: dict[str, str] = {}
    left = _LONGEST_DETAILS
    for name, value in all_of_them.items():
        left -= len(name) + len(value)
        if value and left >= 0:
            details[name] = value
    return details
