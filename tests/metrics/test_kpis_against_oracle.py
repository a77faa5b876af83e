"""KPI values equal those counted by hand, case by case, over generated worlds."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from metrics_oracle import SlowClock
from metrics_worlds import BASE, World, frames, worlds

from metrics.definitions import Definitions
from metrics.derive import Derived, derive
from metrics.kpis import cases_behind, evaluate
from threadline.model.kpis import KpiValue, Window

Z = 1.959963984540054
DAY = timedelta(days=1)
CASH, BILLED = "invoice-to-cash", "billing-updated"


class Count:
    """Every KPI of one window as of one moment, from derived rows, in plain Python."""

    def __init__(
        self, definitions: Definitions, derived: Derived, window: Window, now: datetime, silent: set
    ) -> None:
        self.definitions, self.window, self.now, self.silent = definitions, window, now, silent
        cases = derived.cases.to_dicts()
        self.cases = [case for case in cases if case["started_at"] <= now]
        self.steps = defaultdict(list)
        for step in derived.steps.iter_rows(named=True):
            self.steps[step["journey"], step["case_id"]].append(step)
        self.exceptions = defaultdict(list)
        for row in derived.exceptions.iter_rows(named=True):
            self.exceptions[row["journey"], row["case_id"]].append(row)

    def within(self, at: datetime | None) -> bool:
        return at is not None and self.window.start <= at < self.window.end and at <= self.now

    def by_now(self, at: datetime | None) -> bool:
        return at is not None and at <= self.now

    def state(self, case: dict) -> str:
        if self.by_now(case["completed_at"]):
            return "completed"
        if self.by_now(case["cancelled_at"]):
            return "cancelled"
        paused = self.by_now(case["paused_from"]) and self.now < case["paused_until"]
        return "paused" if paused else "open"

    def unheard(self, case: dict) -> bool:
        return bool(self.silent & set(case["waiting_systems"]))

    def cycle_times(self) -> tuple[list[float], list[float]]:
        """Of those ended in the window, and the ages of those still open at its end."""
        ended, open_still = [], []
        end = min(self.now, self.window.end)
        for case in self.cases:
            if case["journey"] != "contract-activation":
                continue
            if self.within(case["completed_at"]):
                ended.append(case["business_seconds"])
            past = any(case[k] and case[k] <= end for k in ("completed_at", "cancelled_at"))
            if not past and case["started_at"] < end:
                open_still.append(self.age(case, end))
        return ended, open_still

    def age(self, case: dict, end: datetime) -> float:
        region = (case["dimensions"].split('"region":')[1] + " ").split(",")[0].strip('"').lower()
        name = region if region in self.definitions.calendars else "default"
        clock = SlowClock(self.definitions.calendars[name])
        age = clock.between(case["started_at"], end)
        if case["paused_from"] and case["paused_from"] < end:
            age -= clock.between(case["paused_from"], min(end, case["paused_until"]))
        return age.total_seconds()

    def step_times(self, name: str) -> list[float]:
        return [
            (step["closed_at"] - case["started_at"]).total_seconds()
            for case in self.cases
            for step in self.steps[case["journey"], case["case_id"]]
            if step["step"] == name and self.within(step["closed_at"])
        ]

    def failing(self, case: dict, kind: str = "") -> bool:
        """Whether the case has had an exception by now, of this kind if one is asked for."""
        return any(
            self.by_now(each["at"]) and kind in ("", each["kind"])
            for each in self.exceptions[case["journey"], case["case_id"]]
        )

    def with_exceptions(self, journey: str = "", kind: str = "") -> tuple[int, int]:
        """How many of those started have had one, and how many started."""
        started = [
            case
            for case in self.cases
            if journey in ("", case["journey"]) and self.within(case["started_at"])
        ]
        return sum(self.failing(case, kind) for case in started), len(started)

    def first_time_right(self, journey: str = "") -> tuple[int, int]:
        """How many of those completed went through at once, and how many were completed."""
        completed = [
            case
            for case in self.cases
            if journey in ("", case["journey"]) and self.within(case["completed_at"])
        ]
        right = [case for case in completed if not (self.failing(case) or case["rework"])]
        return len(right), len(completed)

    def failed(self) -> tuple[int, int]:
        started = [
            case
            for case in self.cases
            if case["journey"] == "contract-activation" and self.within(case["started_at"])
        ]
        failed = [
            case
            for case in started
            for step in self.steps[case["journey"], case["case_id"]]
            if step["step"] == "erp-project" and self.by_now(step["first_failed_at"])
        ]
        return len(failed), len(started)

    def attainment(self) -> tuple[int, int, int]:
        """Met, known, and unknown."""
        met = known = unknown = 0
        for case in self.cases:
            due = case["due_at"]
            if not self.within(due) or due >= self.now or self.state(case) == "cancelled":
                continue
            if self.state(case) == "completed":
                known += 1
                met += case["completed_at"] <= due
            elif self.unheard(case):
                unknown += 1
            else:
                known += 1
        return met, known, unknown

    def stuck(self) -> list[float]:
        ages = []
        for case in self.cases:
            if self.state(case) != "open":
                continue
            order = self.definitions.journeys[case["journey"]].positions
            waiting = [
                step
                for step in self.steps[case["journey"], case["case_id"]]
                if step["required"]
                and self.by_now(step["ready_at"])
                and not self.by_now(step["closed_at"])
            ]
            current = min(waiting, key=lambda s: (s["ready_at"], order[s["step"]]), default=None)
            late = current and current["due_at"] and current["due_at"] < self.now
            if late and current["system"] not in self.silent:
                ages.append((self.now - current["ready_at"]).total_seconds())
        return ages

    def at_risk(self) -> dict[str, Decimal]:
        """By currency, each contract once."""
        live = defaultdict(list)
        for case in self.cases:
            if self.state(case) == "open":
                live[case["root_id"]].append(case)
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for cases in live.values():
            valued = [c for c in cases if c["root_value"] is not None and c["root_currency"]]
            valued.sort(key=lambda c: (c["started_at"], c["journey"], c["case_id"]))
            if not valued:
                continue
            sums[valued[0]["root_currency"]] += 0
            if any(c["warn_at"] <= self.now and not self.unheard(c) for c in cases):
                sums[valued[0]["root_currency"]] += valued[0]["root_value"]
        return dict(sums)


def quantile(values: list[float], share: float) -> float | None:
    if not values:
        return None
    values = sorted(values)
    place = (len(values) - 1) * share
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def kaplan_meier(ended: list[float], censored: list[float], share: float) -> float | None:
    survival = 1.0
    for at in sorted(set(ended)):
        risk = sum(each >= at for each in ended + censored)
        survival *= 1 - ended.count(at) / risk
        if survival <= 1 - share + 1e-9:
            return at
    return None


def wilson(hits: int, n: int) -> tuple[float, float]:
    p, d = hits / n, 1 + Z * Z / n
    half = Z * math.sqrt(p * (1 - p) / n + Z * Z / 4 / n / n)
    return (p + Z * Z / 2 / n - half) / d, (p + Z * Z / 2 / n + half) / d


def close(got: float | None, expected: float | None) -> bool:
    if got is None or expected is None:
        return got is expected
    return math.isclose(got, expected, rel_tol=1e-9, abs_tol=1e-6)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    world=worlds(6),
    start=st.integers(-24, 150),
    length=st.sampled_from((24, 100, 400)),
    now=st.integers(0, 320),
    silent=st.sets(st.sampled_from(("erp", "psa", "crm"))),
)
def test_values_are_those_counted_by_hand(
    definitions, world: list[World], start, length, now, silent
):
    derived = derive(*frames(*world), definitions)
    window = Window(start=BASE + timedelta(hours=start), end=BASE + timedelta(hours=start + length))
    now = BASE + timedelta(hours=now)
    values = evaluate(definitions, derived, window=window, now=now, silent=silent)
    count = Count(definitions, derived, window, now, silent)
    before = Count(definitions, derived, window.before(), now - window.length, set())
    one = {value.kpi: value for value in values}

    ended, going = count.cycle_times()
    cycle = one["activation-cycle-time"]
    assert close(cycle.value, quantile(ended, 0.5))
    assert close(cycle.beside["p90"], quantile(ended, 0.9))
    assert close(cycle.beside["censored_median"], kaplan_meier(ended, going, 0.5))
    assert close(cycle.beside["censored_p90"], kaplan_meier(ended, going, 0.9))
    assert close(cycle.previous.value, quantile(before.cycle_times()[0], 0.5))
    for name, step in (("project-setup-time", "erp-project"), ("amendment-latency", BILLED)):
        assert close(one[name].value, quantile(count.step_times(step), 0.5))
        assert close(one[name].beside["p90"], quantile(count.step_times(step), 0.9))
        assert one[name].n == len(count.step_times(step))

    for name, asked in (
        ("business-exceptions", lambda at: at.with_exceptions()),
        ("invoice-exception-rate", lambda at: at.with_exceptions(CASH)),
        ("invoice-dispute-rate", lambda at: at.with_exceptions(CASH, "disputed")),
        ("first-time-right", lambda at: at.first_time_right()),
    ):
        hits, n = asked(count)
        assert (one[name].n, one[name].value) == (n, hits / n if n else None)
        assert one[name].coverage == (1.0 if n else None)
        hits, n = asked(before)
        assert (one[name].previous.n, one[name].previous.value) == (n, hits / n if n else None)

    failed, started = count.failed()
    share = one["failed-project-setups"]
    assert (share.n, share.value) == (started, failed / started if started else None)
    if started:
        assert close(share.low, max(0.0, wilson(failed, started)[0]))
        assert close(share.high, min(1.0, wilson(failed, started)[1]))

    met, known, unknown = count.attainment()
    attained = one["sla-attainment"]
    assert (attained.n, attained.value) == (known, met / known if known else None)
    whole = known + unknown
    assert close(attained.coverage, known / whole if whole else None)

    ages = count.stuck()
    assert (one["stuck-cases"].value, one["stuck-cases"].n) == (len(ages), len(ages))
    assert close(one["stuck-cases"].beside["oldest_seconds"], max(ages, default=None))
    assert one["stuck-cases"].previous.value == len(before.stuck())

    risks = {v.unit: v.value for v in values if v.kpi == "value-at-risk" and v.value is not None}
    assert risks == count.at_risk()

    by_journey = evaluate(
        definitions, derived, window=window, now=now, by=["journey"], kpis=["first-time-right"]
    )
    for value in by_journey:
        right, n = count.first_time_right(value.dimensions["journey"])
        assert (value.n, value.value) == (n, right / n)

    for value in values:
        _opens(definitions, derived, value, window, now, silent)


def _opens(
    definitions: Definitions,
    derived: Derived,
    value: KpiValue,
    window: Window,
    now: datetime,
    silent: set,
) -> None:
    """The cases behind a number are as many as it says, and make it up."""
    where = {"currency": value.unit} if value.kpi == "value-at-risk" else None
    asked = {"kpi": value.kpi, "window": window, "now": now, "silent": silent}
    behind = cases_behind(definitions, derived, where=where, **asked)
    if value.unit != "currency":
        assert behind.height == value.n
    adds = behind["contributes"].to_list()
    if value.unit == "ratio" and adds:
        assert value.value == sum(adds) / len(adds)
    elif value.unit == "cases":
        assert value.value == sum(adds)
    elif value.unit == "seconds":
        assert close(value.value, quantile(adds, 0.5))
    elif value.kpi == "value-at-risk" and value.unit != "currency":
        assert close(float(value.value), sum(adds))
