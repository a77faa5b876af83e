"""Deciding what to do about deadlines: a pure function of cases, known incidents, time and rules.

An incident opens when a deadline passes, at that instant, whether or not any event comes. What must
not happen, and why it does not:

- A backfill pages nobody: a deadline that had passed before its case was known is `recorded`.
- A page is owed once for one passed deadline. An incident that was resolved and whose same deadline
  shows again (a correction taken back, cases merged and parted) returns as it was, unheard.
- A warning that becomes a breach is the same incident. Its escalation starts anew, unless somebody
  has acknowledged it: that person is on it already, and `raised` stands in the history.
- Another policy becomes responsible and nobody of it is told: then, too, it starts anew.
- A case that belongs to an incident of many has no page of its own; what had passed by the time it
  leaves is recorded, because it was told as part of the whole. If nobody knew of that, it pages.
- A step's promise ends when the case moves on to another step; the case's own promise remains.
- A source that has fallen silent mutes nothing: whoever is paged may be the first to learn of it.
- A case that is not among `cases` is not judged: an index being rebuilt resolves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from alerts.actions import (
    CLOSED_BY_HAND,
    GRAVITY,
    MERGED,
    NO_RULE,
    Action,
    changes,
    handed_over,
    resolve,
    returned,
)
from alerts.case import Case
from alerts.policy import Policies
from alerts.rules import Rule
from threadline.model.incidents import (
    CASE_PROMISE,
    Affected,
    Incident,
    IncidentState,
    Severity,
    step_promise,
)

KNOWN_TOO_LATE = "known-too-late"


@dataclass(frozen=True, kw_only=True)
class Passed:
    """The gravest deadline of a promise that has passed, and the rule that takes care of it."""

    severity: Severity
    deadline: datetime
    rule: Rule


@dataclass(frozen=True, kw_only=True)
class Wholes:
    """Which cases (journey, case id) belong to a live incident of many, and which once did."""

    belonging: Mapping[tuple[str, str], str] = field(default_factory=dict)
    belonged: Mapping[tuple[str, str], Sequence[Affected]] = field(default_factory=dict)

    def told(self, case: Case, deadline: datetime) -> bool:
        """Whether `deadline` passed while the case belonged to a whole that was told."""
        return any(
            spell.left_at is not None and deadline <= spell.left_at
            for spell in self.belonged.get(case.key, ())
        )


def evaluate(
    cases: Iterable[Case],
    known: Iterable[Incident],
    now: datetime,
    policies: Policies,
    today: Mapping[str, str],
    wholes: Wholes | None = None,
) -> Iterator[Action]:
    """What has to change so that the incidents are those of `cases` at `now`.

    `known` holds all live incidents and every other one of these cases. `today` says what an
    identifier that incidents were stored under resolves to now, where that is another one.
    Applying the actions and evaluating again yields none.
    """
    merged, book = merge(known, today, now)
    yield from merged
    for case in cases:
        kept = book.get(case.key, {})
        for promise in sorted({CASE_PROMISE, *_current(case), *kept}):
            incident = kept.get(promise)
            action = decide(case, promise, incident, now, policies, wholes or Wholes())
            if action is not None:
                yield action


def decide(
    case: Case,
    promise: str,
    incident: Incident | None,
    now: datetime,
    policies: Policies,
    wholes: Wholes,
) -> Action | None:
    """What to do about one promise of one case; None: all is as it should be."""
    stale = promise != CASE_PROMISE and promise not in _current(case)
    over = case.over or ("moved-on" if stale else "")
    passed = None if over else _passed(case, promise, now, policies)
    if passed is None:
        if incident is None or not incident.live:
            return None
        return resolve(incident, over or _why_not(case, promise, now), now)
    if incident is not None and incident.live:
        return _follow(incident, case, passed)
    if case.key in wholes.belonging:
        return None
    if incident is None:
        return _open(case, promise, passed, wholes)
    return _revive(incident, case, passed, wholes)


def merge(
    known: Iterable[Incident], today: Mapping[str, str], now: datetime
) -> tuple[list[Action], dict[tuple[str, str], dict[str, Incident]]]:
    """Incidents whose cases have become one: one of them stays, with any acknowledgement.

    What happens to the others, and those that stay by what their case is called today and promise.
    """
    together: dict[tuple[str, str, str], list[Incident]] = {}
    for incident in known:
        case_id = today.get(incident.case_id, incident.case_id)
        together.setdefault((incident.journey, case_id, incident.promise), []).append(incident)
    actions: list[Action] = []
    book: dict[tuple[str, str], dict[str, Incident]] = {}
    for (journey, case_id, promise), same in together.items():
        stays, *others = sorted(same, key=lambda incident: _precedence(incident, case_id))
        book.setdefault((journey, case_id), {})[promise] = stays
        actions += [resolve(other, MERGED, now, into=stays.id) for other in others if other.live]
    return actions, book


def incident_id(journey: str, case_id: str, promise: str) -> str:
    """The id of the one incident of this promise: the same whoever computes it."""
    return hashlib.sha256(f"{journey}|{case_id}|{promise}".encode()).hexdigest()[:16]


def _passed(case: Case, promise: str, now: datetime, policies: Policies) -> Passed | None:
    """The gravest that lies behind; of equal ones, the one that passed last."""
    behind = _behind(case, promise, now, policies)
    return max(behind, key=lambda one: (GRAVITY.index(one.severity), one.deadline), default=None)


def _behind(case: Case, promise: str, now: datetime, policies: Policies) -> Iterator[Passed]:
    if promise != CASE_PROMISE:
        for rule in policies.responsible(
            "step-deadline", case.journey, case.criticality, step=case.step
        ):
            yield from _behind_of(rule, case.step_due_at, case.step_marks, now)
        return
    for rule in policies.responsible("case-deadline", case.journey, case.criticality):
        yield from _behind_of(rule, case.due_at, case.marks, now)
    if case.warn_at is not None and case.warn_at <= now:
        for rule in policies.responsible("case-warning", case.journey, case.criticality):
            yield Passed(severity=rule.severity, deadline=case.warn_at, rule=rule)


def _behind_of(
    rule: Rule, due_at: datetime | None, marks: Mapping[str, datetime], now: datetime
) -> Iterator[Passed]:
    """A deadline is the last good instant, a mark the first that counts."""
    if rule.mark is None:
        if due_at is not None and due_at < now:
            yield Passed(severity=rule.severity, deadline=due_at, rule=rule)
        return
    at = marks.get(rule.mark.name)
    if at is not None and at <= now:
        yield Passed(severity=rule.severity, deadline=at, rule=rule)


def _why_not(case: Case, promise: str, now: datetime) -> str:
    due_at = case.due_at if promise == CASE_PROMISE else case.step_due_at
    warned = promise == CASE_PROMISE and case.warn_at is not None and case.warn_at <= now
    behind = (due_at is not None and due_at < now) or warned
    return NO_RULE if behind else "deadline-moved"


def _current(case: Case) -> tuple[str, ...]:
    return (step_promise(case.step),) if case.step else ()


def _open(case: Case, promise: str, passed: Passed, wholes: Wholes) -> Action:
    unheard = _unheard(case, passed, wholes)
    state: IncidentState = "recorded" if unheard else "open"
    reason = unheard or "opened"
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
    return Action(incident=incident, reason=reason, page=state == "open")


def _unheard(case: Case, passed: Passed, wholes: Wholes) -> str:
    """Why nobody is told that it has passed; empty: somebody is."""
    if passed.deadline < case.known_at:
        return KNOWN_TOO_LATE
    return "told-with-whole" if wholes.told(case, passed.deadline) else ""


def _follow(incident: Incident, case: Case, passed: Passed) -> Action | None:
    standing = _standing(case, incident.promise, passed)
    changed = changes(incident, standing)
    if not changed:
        return None
    fresh = replace(incident, version=incident.version + 1, **standing)
    later = "rule" in changed and passed.deadline > incident.deadline
    if "severity" not in changed and not later:
        reason = "deadline-changed" if "deadline" in changed else "updated"
        others = handed_over(fresh, changed)
        return Action(incident=fresh, reason=reason, detail=changed, page=others)
    if GRAVITY.index(passed.severity) < GRAVITY.index(incident.severity):
        return Action(incident=replace(fresh, reason="lowered"), reason="lowered")
    page = incident.state == "open" and not incident.part_of
    return Action(incident=replace(fresh, reason="raised"), reason="raised", page=page)


def _revive(incident: Incident, case: Case, passed: Passed, wholes: Wholes) -> Action | None:
    same = passed.deadline == incident.deadline and passed.severity == incident.severity
    if same and (incident.state == "recorded" or incident.reason == CLOSED_BY_HAND):
        return None
    fresh = replace(
        incident, version=incident.version + 1, **_standing(case, incident.promise, passed)
    )
    if same or incident.reason == MERGED:
        return returned(fresh)
    if unheard := _unheard(case, passed, wholes):
        if unheard == KNOWN_TOO_LATE and incident.state != "recorded":
            return None
        late = replace(fresh, state="recorded", reason=unheard, resolved_at=None)
        return Action(incident=late, reason=unheard)
    reason = "opened" if incident.state == "recorded" else "reopened"
    anew = replace(
        fresh,
        state="open",
        reason=reason,
        opened_at=passed.deadline,
        acknowledged_at=None,
        acknowledged_by="",
        resolved_at=None,
    )
    return Action(incident=anew, reason=reason, page=True)


def _standing(case: Case, promise: str, passed: Passed) -> dict[str, Any]:
    return {
        "root_id": case.root_id,
        "criticality": case.criticality,
        "severity": passed.severity,
        "deadline": passed.deadline,
        "policy": passed.rule.policy,
        "rule": passed.rule.qualified,
        "step": case.step,
        "since": case.since,
        "due_at": case.due_at if promise == CASE_PROMISE else case.step_due_at,
        "value": case.value,
        "currency": case.currency,
    }


def _precedence(incident: Incident, case_id: str) -> tuple[Any, ...]:
    return (
        incident.state != "acknowledged",
        not incident.live,
        incident.case_id != case_id,
        incident.opened_at,
        incident.id,
    )
