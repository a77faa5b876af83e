"""Who is told next about an incident: a pure function of the incident, its policy and the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from alerts.policy import EscalationStep
from threadline.model.incidents import Incident

Reason = Literal["due", "not-yet", "exhausted", "acknowledged", "resolved", "recorded"]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The numbers (from 1) of the steps to tell now, why, and the incident once they are told."""

    reason: Reason
    steps: tuple[int, ...]
    incident: Incident


def begin(incident: Incident, at: datetime) -> Incident:
    """The incident at the start of a new episode: nobody has been told yet."""
    return replace(
        incident,
        episode=incident.episode + 1,
        escalation_from=at,
        steps_notified=0,
        escalate_at=at,
    )


def decide(incident: Incident, steps: Sequence[EscalationStep], now: datetime) -> Decision:
    """What is due at `now`; `incident` is unchanged but for how far it has come.

    It is told from the incident alone how far it had come, so a restart goes on where it was; steps
    that fell due in between are all told, because each has receivers of its own. Somebody's
    acknowledgement ends it.
    """
    if incident.state != "open":
        return Decision(reason=incident.state, steps=(), incident=incident)
    start = incident.escalation_from
    if start is None or incident.steps_notified >= len(steps):
        return Decision(reason="exhausted", steps=(), incident=_told(incident, steps, len(steps)))
    due = sum(1 for step in steps if start + step.after <= now)
    if due <= incident.steps_notified:
        waiting = _told(incident, steps, incident.steps_notified)
        return Decision(reason="not-yet", steps=(), incident=waiting)
    told = tuple(range(incident.steps_notified + 1, due + 1))
    return Decision(reason="due", steps=told, incident=_told(incident, steps, due))


def _told(incident: Incident, steps: Sequence[EscalationStep], count: int) -> Incident:
    start = incident.escalation_from
    following = steps[count].after if count < len(steps) else None
    escalate_at = None if start is None or following is None else start + following
    return replace(incident, steps_notified=count, escalate_at=escalate_at)
