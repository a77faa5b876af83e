"""ServiceNow: a record per incident through the Table API.

Source: docs.servicenow.com, REST API reference, Table API (/api/now/table/{tableName}).
"""

from __future__ import annotations

from typing import Any

from alerts.receivers import Outcome
from alerts.receivers.http import Failed, HttpClient
from alerts.receivers.options import ServiceNowOptions
from alerts.receivers.tickets import NO_TICKET, OWN_TICKET, subject
from alerts.receivers.wording import message, short
from threadline.model.incidents import Notification

_URGENCY = {"warning": "3", "breach": "2", "failure": "1"}
_LONGEST_SHORT = 160  # characters of short_description, as shipped
_LONGEST_TEXT = 4000
_MISSING = 404


class ServiceNowReceiver:
    """Pages open a record, what follows are work notes in it, what is over resolves it.

    The reference is its sys_id. Its correlation_id is our incident: a page that may have been
    delivered before is looked for by that first.
    """

    def __init__(self, options: ServiceNowOptions, http: HttpClient) -> None:
        self._options, self._http = options, http
        self._table = f"{options.url.rstrip('/')}/api/now/table/{options.table}"

    def deliver(self, notification: Notification) -> Outcome:
        return self._http.attempt(lambda: self._told(notification))

    def close(self) -> None:
        self._http.close()

    def _told(self, notification: Notification) -> Outcome:
        payload = notification.payload
        if payload["kind"] in OWN_TICKET:
            return self._opened(notification)
        record = notification.reference or (self._found(notification) if payload["repeat"] else "")
        if record:
            try:
                self._ask("PATCH", f"/{record}", self._news(notification))
                return Outcome(delivered=True, reference=record)
            except Failed as failed:
                if failed.status != _MISSING or payload["kind"] != "page":
                    raise
        return self._opened(notification) if payload["kind"] == "page" else NO_TICKET

    def _opened(self, notification: Notification) -> Outcome:
        payload = notification.payload
        said = message(payload)
        record = {
            "short_description": short(said.headline, _LONGEST_SHORT),
            "description": short(said.text(), _LONGEST_TEXT),
            "urgency": _URGENCY[payload["severity"]],
            "impact": _URGENCY[payload["severity"]],
            "correlation_id": short(subject(payload), 100),
            "correlation_display": "Threadline",
            **self._options.fields,
        }
        opened = self._ask("POST", "", record)
        reference = "" if payload["kind"] in OWN_TICKET else str(opened.get("sys_id", ""))
        return Outcome(delivered=True, reference=reference)

    def _news(self, notification: Notification) -> dict[str, str]:
        text = short(message(notification.payload).text(), _LONGEST_TEXT)
        if notification.payload["kind"] != "resolved" or not self._options.resolve:
            return {"work_notes": text}
        return {**self._options.resolve, "work_notes": text, "close_notes": text}

    def _found(self, notification: Notification) -> str:
        query = f"correlation_id={short(subject(notification.payload), 100)}^active=true"
        answer = self._http.request(
            "GET",
            self._table,
            params={"sysparm_query": query, "sysparm_fields": "sys_id", "sysparm_limit": "1"},
            auth=(self._options.user, self._options.password),
        ).json
        results = answer.get("result") if isinstance(answer, dict) else None
        return str(results[0].get("sys_id", "")) if results else ""

    def _ask(self, method: str, path: str, record: dict[str, str]) -> dict[str, Any]:
        answer = self._http.request(
            method,
            f"{self._table}{path}",
            json=record,
            params={"sysparm_fields": "sys_id,number"},
            headers={"Accept": "application/json"},
            auth=(self._options.user, self._options.password),
        ).json
        result = answer.get("result") if isinstance(answer, dict) else None
        if not isinstance(result, dict):
            # A proxy's or a sleeping instance's page, with status 200.
            raise Failed(Outcome(delivered=False, reason="no record in the answer", retry=True))
        return result
