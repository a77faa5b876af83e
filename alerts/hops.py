"""One incident per cause: deciding what to do about cases that hang on one hop.

Pure, as `alerts.evaluation` is. Cases hang on a system because it has failed them by one error
(numbers in the error are left aside, for they are those of the single case), or because they wait
there at one step past their deadline and nothing is heard. What must not happen, and why it does
not:

- A backfill pages nobody: what had failed or was late long before its case was known (longer than
  the rule's time) opens nothing.
- A failure is missed because nobody looked when it happened: enough of them within the rule's time
  open an incident whenever that was.
- A cause has one incident however many cases, journeys and steps it meets: they join and leave it.
- A case that a system has failed is not counted again as late there.
- A hop that has healed, or that somebody has closed, opens again only by as many new failures; one
  that fails again within the grace time has not healed.
- It is over when no case hangs on it any more, not when the failures stop: each still waits.
- Where no rule covers it any more it is over as well, so that its cases have somebody told.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from alerts.actions import (
    CLOSED_BY_HAND,
    NO_RULE,
    REOPENED,
    Action,
    changes,
    handed_over,
    resolve,
    returned,
)
from alerts.policy import Policies
from alerts.rules import CRITICALITY, Rule, When
from threadline.model.incidents import CaseKey, Incident, hop_promise

# The cases (journey, case id) of incidents, by the ids of those.
Held = Mapping[str, frozenset[tuple[str, str]]]

HEALED = "healed"
LATE = "late"
_NUMBERS = re.compile(r"\d+")
_KEY = ["journey", "case_id"]
_INSTANT = pl.Datetime("ns", "UTC")
_SCHEMA: Mapping[str, pl.DataType] = {
    "journey": pl.String(),
    "case_id": pl.String(),
    "root_id": pl.String(),
    "criticality": pl.String(),
    "step": pl.String(),
    "system": pl.String(),
    "error": pl.String(),
    "at": _INSTANT,
    "known_at": _INSTANT,
    "value": pl.Decimal(38, 2),
    "currency": pl.String(),
    "promise": pl.String(),
}


def failing(steps: pl.DataFrame) -> pl.DataFrame:
    """The rows of `threadline.store.telemetry.failing.steps`, each with its cause's `promise`."""
    if steps.is_empty():
        return none()
    pairs = steps.select("system", "error").unique()
    promises = [hop_promise(system, _cause(error)) for system, error in pairs.iter_rows()]
    named = pairs.with_columns(promise=pl.Series(promises, dtype=pl.String))
    whole = steps.join(named, on=["system", "error"], nulls_equal=True).rename({"failed_at": "at"})
    return whole.select(list(_SCHEMA))


def late(cases: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Running cases (columns as table `cases`) that wait for a system past a deadline.

    Of a step with a deadline of its own that one counts; of another the case's, if the case waited
    there when that passed: one that is late and moves on says nothing about where it is now.
    """
    if cases.is_empty():
        return none()
    here = pl.when(pl.col("current_since") <= pl.col("due_at")).then(pl.col("due_at"))
    waiting = cases.with_columns(at=pl.coalesce("current_due_at", here)).filter(
        (pl.col("at") < now)
        & (pl.col("current_step").fill_null("") != "")
        & (pl.col("waiting_systems").list.len() > 0)
    )
    system, step = pl.col("waiting_systems").list.first(), pl.col("current_step")
    return waiting.with_columns(
        step=step,
        system=system,
        error=pl.lit(""),
        promise=pl.concat_str(pl.lit("hop:"), system, pl.lit(f":{LATE}:"), step),
        value=pl.col("root_value"),
        currency=pl.col("root_currency"),
    ).select(list(_SCHEMA))


_NONE = pl.DataFrame(schema=_SCHEMA)
_NONE_COUNTED = pl.DataFrame(schema={**_SCHEMA, "breached": pl.Boolean()})


def none() -> pl.DataFrame:
    """No case, with the columns of `failing` and `late`."""
    return _NONE


def evaluate(
    hanging: pl.DataFrame,
    late_ones: pl.DataFrame,
    known: Iterable[Incident],
    now: datetime,
    policies: Policies,
    overdue: pl.DataFrame,
    held: Held,
) -> Iterator[Action]:
    """What has to change so that the incidents of hops are those of the cases that hang at `now`.

    `hanging` is of `failing`, `late_ones` of `late`; `overdue` are all cases past a deadline,
    wherever they wait. `known` holds every incident of a hop, `held` the cases that hang on the
    live ones as stored. Applying the actions and evaluating again yields none.
    """
    book = {incident.promise: incident for incident in known}
    if hanging.is_empty() and late_ones.is_empty() and not any(one.live for one in book.values()):
        return
    overdue = overdue.select(*_KEY, breached=pl.lit(True)).unique()
    failed = _counted(hanging, overdue)
    belonging: list[pl.DataFrame] = []
    for promise, cases in _causes(failed, book, late=False):
        action = decide(promise, cases, book.get(promise), now, policies, held)
        if action is not None:
            yield action
        if _stands(action, book.get(promise)):
            belonging.append(cases.select(_KEY))
    free = _counted(late_ones, overdue)
    if belonging:
        free = free.join(pl.concat(belonging), on=_KEY, how="anti")
    for promise, cases in _causes(free, book, late=True):
        action = decide(promise, cases, book.get(promise), now, policies, held)
        if action is not None:
            yield action


def decide(
    promise: str,
    cases: pl.DataFrame,
    incident: Incident | None,
    now: datetime,
    policies: Policies,
    held: Held,
) -> Action | None:
    """What to do about one cause; None: all is as it should be."""
    if incident is not None and incident.live:
        if not len(cases):
            return _over(incident, HEALED, now)
        mine = _in_charge(incident, cases, policies)
        return _follow(incident, cases, mine, held) if mine else _over(incident, NO_RULE, now)
    rule = _responsible(promise, cases, policies) if len(cases) else None
    if rule is None:
        return None
    if incident is not None and _soon(incident, now, policies.escalation(rule.policy).grace):
        return _back(incident, cases)
    reached = _reached(cases, rule, now, incident.resolved_at if incident else None)
    return None if reached is None else _open(promise, cases, incident, rule, reached)


def _responsible(promise: str, cases: pl.DataFrame, policies: Policies) -> Rule | None:
    system, criticality = cases["system"][0] or "", gravest(cases["criticality"].unique())
    rules = policies.responsible(_on(promise), "", criticality, system=system)
    return rules[0] if rules else None


def _in_charge(incident: Incident, cases: pl.DataFrame, policies: Policies) -> Rule | None:
    """The rule that has opened it, as long as it is there; else whichever covers it now."""
    mine = (rule for rule in policies.of(_on(incident.promise)) if rule.qualified == incident.rule)
    return next(mine, None) or _responsible(incident.promise, cases, policies)


def _on(promise: str) -> When:
    return "hop-late" if _is_late(promise) else "hop-failure"


def _causes(
    cases: pl.DataFrame, book: Mapping[str, Incident], *, late: bool
) -> Iterator[tuple[str, pl.DataFrame]]:
    parts = cases.partition_by("promise", as_dict=True)
    groups = {str(promise): group for (promise,), group in parts.items()}
    none = cases.clear()
    mine = {promise for promise in book if _is_late(promise) == late}
    for promise in sorted(groups.keys() | mine):
        yield promise, groups.get(promise, none)


def _counted(cases: pl.DataFrame, overdue: pl.DataFrame) -> pl.DataFrame:
    """Each case once in a cause, by its first trouble; and whether it is past a deadline."""
    if cases.is_empty():
        return _NONE_COUNTED
    first = cases.sort("at", "journey", "case_id", "step").unique(
        ["promise", *_KEY], keep="first", maintain_order=True
    )
    return first.join(overdue, on=_KEY, how="left").with_columns(
        pl.col("breached").fill_null(False)
    )


def _stands(action: Action | None, incident: Incident | None) -> bool:
    after = action.incident if action else incident
    return after is not None and after.live


def _soon(incident: Incident, now: datetime, grace: timedelta) -> bool:
    """Whether what has ended is back so soon that it had not ended."""
    if incident.reason == CLOSED_BY_HAND or incident.resolved_at is None:
        return False
    return now - incident.resolved_at <= grace


def _reached(
    cases: pl.DataFrame, rule: Rule, now: datetime, since: datetime | None
) -> datetime | None:
    """When enough cases had failed within the rule's time; None: there are too few."""
    told = cases.filter((pl.col("at") <= now) & (pl.col("at") >= pl.col("known_at") - rule.within))
    if since is not None:
        told = told.filter(pl.col("at") > since)
    instants = told["at"].sort()
    if len(instants) < rule.cases:
        return None
    first = instants.head(len(instants) - rule.cases + 1)
    last = instants.tail(len(instants) - rule.cases + 1)
    enough = last.filter((last - first) <= rule.within)
    return enough[0] if len(enough) else None


def _open(
    promise: str, cases: pl.DataFrame, before: Incident | None, rule: Rule, reached: datetime
) -> Action:
    reason = REOPENED if before else "opened"
    incident = Incident(
        id=hashlib.sha256(promise.encode()).hexdigest()[:16],
        case_id="",
        root_id="",
        promise=promise,
        severity=rule.severity,
        state="open",
        reason=reason,
        policy=rule.policy,
        rule=rule.qualified,
        opened_at=reached,
        deadline=reached,
        since=cases["at"].min(),  # type: ignore[arg-type]  # a column of instants
        system=cases["system"][0] or "",
        error=cases["error"][0] or "",
        episode=before.episode if before else 0,
        reopenings=before.reopenings if before else (),
        version=before.version + 1 if before else 1,
        **_standing(cases),
    )
    return Action(incident=incident, reason=reason, page=True, hanging=_keys(cases))


def _back(incident: Incident, cases: pl.DataFrame) -> Action:
    fresh = replace(incident, version=incident.version + 1, **_standing(cases))
    return replace(returned(fresh), hanging=_keys(cases))


def _follow(incident: Incident, cases: pl.DataFrame, rule: Rule, held: Held) -> Action | None:
    standing = _standing(cases) | {"policy": rule.policy, "rule": rule.qualified}
    changed = changes(incident, standing)
    # One may have left as another joined.
    same = held.get(incident.id) == frozenset(cases.select(_KEY).iter_rows())
    if not changed and same:
        return None
    fresh = replace(incident, version=incident.version + 1, **standing)
    others = handed_over(fresh, changed)
    return Action(
        incident=fresh, reason="updated", detail=changed, page=others, hanging=_keys(cases)
    )


def _over(incident: Incident, reason: str, now: datetime) -> Action:
    return replace(resolve(incident, reason, now), hanging=frozenset())


def _standing(cases: pl.DataFrame) -> dict[str, Any]:
    """What changes about a live incident as cases join and leave it."""
    places = cases.group_by("journey", "step").len().sort("journey", "step")
    most = places.sort("len", descending=True, maintain_order=True).row(0, named=True)
    return {
        "criticality": gravest(cases["criticality"].unique()),
        "journey": most["journey"],
        "step": most["step"],
        "cases": len(cases),
        "breached": int(cases["breached"].sum()),
        "worth": worth(cases),
    }


def gravest(criticalities: Iterable[str]) -> str:
    """The one that matters most; the least where there is none."""
    return min(criticalities, key=CRITICALITY.index, default=CRITICALITY[-1])


def worth(cases: pl.DataFrame) -> Mapping[str, str]:
    """The `value` of their contracts by `currency`, each once: as the first of its cases says."""
    contract = (
        pl.when(pl.col("root_id").fill_null("") != "")
        .then(pl.col("root_id"))
        .otherwise(pl.col("case_id"))
    )
    valued = cases.filter(pl.col("value").is_not_null()).with_columns(contract=contract)
    totals = (
        valued.unique("contract", keep="first", maintain_order=True)
        .group_by(pl.col("currency").fill_null(""))
        .agg(pl.col("value").sum())
        .sort("currency")
    )
    return {unit: str(Decimal(total)) for unit, total in totals.iter_rows()}


def _keys(cases: pl.DataFrame) -> frozenset[CaseKey]:
    rows = cases.select(*_KEY, pl.col("root_id").fill_null("")).iter_rows()
    return frozenset(CaseKey(*row) for row in rows)


def _is_late(promise: str) -> bool:
    return promise.split(":", 2)[2].startswith(f"{LATE}:")


def _cause(error: str | None) -> str:
    said = (error or "").strip()
    return hashlib.sha256(_NUMBERS.sub("#", said).encode()).hexdigest()[:12]
