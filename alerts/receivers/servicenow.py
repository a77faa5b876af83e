"""ServiceNow: a record per incident through the Table API.

Sources, in github.com/ServiceNow/ServiceNowDocs under markdown/api-reference: rest-apis/
c_TableAPI.md; rest-api-explorer/r_RESTAPIHTTPResponseCodes.md and inbound-REST-API-rate-limiting.md
(429 and Retry-After).
"""

from __future__ import annotations

from typing import Any

from alerts.receivers import Outcome
from alerts.receivers.http import Failed, HttpClient
from alerts.receivers.options import ServiceNowOptions
from alerts.receivers.tickets import NO_TICKET, subject
from alerts.receivers.wording import message, short, text_within
from threadline.model.incidents import Notification

_URGENCY = {"warning": "3", "breach": "2", "failure": "1"}
_LONGEST_SHORT = 160  # characters of short_description, as shipped
_LONGEST_TEXT = 4000
_LONGEST_CORRELATION = 100
_MISSING = 404


class ServiceNowReceiver:
    """Pages open a record, what follows are work notes in it, what is over resolves it.

    The reference is its sys_id. Its correlation_id is our incident: a page that may have been
    delivered before is looked for by that first. A record that is resolved or closed gets no page:
    nobody looks there any more.
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
        if payload["kind"] == "test":
            return self._opened(notification)
        page = payload["kind"] == "page"
        record = notification.reference or (self._found(notification) if payload["repeat"] else "")
        if record and not (page and self._over(record)):
            self._record("PATCH", f"/{record}", self._news(notification))
            return Outcome(delivered=True, reference=record)
        return self._opened(notification) if page else NO_TICKET

    def _opened(self, notification: Notification) -> Outcome:
        payload = notification.payload
        said = message(payload)
        record = {
            "short_description": short(said.headline, _LONGEST_SHORT),
            "description": text_within(said, _LONGEST_TEXT),
            "urgency": _URGENCY[payload["severity"]],
            "impact": _URGENCY[payload["severity"]],
            "correlation_id": short(subject(payload), _LONGEST_CORRELATION),
            "correlation_display": "Threadline",
            **self._options.fields,
        }
        opened = self._record("POST", "", record)
        reference = "" if payload["kind"] == "test" else str(opened.get("sys_id", ""))
        return Outcome(delivered=True, reference=reference)

    def _news(self, notification: Notification) -> dict[str, str]:
        text = text_within(message(notification.payload), _LONGEST_TEXT)
        if notification.payload["kind"] != "resolved" or not self._options.resolve:
            return {"work_notes": text}
        return {**self._options.resolve, "work_notes": text, "close_notes": text}

    def _found(self, notification: Notification) -> str:
        """The newest record of ours; '' for none.

        A condition on a field that the table does not have is ignored, not refused: what comes back
        may be anybody's.
        """
        ours = short(subject(notification.payload), _LONGEST_CORRELATION)
        query = f"correlation_id={ours}^active=true^ORDERBYDESCsys_created_on"
        results = self._ask("GET", "", params={"sysparm_query": query, "sysparm_limit": "1"})
        found = results[0] if isinstance(results, list) and results else {}
        return str(found.get("sys_id", "")) if found.get("correlation_id") == ours else ""

    def _over(self, record: str) -> bool:
        try:
            found = self._record("GET", f"/{record}")
        except Failed as failed:
            if failed.status != _MISSING:
                raise
            return True
        state, resolved = found.get("state"), self._options.resolve.get("state")
        return found.get("active") == "false" or (bool(resolved) and state == resolved)

    def _record(
        self, method: str, path: str, content: dict[str, str] | None = None
    ) -> dict[str, Any]:
        result = self._ask(method, path, content)
        if not isinstance(result, dict):
            # A proxy's or a sleeping instance's page, with status 200.
            raise Failed(Outcome(delivered=False, reason="no record in the answer", retry=True))
        return result

    def _ask(
        self,
        method: str,
        path: str,
        content: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
    ) -> Any:
        answer = self._http.request(
            method,
            f"{self._table}{path}",
            json=content,
            params={"sysparm_fields": "sys_id,correlation_id,active,state", **(params or {})},
            headers={"Accept": "application/json"},
            auth=(self._options.user, self._options.password),
        ).json
        return answer.get("result") if isinstance(answer, dict) else None
