"""What a receiver is told: enough to act on without opening anything else.

The payload is JSON, described by `notification.schema.json`. Instants are RFC 3339 in UTC, `value`
is a decimal as text. A receiver may get a notification twice (a crash right after delivery, a time
limit that passed): `id` is the same then and `repeat` is true. `escalated` is true from the second
escalation step on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from threadline.model.identifiers import Identifier
from threadline.model.incidents import CASE_PROMISE, Briefing, Incident, Kind, Notification

Briefings = Callable[[Incident], Briefing]
Links = Callable[[Incident], Mapping[str, str]]
# The address at which a receiver may acknowledge an incident in an episode; '' where there is none.
Acknowledging = Callable[[str, int, str], str]

SHOWN = 20  # items of a digest
_SEVERITY = ("failure", "breach", "warning")


def compose(
    incident: Incident,
    *,
    kind: Kind,
    at: datetime,
    reason: str,
    briefing: Briefing,
    links: Links,
    step: int = 0,
    turn: int = 0,
    receiver: str = "",
) -> Notification:
    """What is owed about `incident` since `at`; a page belongs to escalation step `step`."""
    payload = {
        "version": 2,
        "kind": kind,
        "reason": reason,
        "escalation_step": step,
        "escalated": step > 1,
        "what": what(incident, briefing),
        "about": incident.about,
        "incident": incident.id,
        "episode": incident.episode,
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
        "resolved_at": _instant(incident.resolved_at),
        "value": None if incident.value is None else str(incident.value),
        "currency": incident.currency,
        "system": incident.system,
        "error": incident.error,
        "cases": incident.cases,
        "breached": incident.breached,
        "worth": dict(incident.worth),
        "owner": briefing.owner,
        "assignee": incident.assignee,
        "next_moves": list(briefing.next_moves),
        "runbook": briefing.runbook,
        "labels": dict(incident.labels),
        "links": dict(links(incident)),
    }
    return Notification(
        incident_id=incident.id,
        episode=incident.episode,
        kind=kind,
        step=step,
        turn=turn,
        receiver=receiver,
        reason=reason,
        due_at=at,
        payload=payload,
    )


def no_link(_incident: str, _episode: int, _receiver: str) -> str:
    """For deployments in which nobody acknowledges by a link."""
    return ""


def addressed(
    notification: Notification, *, repeat: bool, acknowledging: Acknowledging = no_link
) -> Notification:
    """The same as its receiver gets it: with its `id`, and whether it may have come before.

    While somebody is looked for it carries a link to acknowledge. That is a permission for whoever
    holds it, so it is made only now: nothing that is stored has it.
    """
    told = {**notification.payload, "id": notification.key, "repeat": repeat}
    if told["state"] == "open" and notification.kind in ("page", "update"):
        address = acknowledging(
            notification.incident_id, notification.episode, notification.receiver
        )
        if address:
            told["links"] = {**told["links"], "acknowledge": address}
    return replace(notification, payload=told)


def digest(owed: Sequence[Notification], *, repeat: bool) -> Notification:
    """Several notifications to one receiver as one, the gravest first; at most `SHOWN` in words."""
    ranked = sorted(owed, key=_rank)
    first = ranked[0]
    together = hashlib.sha256("\n".join(sorted(one.key for one in owed)).encode()).hexdigest()
    pages = sum(one.kind == "page" for one in owed)
    over = sum(one.kind == "resolved" for one in owed)
    counted = ((pages, "need somebody"), (len(owed) - pages - over, "have changed"), (over, "over"))
    said = ", ".join(f"{count} {words}" for count, words in counted if count)
    payload = {
        **first.payload,
        "id": f"digest.{together[:32]}",
        "kind": "digest",
        "repeat": repeat,
        "what": f"{len(owed)} notifications at once: {said}. First: {first.payload['what']}",
        "total": len(owed),
        "items": [
            {
                "what": one.payload["what"],
                "kind": one.kind,
                "incident": one.incident_id,
                "severity": one.payload["severity"],
                "link": one.payload["links"].get("incident", ""),
            }
            for one in ranked[:SHOWN]
        ],
    }
    return replace(first, kind="digest", payload=payload)


def what(incident: Incident, briefing: Briefing) -> str:
    """One line: which contract, journey or step and how bad it is; of many, how many."""
    line = incident.said or _line(incident, briefing)
    return f"Over: {line}" if incident.state == "resolved" else line


def _line(incident: Incident, briefing: Briefing) -> str:
    if incident.of_hop:
        return _hanging(incident, briefing)
    subject = _value(incident.case_id) or _value(incident.root_id)
    title, step = briefing.title or incident.journey, briefing.step or incident.step
    if incident.of_failure:
        said = f"“{incident.error}”" if incident.error else "a failure without a message"
        return f"{subject}: “{step}” of {title} has failed on {incident.system} by {said}"
    if incident.promise != CASE_PROMISE:
        trouble = "past its deadline" if incident.late else "about to miss its deadline"
        return f"{subject}: {title} is stuck: “{step}” is {trouble}"
    trouble = "has missed its deadline" if incident.late else "is about to miss its deadline"
    return f"{subject}: {title} {trouble}{f', at “{step}”' if step else ''}"


def _hanging(incident: Incident, briefing: Briefing) -> str:
    counts = {0: "no case", 1: "1 case"}
    count = counts.get(incident.cases, f"{incident.cases:,} cases")
    verb = "hangs" if incident.cases in counts else "hang"
    if incident.error:
        cause = f"{verb} on “{incident.error}”"
    elif incident.since is not None and incident.promise.split(":", 2)[2].startswith("late:"):
        cause = f"{verb} at “{briefing.step or incident.step}” past the deadline, nothing is heard"
    else:
        cause = f"{verb} on a failure without a message"
    overdue = incident.breached if incident.error else 0
    late = f", {overdue:,} past a deadline" if overdue else ""
    worth = " and ".join(f"{unit} {Decimal(total):,}" for unit, total in incident.worth.items())
    contracts = f", contracts worth {worth}" if worth else ""
    return f"{incident.system}: {count} {cause}{late}{contracts}"


def _rank(notification: Notification) -> tuple[Any, ...]:
    told = notification.payload
    worth = max((float(total) for total in told["worth"].values()), default=0.0)
    page = notification.kind != "page"
    return page, _SEVERITY.index(told["severity"]), -worth, notification.due_at, notification.key


def _value(identifier: str) -> str:
    return Identifier.parse(identifier).value if identifier.count(":") >= 2 else identifier


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
