"""One incident per cause: deciding what to do about cases that hang on one hop by one error.

Pure, as `alerts.evaluation` is. What a hop is down for is told by its system and its error; numbers
in the error are left aside, for they are those of the single case. What must not happen, and why it
does not:

- A backfill pages nobody: only failures younger than the rule's `within` open an incident.
- A cause has one incident however many cases, journeys and steps it meets: they join and leave it.
- A hop that has healed, or that somebody has closed, opens again only by as many new failures.
- It is over when no case hangs on it any more, not when the failures stop: each still waits.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from alerts.evaluation import Action
from alerts.policy import CRITICALITY, Policies, Rule
from threadline.model.incidents import CaseKey, Incident, hop_promise

HEALED = "healed"
_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hanging:
    """A running case that waits on a required step of `system` which has failed with `error`.

    `failed_at` is the first failure of that step; `value` is what its contract is worth.
    """

    case: CaseKey
    criticality: str
    step: str
    system: str
    error: str
    failed_at: datetime
    value: Decimal | None
    currency: str

    @property
    def promise(self) -> str:
        """What the incident of its cause is called."""
        return hop_promise(self.system, _cause(self.error))


def read(steps: pl.DataFrame) -> list[Hanging]:
    """The rows of `threadline.store.telemetry.failing.steps`."""
    return [
        Hanging(
            case=CaseKey(**{name: row.pop(name) for name in ("journey", "case_id", "root_id")}),
            **row,
        )
        for row in steps.iter_rows(named=True)
    ]


def evaluate(
    hanging: Iterable[Hanging], known: Iterable[Incident], now: datetime, policies: Policies
) -> Iterator[Action]:
    """What has to change so that the incidents of hops are those of `hanging` at `now`.

    `known` holds every incident of a hop. Applying the actions and evaluating again yields none.
    """
    causes: dict[str, list[Hanging]] = defaultdict(list)
    for one in hanging:
        causes[one.promise].append(one)
    book = {incident.promise: incident for incident in known}
    for promise in sorted(causes.keys() | book.keys()):
        action = decide(promise, causes.get(promise, []), book.get(promise), now, policies)
        if action is not None:
            yield action


def decide(
    promise: str,
    hanging: Sequence[Hanging],
    incident: Incident | None,
    now: datetime,
    policies: Policies,
) -> Action | None:
    """What to do about one cause; None: all is as it should be."""
    if incident is not None and incident.live:
        return _follow(incident, hanging) if hanging else _heal(incident, now)
    gravest = min((CRITICALITY.index(one.criticality) for one in hanging), default=0)
    rule = policies.rule("hop-failure", "", CRITICALITY[gravest])
    since = incident.resolved_at if incident else None
    reached = _reached(hanging, rule, now, since) if rule else None
    if rule is None or reached is None:
        return None
    return _open(promise, hanging, incident, rule, reached)


def _reached(
    hanging: Sequence[Hanging], rule: Rule, now: datetime, since: datetime | None
) -> datetime | None:
    """When enough cases had failed within the rule's time; None: there are too few."""
    first: dict[str, datetime] = {}
    for one in hanging:
        if now - rule.within < one.failed_at <= now and (since is None or one.failed_at > since):
            known = first.get(one.case.case_id, one.failed_at)
            first[one.case.case_id] = min(known, one.failed_at)
    return sorted(first.values())[rule.cases - 1] if len(first) >= rule.cases else None


def _open(
    promise: str,
    hanging: Sequence[Hanging],
    before: Incident | None,
    rule: Rule,
    reached: datetime,
) -> Action:
    reason = "reopened" if before else "opened"
    first = min(hanging, key=lambda one: (one.failed_at, one.case))
    incident = Incident(
        id=hashlib.sha256(promise.encode()).hexdigest()[:16],
        case_id="",
        root_id="",
        promise=promise,
        severity="failure",
        state="open",
        reason=reason,
        policy=rule.policy,
        opened_at=reached,
        deadline=reached,
        since=first.failed_at,
        system=first.system,
        error=first.error,
        episode=before.episode if before else 0,
        version=before.version + 1 if before else 1,
        **_standing(hanging),
    )
    return Action(incident=incident, reason=reason, page=True, hanging=_cases(hanging))


def _follow(incident: Incident, hanging: Sequence[Hanging]) -> Action | None:
    standing = _standing(hanging)
    changed = {
        name: str(value) for name, value in standing.items() if getattr(incident, name) != value
    }
    if not changed:
        return None
    fresh = replace(incident, version=incident.version + 1, **standing)
    return Action(incident=fresh, reason="updated", detail=changed, hanging=_cases(hanging))


def _heal(incident: Incident, now: datetime) -> Action:
    healed = replace(
        incident, state="resolved", reason=HEALED, resolved_at=now, version=incident.version + 1
    )
    return Action(incident=healed, reason=HEALED, hanging=frozenset())


def _standing(hanging: Sequence[Hanging]) -> dict[str, Any]:
    """What changes about a live incident as cases join and leave it."""
    steps = Counter((one.case.journey, one.step) for one in hanging)
    journey, step = min(steps, key=lambda place: (-steps[place], place))
    return {
        "criticality": min((one.criticality for one in hanging), key=CRITICALITY.index),
        "journey": journey,
        "step": step,
        "cases": len(_cases(hanging)),
        "worth": _worth(hanging),
    }


def _worth(hanging: Iterable[Hanging]) -> Mapping[str, str]:
    valued = (one for one in hanging if one.value is not None)
    contracts = {one.case.root_id or one.case.case_id: one for one in valued}
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for one in contracts.values():
        totals[one.currency] += one.value or 0
    return {currency: str(totals[currency]) for currency in sorted(totals)}


def _cases(hanging: Iterable[Hanging]) -> frozenset[CaseKey]:
    return frozenset(one.case for one in hanging)


def _cause(error: str) -> str:
    return hashlib.sha256(_NUMBERS.sub("#", error.strip()).encode()).hexdigest()[:12]
