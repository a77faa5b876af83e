"""What a notification's ticket is known by on the other side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerts.receivers import Outcome

NO_TICKET = Outcome(delivered=False, reason="no ticket of this incident is known")


def subject(payload: Mapping[str, Any]) -> str:
    """The incident, or a test itself: that gets a ticket of its own, which nothing refers to."""
    return str(payload["id"] if payload["kind"] == "test" else payload["incident"])
