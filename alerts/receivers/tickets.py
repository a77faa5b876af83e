"""Which notification gets a ticket, and what it is known by there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerts.receivers import Outcome

# These tell of no single incident: each gets a ticket of its own, which nothing refers to later.
OWN_TICKET = ("digest", "test")

NO_TICKET = Outcome(delivered=False, reason="no ticket of this incident is known")


def subject(payload: Mapping[str, Any]) -> str:
    """What a ticket is known by on the other side: the incident, or the message itself."""
    return str(payload["id"] if payload["kind"] in OWN_TICKET else payload["incident"])
