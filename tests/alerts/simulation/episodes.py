"""Runs of escalation, told from how an incident was stored: slow and by the rules of the docs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from alerts.escalation import Escalation, EscalationStep
from simulation.ledger import Version

_GRAVITY = ("warning", "breach", "failure")


@dataclass(frozen=True, kw_only=True)
class Episode:
    """One run of escalation: it began with `version`; its steps count from `start`."""

    version: Version
    why: str
    start: datetime


def of(trace: Sequence[Version], policy: Escalation) -> list[Episode]:
    """All episodes of an incident, in order."""
    found: list[Episode] = []
    back: list[datetime] = []
    before: Version | None = None
    for version in trace:
        why = _begins(before, version, policy)
        if why:
            start = version.decided
            if why == "reopened":
                back = [at for at in back if start - at < policy.flapping] + [start]
                start += policy.steady if len(back) >= policy.flaps else 0 * policy.steady
            found.append(Episode(version=version, why=why, start=start))
        before = version
    return found


def concerns(step: EscalationStep, incident: Version) -> bool:
    """Whether a step is for an incident like this."""
    if step.criticality and incident.criticality not in step.criticality:
        return False
    if step.reach is None:
        return True
    worth = incident.worth or {incident.currency: incident.value or "0"}
    return (
        (step.reach.cases is not None and incident.cases >= step.reach.cases)
        or (step.reach.breached is not None and incident.breached >= step.reach.breached)
        or any(Decimal(worth.get(unit, 0)) >= least for unit, least in step.reach.worth.items())
    )


def _begins(before: Version | None, now: Version, policy: Escalation) -> str:
    """Why an episode begins with `now`; empty: it does not."""
    if now.state != "open":
        return ""
    if before is None:
        return "opened"
    if not before.live:
        return "" if _was_never_away(before, now, policy) else _anew(before)
    if before.state == "acknowledged":
        return "lapsed"
    graver = _GRAVITY.index(now.severity) > _GRAVITY.index(before.severity)
    return "raised" if graver and not before.part_of else ""


def _anew(before: Version) -> str:
    return "opened" if before.state == "recorded" else "reopened"


def _was_never_away(before: Version, now: Version, policy: Escalation) -> bool:
    if before.reason == "merged":
        return True
    if now.promise.startswith("hop:"):
        by_hand = before.reason == "closed-by-hand"
        return not by_hand and now.decided - before.resolved_at <= policy.grace
    if now.promise.startswith("failed:"):
        return now.since == before.since
    return (now.deadline, now.severity) == (before.deadline, before.severity)
