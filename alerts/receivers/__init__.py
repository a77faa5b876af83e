"""Where notifications go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from threadline.model.incidents import Notification


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one attempt went. `reason` is a short name (`timeout`, `status 503`) free of secrets.

    `retry_after` is what the receiver itself asked for; `reference` is what it calls the incident
    (a ticket's key, a message to thread under). `unclear`: nothing was answered in time, or that
    something broke, so that it may have been delivered all the same.
    """

    delivered: bool
    reason: str = ""
    retry: bool = False
    retry_after: timedelta | None = None
    reference: str = ""
    unclear: bool = False


DELIVERED = Outcome(delivered=True)


class Receiver(Protocol):
    """Takes notifications; an expected failure is an `Outcome`, not an exception."""

    def deliver(self, notification: Notification) -> Outcome:
        """Hand `notification` over; returns within the receiver's own time limit."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
