"""What a receiver is told: enough to act on without opening anything else.

The payload is JSON, described by `notification.schema.json`. Instants are RFC 3339 in UTC, `value`
is a decimal as text. A receiver may get a notification twice (a crash right after delivery); `id`
is the same then. `escalated` is true from the second escalation step on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from threadline.model.identifiers import Identifier
from threadline.model.incidents import CASE_PROMISE, Briefing, Incident, Notification

Briefings = Callable[[str, str], Briefing]
Links = Callable[[Incident], Mapping[str, str]]


def compose(
    incident: Incident, *, step: int, receiver: str, at: datetime, briefing: Briefing, links: Links
) -> Notification:
    """The notification of escalation step `step` (from 1), owed since `at`."""
    reason = incident.reason if step == 1 else "escalated"
    bare = Notification(
        incident_id=incident.id,
        episode=incident.episode,
        step=step,
        receiver=receiver,
        reason=reason,
        due_at=at,
        payload={},
    )
    payload = {
        "version": 1,
        "id": bare.key,
        "reason": reason,
        "escalation_step": step,
        "escalated": step > 1,
        "what": what(incident, briefing),
        "incident": incident.id,
        "severity": incident.severity,
        "state": incident.state,
        "journey": incident.journey,
        "criticality": incident.criticality,
        "contract": _value(incident.root_id),
        "case": _value(incident.case_id),
        "step": incident.step,
        "since": _instant(incident.since),
        "opened_at": _instant(incident.opened_at),
        "due_at": _instant(incident.due_at),
        "value": None if incident.value is None else str(incident.value),
        "currency": incident.currency,
        "system": incident.system,
        "error": incident.error,
        "cases": incident.cases,
        "worth": dict(incident.worth),
        "owner": briefing.owner,
        "assignee": incident.assignee,
        "next_move": briefing.next_move,
        "runbook": briefing.runbook,
        "links": dict(links(incident)),
    }
    return Notification(**(vars(bare) | {"payload": payload}))


def what(incident: Incident, briefing: Briefing) -> str:
    """One line: which contract, which journey or step, and how bad it is; of a hop, how many."""
    if incident.of_hop:
        return _failing(incident)
    subject = _value(incident.case_id) or _value(incident.root_id)
    if incident.severity == "warning":
        trouble = "is about to miss its deadline"
    elif incident.promise == CASE_PROMISE:
        trouble = "has missed its deadline"
    else:
        trouble = f"is stuck: step {incident.step} is past its deadline"
    at_step = (
        f", at step {incident.step}" if incident.promise == CASE_PROMISE and incident.step else ""
    )
    return f"{subject}: {briefing.title or incident.journey} {trouble}{at_step}"


def _failing(incident: Incident) -> str:
    worth = " and ".join(f"{unit} {Decimal(total):,}" for unit, total in incident.worth.items())
    said = f"“{incident.error}”" if incident.error else "a failure without a message"
    hang = "1 case hangs" if incident.cases == 1 else f"{incident.cases} cases hang"
    return f"{incident.system}: {hang} on {said}{f', contracts worth {worth}' if worth else ''}"


def _value(identifier: str) -> str:
    return Identifier.parse(identifier).value if identifier.count(":") >= 2 else identifier


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
