"""Jira: an issue per incident, through REST API 2, which Cloud and Data Center both have.

Sources: developer.atlassian.com/cloud/jira/platform/rest/v2,
developer.atlassian.com/server/jira/platform/jira-rest-api-examples,
jira.atlassian.com/browse/JRACLOUD-69262 (429, and some 5xx, come with Retry-After).
"""

from __future__ import annotations

import re
from typing import Any

from alerts.receivers import Outcome
from alerts.receivers.http import Failed, HttpClient
from alerts.receivers.options import JiraOptions
from alerts.receivers.tickets import NO_TICKET, subject
from alerts.receivers.wording import message, short, text_within
from threadline.model.incidents import Notification

_LONGEST_SUMMARY = 255  # characters
_LONGEST_TEXT = 32_000  # Jira's own bound is 32,767
_MISSING = 404
_KEY = re.compile(r"[A-Z][A-Z0-9_]*-\d+")
_MARKUP = re.compile(r"([\\{\[!|])")  # begins links, mentions, pictures, macros
_LABEL = re.compile(r"[^A-Za-z0-9_-]+")


class JiraReceiver:
    """Pages open an issue, what follows are comments; what is over goes through a transition.

    The reference is the issue's key. A page that may have been delivered before is looked for by
    a label that names our incident; Cloud may take some seconds until it finds a new issue. An
    issue that is done gets no page: nobody looks there any more.
    """

    def __init__(self, options: JiraOptions, http: HttpClient) -> None:
        self._options, self._http = options, http
        self._api = f"{options.url.rstrip('/')}/rest/api/2"

    def deliver(self, notification: Notification) -> Outcome:
        return self._http.attempt(lambda: self._told(notification))

    def close(self) -> None:
        self._http.close()

    def _told(self, notification: Notification) -> Outcome:
        payload = notification.payload
        if payload["kind"] == "test":
            return self._opened(notification)
        page = payload["kind"] == "page"
        issue = notification.reference or (self._found(notification) if payload["repeat"] else "")
        if issue and not (page and self._over(issue)):
            return self._continued(issue, notification)
        return self._opened(notification) if page else NO_TICKET

    def _opened(self, notification: Notification) -> Outcome:
        said = message(notification.payload)
        fields = {
            "project": {"key": self._options.project},
            "issuetype": {"name": self._options.issue_type},
            "summary": short(" ".join(said.headline.split()), _LONGEST_SUMMARY),
            "description": text_within(said, _LONGEST_TEXT, _escaped),
            "labels": ["threadline", _label(notification)],
            **self._options.fields,
        }
        opened = self._ask("POST", "/issue", {"fields": fields}).json
        key = str(opened.get("key", "")) if isinstance(opened, dict) else ""
        if not _KEY.fullmatch(key):
            raise Failed(Outcome(delivered=False, reason="no issue in the answer", retry=True))
        return Outcome(
            delivered=True, reference="" if notification.payload["kind"] == "test" else key
        )

    def _continued(self, issue: str, notification: Notification) -> Outcome:
        text = text_within(message(notification.payload), _LONGEST_TEXT, _escaped)
        self._ask("POST", f"/issue/{issue}/comment", {"body": text})
        if notification.payload["kind"] == "resolved" and self._options.resolve_transition:
            self._resolve(issue)
        return Outcome(delivered=True, reference=issue)

    def _over(self, issue: str) -> bool:
        """Whether it is gone, or in a status of the category `done`, however that is called."""
        try:
            found = self._ask("GET", f"/issue/{issue}", params={"fields": "status"}).json
        except Failed as failed:
            if failed.status != _MISSING:
                raise
            return True
        status = found.get("fields", {}).get("status", {}) if isinstance(found, dict) else {}
        return bool(status.get("statusCategory", {}).get("key") == "done")

    def _resolve(self, issue: str) -> None:
        """Go through the transition where it is offered: somebody may have before."""
        offered = self._ask("GET", f"/issue/{issue}/transitions").json
        wanted = self._options.resolve_transition.casefold()
        for transition in offered.get("transitions", ()) if isinstance(offered, dict) else ():
            if str(transition.get("name", "")).casefold() == wanted:
                chosen = {"transition": {"id": transition["id"]}}
                self._ask("POST", f"/issue/{issue}/transitions", chosen)
                return

    def _found(self, notification: Notification) -> str:
        params = {
            "jql": f'project = "{self._options.project}" AND labels = "{_label(notification)}"'
            " ORDER BY created DESC",
            "fields": "key",
            "maxResults": "1",
        }
        try:
            found = self._ask("GET", "/search/jql", params=params).json
        except Failed as failed:  # Data Center has the older one alone, Cloud the newer
            if failed.status != _MISSING:
                raise
            found = self._ask("GET", "/search", params=params).json
        issues = found.get("issues") if isinstance(found, dict) else None
        return str(issues[0].get("key", "")) if issues else ""

    def _ask(
        self,
        method: str,
        path: str,
        content: dict[str, Any] | None = None,
        params: dict[str, str] | None = None,
    ) -> Any:
        options = self._options
        return self._http.request(
            method,
            f"{self._api}{path}",
            json=content,
            params=params,
            headers={} if options.user else {"Authorization": f"Bearer {options.token}"},
            auth=(options.user, options.token) if options.user else None,
        )


def _label(notification: Notification) -> str:
    return f"threadline-{_LABEL.sub('-', subject(notification.payload))}"[:255]


def _escaped(text: str) -> str:
    """Strangers' words are no markup."""
    return _MARKUP.sub(r"\\\1", text)
