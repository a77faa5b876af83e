"""A single case's step has failed and not recovered: what to do about it. Pure.

Cases that belong to an incident of their hop are told by that; a failure that was there long before
its case was known opens nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl

from alerts.actions import (
    CLOSED_BY_HAND,
    MERGED,
    NO_RULE,
    REOPENED,
    Action,
    changes,
    handed_over,
    resolve,
    returned,
)
from alerts.evaluation import merge
from alerts.policy import Policies
from alerts.rules import Rule
from threadline.model.incidents import Incident, failure_promise

RECOVERED = "recovered"


def evaluate(
    failing: pl.DataFrame,
    known: Iterable[Incident],
    belonging: Mapping[tuple[str, str], str],
    now: datetime,
    policies: Policies,
    today: Mapping[str, str],
) -> Iterator[Action]:
    """What has to change so that the incidents of failed steps are those of `failing` at `now`.

    `failing` is of `alerts.hops.failing`; `known` holds all live incidents of failed steps, and
    every other one of these cases; `today` is as `alerts.evaluation.evaluate` has it. Applying the
    actions and evaluating again yields none.
    """
    merged, stay = merge(known, today, now)
    yield from merged
    book = {(*case, promise): one for case, kept in stay.items() for promise, one in kept.items()}
    still: set[tuple[str, str, str]] = set()
    for row in failing.iter_rows(named=True):
        key = (row["journey"], row["case_id"], failure_promise(row["step"]))
        still.add(key)
        action = _decide(row, key, book.get(key), belonging, now, policies)
        if action is not None:
            yield action
    for key, incident in sorted(book.items()):
        if incident.live and key not in still:
            yield resolve(incident, RECOVERED, now)


def _decide(
    row: Mapping[str, Any],
    key: tuple[str, str, str],
    incident: Incident | None,
    belonging: Mapping[tuple[str, str], str],
    now: datetime,
    policies: Policies,
) -> Action | None:
    rule = _rule(row, policies)
    if incident is not None and incident.live:
        if rule is None:
            return resolve(incident, NO_RULE, now)
        return _follow(incident, row, rule)
    if key[:2] in belonging:
        return None
    if rule is None or row["at"] + rule.after > now or row["at"] < row["known_at"] - rule.within:
        return None
    if incident is None:
        return _open(row, key, rule)
    return _revive(row, incident, rule)


def _follow(incident: Incident, row: Mapping[str, Any], rule: Rule) -> Action | None:
    standing = _standing(row) | {"policy": rule.policy, "rule": rule.qualified}
    changed = changes(incident, standing)
    if not changed:
        return None
    fresh = replace(incident, version=incident.version + 1, **standing)
    others = handed_over(fresh, changed)
    return Action(incident=fresh, reason="updated", detail=changed, page=others)


def _rule(row: Mapping[str, Any], policies: Policies) -> Rule | None:
    named = {"step": row["step"], "system": row["system"] or ""}
    rules = policies.responsible("step-failure", row["journey"], row["criticality"], **named)
    return rules[0] if rules else None


def _open(row: Mapping[str, Any], key: tuple[str, str, str], rule: Rule) -> Action:
    journey, case_id, promise = key
    at = row["at"] + rule.after
    incident = Incident(
        id=hashlib.sha256("|".join(key).encode()).hexdigest()[:16],
        journey=journey,
        case_id=case_id,
        promise=promise,
        severity=rule.severity,
        state="open",
        reason="opened",
        policy=rule.policy,
        rule=rule.qualified,
        opened_at=at,
        deadline=at,
        **_standing(row),
    )
    return Action(incident=incident, reason="opened", page=True)


def _revive(row: Mapping[str, Any], incident: Incident, rule: Rule) -> Action | None:
    """The same failure shows again, or another one has come."""
    fresh = replace(incident, version=incident.version + 1, **_standing(row))
    same = row["at"] == incident.since
    if same and incident.reason == CLOSED_BY_HAND:
        return None
    if same or incident.reason == MERGED:
        return returned(fresh)
    at = row["at"] + rule.after
    anew = replace(
        fresh,
        state="open",
        reason=REOPENED,
        opened_at=at,
        deadline=at,
        acknowledged_at=None,
        acknowledged_by="",
        resolved_at=None,
    )
    return Action(incident=anew, reason=REOPENED, page=True)


def _standing(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "root_id": row["root_id"] or "",
        "criticality": row["criticality"],
        "step": row["step"],
        "since": row["at"],
        "system": row["system"] or "",
        "error": row["error"] or "",
        "value": row["value"],
        "currency": row["currency"] or "",
    }
