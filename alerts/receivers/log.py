"""The service's own log as a receiver: always there, if only for the record."""

from __future__ import annotations

import logging

from alerts.receivers import DELIVERED, Outcome
from threadline.model.incidents import Notification

_log = logging.getLogger("threadline.pages")


class LogReceiver:
    """One line for every notification: a warning as one, breaches and failures as errors."""

    def deliver(self, notification: Notification) -> Outcome:
        told = notification.payload
        level = logging.WARNING if told["severity"] == "warning" else logging.ERROR
        _log.log(
            level,
            "%s (incident %s, %s, step %d of its escalation; owner: %s; next: %s)",
            told["what"],
            told["incident"],
            told["reason"],
            told["escalation_step"],
            told["owner"] or "none named",
            (told["next_moves"] or ["none named"])[0],
        )
        return DELIVERED

    def close(self) -> None:
        """Nothing is held."""
