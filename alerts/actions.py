"""What evaluating decides about an incident."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from threadline.model.incidents import CaseKey, Incident

CLOSED_BY_HAND = "closed-by-hand"
MERGED = "merged"
RETURNED = "returned"
REOPENED = "reopened"
FOLDED = "folded"
PARTED = "parted"
NO_RULE = "no-rule"
GRAVITY = ("warning", "breach", "failure")


@dataclass(frozen=True, kw_only=True)
class Action:
    """What becomes of an incident, and the named reason; `page` starts its escalation.

    `hanging` are the cases that belong to it from now on; None leaves them.
    """

    incident: Incident
    reason: str
    page: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)
    hanging: frozenset[CaseKey] | None = None


def resolve(incident: Incident, reason: str, now: datetime, **detail: Any) -> Action:
    """It is over; what escalation had come to is kept, in case it returns."""
    resolved = replace(
        incident,
        state="resolved",
        reason=reason,
        resolved_at=now,
        # A merged incident never pages again, not even when its case is parted off.
        escalate_at=None if reason == MERGED else incident.escalate_at,
        part_of="",
        version=incident.version + 1,
    )
    return Action(incident=resolved, reason=reason, detail=detail)


def returned(fresh: Incident) -> Action:
    """It had not gone, or never should have: it is as it was, and nobody is paged anew."""
    state: Any = "acknowledged" if fresh.acknowledged_at else "open"
    back = replace(fresh, state=state, reason=RETURNED, resolved_at=None)
    return Action(incident=back, reason=RETURNED, detail={"after": fresh.reason})


def changes(incident: Incident, standing: Mapping[str, Any]) -> dict[str, str]:
    """What `standing` says otherwise, in words."""
    return {
        name: str(value) for name, value in standing.items() if getattr(incident, name) != value
    }


def handed_over(fresh: Incident, changed: Mapping[str, str]) -> bool:
    """Whether it is another policy's now, and what was told was told to others.

    One that is part of a whole is told when it leaves that.
    """
    told = bool(fresh.told_steps or fresh.rounds)
    return told and "policy" in changed and fresh.state == "open"
