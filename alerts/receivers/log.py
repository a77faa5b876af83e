"""The service's own log as a receiver: always there, if only for the record."""

from __future__ import annotations

import logging

from alerts.receivers import DELIVERED, Outcome
from alerts.receivers.wording import Payload, headline
from threadline.model.incidents import Notification

_log = logging.getLogger("threadline.pages")


class LogReceiver:
    """One line for every notification: warnings as such, breaches and failures as errors, news of
    what was told before as information.
    """

    def deliver(self, notification: Notification) -> Outcome:
        told = notification.payload
        _log.log(
            _level(told),
            "%s (incident %s, %s; owner: %s; next: %s)",
            headline(told),
            told["incident"],
            _why(told),
            told["owner"] or "none named",
            (told["next_moves"] or ["none named"])[0],
        )
        return DELIVERED

    def close(self) -> None:
        """Nothing is held."""


def _why(told: Payload) -> str:
    """The reason, and of a page which step of the escalation it is."""
    step = told["escalation_step"]
    return f"{told['reason']}, step {step} of its escalation" if step else str(told["reason"])


def _level(told: Payload) -> int:
    if told["kind"] in ("update", "resolved", "test"):
        return logging.INFO
    return logging.WARNING if told["severity"] == "warning" else logging.ERROR
