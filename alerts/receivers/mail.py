"""Mail as a receiver: all that is told of one incident is one thread in the reader's mailbox."""

from __future__ import annotations

import hashlib
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from alerts.receivers import Outcome
from alerts.receivers.options import MailOptions
from alerts.receivers.smtp import Mailer
from alerts.receivers.wording import Payload, message
from threadline.model.incidents import Notification

_COLOURS = {"warning": "#b26a00", "breach": "#c62828", "failure": "#c62828"}
_OVER, _QUIET = "#2e7d32", "#1565c0"


class MailReceiver:
    """One mail to all addresses, as text and HTML with equal content."""

    def __init__(self, options: MailOptions, mailer: Mailer) -> None:
        self._to, self._mailer = options.to, mailer

    def deliver(self, notification: Notification) -> Outcome:
        payload = notification.payload
        said = message(payload)
        return self._mailer.send(
            said.headline,
            said.text(),
            _template().render(said=said, colour=_colour(payload), severity=payload["severity"]),
            to=self._to,
            headers=threaded(notification, self._mailer.domain),
        )

    def close(self) -> None:
        """Nothing is held."""


def threaded(notification: Notification, domain: str) -> dict[str, str]:
    """The same Message-ID for the same notification, and the same parent for all of an incident.

    No mail has the parent's id: so whoever comes into the escalation later has a thread too. Mail
    programs group by it all the same (RFC 5322, 3.6.4).
    """
    payload = notification.payload
    headers = {
        "Message-ID": f"<{_digest(payload['id'])}@{domain}>",
        "Auto-Submitted": "auto-generated",  # nobody's absence answers it: RFC 3834
        "X-Threadline-Incident": payload["incident"],
    }
    if payload["kind"] not in ("digest", "test"):
        parent = f"<incident.{_digest(payload['incident'])}@{domain}>"
        headers |= {"In-Reply-To": parent, "References": parent}
    if payload["severity"] != "warning" and payload["kind"] == "page":
        headers["Importance"] = "high"
    return headers


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _colour(payload: Payload) -> str:
    if payload["kind"] == "resolved":
        return _OVER
    return _QUIET if payload["kind"] in ("update", "test") else _COLOURS[payload["severity"]]


@cache
def _template() -> Template:
    loader = PackageLoader("alerts.receivers", ".")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return environment.get_template("mail.html.j2")
