"""KPI values as observable truth has them."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from judge import mastery
from judge.observable import Truth
from kpi_oracle import Count
from statistics_oracle import kaplan_meier, quantile

from threadline.model.kpis import Window

Value = tuple[Any, ...]
LEAKAGE = "revenue-leakage"
# Counted in the store: tests/telemetry/test_receipts.py holds them against counts by hand.
NOT_OBSERVED = ("failed-mapping", "duplicate-events", "source-freshness")


class _Rows(list):
    """Dictionaries, read as a frame is."""

    def to_dicts(self) -> list[dict[str, Any]]:
        return list(self)

    def iter_rows(self, *, named: bool) -> Any:
        assert named
        return iter(self)


def kpis(
    truth: Truth, window: Window, now: datetime, silent: Collection[str]
) -> dict[tuple[str, str], Value]:
    """By KPI and, for money, currency: the value, rounded, and what it was computed from."""
    count = _count(truth, window, now, silent)
    ended, going = count.cycle_times()
    found: dict[tuple[str, str], Value] = {
        ("activation-cycle-time", ""): (
            _round(quantile(ended, 0.5)),
            len(ended),
            _round(quantile(ended, 0.9)),
            _round(kaplan_meier(ended, going, 0.5)),
        )
    }
    for kpi, step in (
        ("project-setup-time", "erp-project"),
        ("amendment-latency", "billing-updated"),
    ):
        times = count.step_times(step)
        found[kpi, ""] = (_round(quantile(times, 0.5)), len(times))
    met, known, _ = count.attainment()
    for kpi, (hits, n) in {
        "failed-project-setups": count.failed(),
        "sla-attainment": (met, known),
        "business-exceptions": count.with_exceptions(),
        "invoice-exception-rate": count.with_exceptions("invoice-to-cash"),
        "invoice-dispute-rate": count.with_exceptions("invoice-to-cash", "disputed"),
        "first-time-right": count.first_time_right(),
    }.items():
        found[kpi, ""] = (_round(hits / n) if n else None, n)
    for kpi, (times, _) in {
        "processing-latency": count.hop_times(),
        "recovery-time": count.recoveries(),
    }.items():
        found[kpi, ""] = (_round(quantile(times, 0.5)), len(times))
    for kpi, (hits, n, _) in {
        "manual-touch": count.touched(),
        "audit-completeness": count.audited(),
    }.items():
        found[kpi, ""] = (_round(hits / n) if n else None, n)
    paid, owed, _ = count.cash()
    found["days-to-cash", ""] = (_round(kaplan_meier(paid, owed, 0.5)), len(paid) + len(owed))
    n, used = count.burn(truth.definitions.kpis["sla-burn"].objective)
    found["sla-burn", ""] = (_round(used) if n else None, n)
    waiting = sum(count.queue()[0].values())
    found["backlog", ""] = (waiting, waiting)
    found["stuck-cases", ""] = (len(count.stuck()), len(count.stuck()))
    found["orphan-share", ""] = _orphan_share(truth, window, now)
    risks, leaks = count.at_risk(), count.leaking()
    found |= {("value-at-risk", unit): (_round(float(at)),) for unit, at in risks.items()}
    return found | {(LEAKAGE, unit): (_round(float(at)), n) for unit, (at, n) in leaks.items()}


def _orphan_share(truth: Truth, window: Window, now: datetime) -> Value:
    """Of the versions of facts received in the window; the one that speaks says whose they are."""

    def inside(at: datetime) -> bool:
        return window.start <= at < min(window.end, now)

    facts = truth.facts.values()
    told = [fact for fact in facts if inside(fact.received_at)]
    n = sum(inside(at) for fact in facts for at in fact.received)
    n -= sum(fact.how == "shared" for fact in told)
    return _round(sum(truth.lost(fact) for fact in told) / n) if n else None, n


def told(items: list[dict[str, Any]]) -> dict[tuple[str, str], Value]:
    """The same of what the API answered."""
    found: dict[tuple[str, str], Value] = {}
    for item in items:
        if item["kpi"] in NOT_OBSERVED:
            continue
        value = _round(item["value"])
        if item["kpi"] == "activation-cycle-time":
            beside = item["beside"]
            more = _round(beside["p90"]), _round(beside["censored_median"])
            found[item["kpi"], ""] = (value, item["n"], *more)
        elif item["kpi"] == "value-at-risk":
            if item["value"] is not None:
                found[item["kpi"], item["unit"]] = (value,)
        elif item["kpi"] == LEAKAGE:
            if item["value"] is not None:
                found[item["kpi"], item["unit"]] = (value, item["n"])
        else:
            found[item["kpi"], ""] = (value, item["n"])
    return found


def windows(truth: Truth, end: datetime) -> list[Window]:
    """A month up to `end`, one that ends at the very instant at which a case was completed, and all
    the time since the very instant at which the first case started.
    """
    month = timedelta(days=30)
    completed = sorted(
        case["completed_at"] for case in truth.told.cases.values() if case["completed_at"]
    )
    ends = [end, *completed[len(completed) // 2 :][:1]]
    first = min(case["started_at"] for case in truth.told.cases.values())
    return [*(Window(start=at - month, end=at) for at in ends), Window(start=first, end=end)]


def _count(truth: Truth, window: Window, now: datetime, silent: Collection[str]) -> Count:
    tables = {
        name: _Rows(_plain(row) for row in getattr(truth.told, name).values())
        for name in ("cases", "steps", "exceptions")
    }
    tables["mismatches"] = _Rows(mastery.truth_of(truth)[1].values())
    return Count(truth.definitions, SimpleNamespace(**tables), window, now, set(silent))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    if "dimensions" not in row:
        return row
    return row | {"dimensions": json.dumps(row["dimensions"], separators=(",", ":"))}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
