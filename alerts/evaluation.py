"""Deciding what to do about deadlines: a pure function of cases, known incidents, time and rules.

An incident opens when a deadline passes, at that instant, whether or not any event comes. What must
not happen, and why it does not:

- A backfill pages nobody: a deadline that had passed before its case was known is `recorded`.
- A page is owed once for one passed deadline. An incident that was resolved and whose same deadline
  shows again (a correction taken back, cases merged and parted) returns as it was, unheard.
- A warning that becomes a breach is the same incident. Its escalation starts anew, unless somebody
  has acknowledged it: that person is on it already, and `raised` stands in the history.
- A step's promise ends when the case moves on to another step; the case's own promise remains.
- A source that has fallen silent mutes nothing: whoever is paged may be the first to learn of it.
- A case that is not among `cases` is not judged: an index being rebuilt resolves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from alerts.case import Case
from alerts.policy import Event, Policies
from threadline.model.incidents import (
    CASE_PROMISE,
    CaseKey,
    Incident,
    IncidentState,
    Severity,
    step_promise,
)

CLOSED_BY_HAND = "closed-by-hand"
MERGED = "merged"


@dataclass(frozen=True, kw_only=True)
class Action:
    """What becomes of an incident, and the named reason; `page` starts its escalation.

    `hanging` are the cases of a hop's incident from now on; None leaves them.
    """

    incident: Incident
    reason: str
    page: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)
    hanging: frozenset[CaseKey] | None = None


@dataclass(frozen=True, kw_only=True)
class Passed:
    """The gravest deadline of a promise that has passed, and the policy that takes care of it."""

    severity: Severity
    deadline: datetime
    policy: str


def evaluate(
    cases: Iterable[Case],
    known: Iterable[Incident],
    now: datetime,
    policies: Policies,
    today: Mapping[str, str],
) -> Iterator[Action]:
    """What has to change so that the incidents are those of `cases` at `now`.

    `known` holds all live incidents and every other one of these cases. `today` says what an
    identifier that incidents were stored under resolves to now, where that is another one.
    Applying the actions and evaluating again yields none.
    """
    merged, book = _merge(known, today, now)
    yield from merged
    for case in cases:
        kept = book.get((case.journey, case.case_id), {})
        for promise in sorted({CASE_PROMISE, *_current(case), *kept}):
            action = decide(case, promise, kept.get(promise), now, policies)
            if action is not None:
                yield action


def decide(
    case: Case, promise: str, incident: Incident | None, now: datetime, policies: Policies
) -> Action | None:
    """What to do about one promise of one case; None: all is as it should be."""
    stale = promise != CASE_PROMISE and promise not in _current(case)
    over = case.over or ("moved-on" if stale else "")
    passed = None if over else _passed(case, promise, now, policies)
    if passed is None:
        if incident is None or not incident.live:
            return None
        return _resolve(incident, over or _why_not(case, promise, now), now)
    if incident is None:
        return _open(case, promise, passed)
    if incident.live:
        return _follow(incident, case, passed)
    return _revive(incident, case, passed)


def incident_id(journey: str, case_id: str, promise: str) -> str:
    """The id of the one incident of this promise: the same whoever computes it."""
    return hashlib.sha256(f"{journey}|{case_id}|{promise}".encode()).hexdigest()[:16]


def _passed(case: Case, promise: str, now: datetime, policies: Policies) -> Passed | None:
    for on, severity, deadline in _behind(case, promise, now):
        policy = policies.responsible(on, case.journey, case.criticality)
        if policy is not None:
            return Passed(severity=severity, deadline=deadline, policy=policy)
    return None


def _behind(case: Case, promise: str, now: datetime) -> Iterator[tuple[Event, Severity, datetime]]:
    """What lies behind the promise at `now`, the gravest first."""
    if promise != CASE_PROMISE:
        if case.step_due_at is not None and case.step_due_at < now:
            yield "step-deadline", "breach", case.step_due_at
        return
    if case.due_at is not None and case.due_at < now:
        yield "case-deadline", "breach", case.due_at
    if case.warn_at is not None and case.warn_at <= now:
        yield "case-warning", "warning", case.warn_at


def _why_not(case: Case, promise: str, now: datetime) -> str:
    return "no-rule" if any(_behind(case, promise, now)) else "deadline-moved"


def _current(case: Case) -> tuple[str, ...]:
    return (step_promise(case.step),) if case.step else ()


def _open(case: Case, promise: str, passed: Passed) -> Action:
    backfilled = passed.deadline < case.known_at
    state: IncidentState = "recorded" if backfilled else "open"
    reason = "known-too-late" if backfilled else "opened"
    incident = Incident(
        id=incident_id(case.journey, case.case_id, promise),
        journey=case.journey,
        case_id=case.case_id,
        promise=promise,
        state=state,
        reason=reason,
        opened_at=passed.deadline,
        **_standing(case, promise, passed),
    )
    return Action(incident=incident, reason=reason, page=not backfilled)


def _follow(incident: Incident, case: Case, passed: Passed) -> Action | None:
    standing = _standing(case, incident.promise, passed)
    changed = {
        name: str(value) for name, value in standing.items() if getattr(incident, name) != value
    }
    if not changed:
        return None
    fresh = replace(incident, version=incident.version + 1, **standing)
    if "severity" not in changed:
        reason = "deadline-changed" if "deadline" in changed else "updated"
        return Action(incident=fresh, reason=reason, detail=changed)
    if passed.severity == "warning":
        return Action(incident=replace(fresh, reason="lowered"), reason="lowered")
    page = incident.state == "open"
    return Action(incident=replace(fresh, reason="raised"), reason="raised", page=page)


def _revive(incident: Incident, case: Case, passed: Passed) -> Action | None:
    same = passed.deadline == incident.deadline and passed.severity == incident.severity
    if same and (incident.state == "recorded" or incident.reason == CLOSED_BY_HAND):
        return None
    fresh = replace(
        incident,
        resolved_at=None,
        version=incident.version + 1,
        **_standing(case, incident.promise, passed),
    )
    if same or incident.reason == MERGED:
        state: IncidentState = "acknowledged" if incident.acknowledged_at else "open"
        return Action(incident=replace(fresh, state=state, reason="returned"), reason="returned")
    if passed.deadline < case.known_at:
        unheard = incident.state == "recorded"
        return Action(incident=fresh, reason="known-too-late") if unheard else None
    reason = "opened" if incident.state == "recorded" else "reopened"
    anew = replace(
        fresh,
        state="open",
        reason=reason,
        opened_at=passed.deadline,
        acknowledged_at=None,
        acknowledged_by="",
    )
    return Action(incident=anew, reason=reason, page=True)


def _resolve(incident: Incident, reason: str, now: datetime, **detail: Any) -> Action:
    resolved = replace(
        incident,
        state="resolved",
        reason=reason,
        resolved_at=now,
        # A merged incident never pages again, not even when its case is parted off.
        escalate_at=None if reason == MERGED else incident.escalate_at,
        version=incident.version + 1,
    )
    return Action(incident=resolved, reason=reason, detail=detail)


def _standing(case: Case, promise: str, passed: Passed) -> dict[str, Any]:
    return {
        "root_id": case.root_id,
        "criticality": case.criticality,
        "severity": passed.severity,
        "deadline": passed.deadline,
        "policy": passed.policy,
        "step": case.step,
        "since": case.since,
        "due_at": case.due_at if promise == CASE_PROMISE else case.step_due_at,
        "value": case.value,
        "currency": case.currency,
    }


def _merge(
    known: Iterable[Incident], today: Mapping[str, str], now: datetime
) -> tuple[list[Action], dict[tuple[str, str], dict[str, Incident]]]:
    """Incidents whose cases have become one: one of them stays, with any acknowledgement."""
    together: dict[tuple[str, str, str], list[Incident]] = {}
    for incident in known:
        case_id = today.get(incident.case_id, incident.case_id)
        together.setdefault((incident.journey, case_id, incident.promise), []).append(incident)
    actions: list[Action] = []
    book: dict[tuple[str, str], dict[str, Incident]] = {}
    for (journey, case_id, promise), same in together.items():
        stays, *others = sorted(same, key=lambda incident: _precedence(incident, case_id))
        book.setdefault((journey, case_id), {})[promise] = stays
        actions += [_resolve(other, MERGED, now, into=stays.id) for other in others if other.live]
    return actions, book


def _precedence(incident: Incident, case_id: str) -> tuple[Any, ...]:
    return (
        incident.state != "acknowledged",
        not incident.live,
        incident.case_id != case_id,
        incident.opened_at,
        incident.id,
    )
