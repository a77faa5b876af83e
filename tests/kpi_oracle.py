"""KPI values counted case by case, in plain Python, from rows of cases, steps and exceptions."""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

from slow_clock import SlowClock

from metrics.definitions import Definitions
from threadline.model.kpis import Window


class Count:
    """Every KPI of one window as of one moment. `derived` gives `cases`, `steps`, `exceptions`."""

    def __init__(
        self,
        definitions: Definitions,
        derived: Any,
        window: Window,
        now: datetime,
        silent: set,
        rates: dict[str, Any] | None = None,
    ) -> None:
        self.rates = rates
        self.definitions, self.window, self.now, self.silent = definitions, window, now, silent
        cases = derived.cases.to_dicts()
        self.cases = [case for case in cases if case["started_at"] <= now]
        self.steps = defaultdict(list)
        for step in derived.steps.iter_rows(named=True):
            self.steps[step["journey"], step["case_id"]].append(step)
        self.exceptions = defaultdict(list)
        for row in derived.exceptions.iter_rows(named=True):
            self.exceptions[row["journey"], row["case_id"]].append(row)
        stretches = getattr(derived, "mismatches", None)
        self.mismatches = [] if stretches is None else stretches.to_dicts()

    def within(self, at: datetime | None) -> bool:
        return at is not None and self.window.start <= at < self.window.end and at <= self.now

    def by_now(self, at: datetime | None) -> bool:
        return at is not None and at <= self.now

    def state(self, case: dict) -> str:
        if self.over_before(case, self.now):
            return case["ended_before_as"]
        if self.by_now(case["completed_at"]):
            return "completed"
        if self.by_now(case["cancelled_at"]):
            return "cancelled"
        paused = self.by_now(case["paused_from"]) and self.now < case["paused_until"]
        return "paused" if paused else "open"

    def over_before(self, case: dict, at: datetime) -> bool:
        """Whether it had ended by then, and was re-opened only later."""
        again = case["reopened_at"]
        return again is not None and case["ended_before_at"] <= at < again

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
            past = past or self.over_before(case, end)
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
                before = self.over_before(case, self.now)
                met += (case["ended_before_at"] if before else case["completed_at"]) <= due
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
            value, currency = self.worth(
                valued[0]["root_value"], valued[0]["root_currency"], self.now
            )
            sums[currency] += 0
            if any(c["warn_at"] <= self.now and not self.unheard(c) for c in cases):
                sums[currency] += value
        return dict(sums)

    def leaking(self) -> dict[str, tuple[Decimal, int]]:
        """By currency: the sum, and how many cases and copies make it up."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        counts: dict[str, int] = defaultdict(int)
        for stated, amount, leaks, *at in (*self.amended(), *self.stale(), *self.apart()):
            if stated and amount is not None:
                value, currency = self.worth(amount, stated, at[0] if at else self.now)
                sums[currency] += value if leaks else 0
                counts[currency] += leaks
        return {currency: (total, counts[currency]) for currency, total in sums.items()}

    def worth(self, amount: Decimal, currency: str, at: datetime) -> tuple[Decimal, str]:
        """In the reporting currency, or as it was where nothing converts it; days are UTC's."""
        if self.rates is None or currency == self.rates["reporting_currency"]:
            return amount, currency
        into, base = self.rates["reporting_currency"], self.rates.get("base")
        for way in ([currency, into], [currency, base, into]):
            with localcontext(prec=60):
                value: Decimal | None = amount
                for pair in itertools.pairwise(way):
                    value = value and self.exchanged(value, pair, at.date())
                if value:
                    return value.quantize(Decimal("0.01"), ROUND_HALF_EVEN), into
        return amount, currency

    def exchanged(self, amount: Decimal, pair: tuple[str, str], day: date) -> Decimal | None:
        """By the last line of the table up to that day, if it is not too old."""
        known = []
        for line in self.rates["rates"]:
            on, one, other, rate = line.split()
            if sorted((one, other)) == sorted(map(str, pair)) and date.fromisoformat(on) <= day:
                known.append((on, one, Decimal(rate)))
        if not known:
            return None
        on, one, rate = max(known)
        if day - date.fromisoformat(on) > timedelta(days=int(self.rates["stale_after"].split()[0])):
            return None
        return amount * rate if one == pair[0] else amount / rate

    def of_steps(self) -> list[tuple[dict, dict]]:
        return [
            (case, step)
            for case in self.cases
            for step in self.steps[case["journey"], case["case_id"]]
        ]

    def hop_times(self) -> tuple[list[float], int]:
        """Of the steps closed in the window, and how many cannot be measured."""
        times, unknown = [], 0
        for _, step in self.of_steps():
            if self.within(step["closed_at"]):
                since = step["ready_at"]
                if since is None or since > step["closed_at"]:
                    unknown += 1
                else:
                    times.append((step["closed_at"] - since).total_seconds())
        return times, unknown

    def recoveries(self) -> tuple[list[float], list[float]]:
        """Of the failed steps closed in the window, and the ages of those open at its end."""
        done, going = [], []
        end = min(self.now, self.window.end)
        for case, step in self.of_steps():
            failed, closed = step["first_failed_at"], step["closed_at"]
            if failed is None or failed > end:
                continue
            if self.within(closed):
                done.append((closed - failed).total_seconds())
            ends = (closed, case["completed_at"], case["cancelled_at"])
            if self.over_before(case, end):
                continue
            if step["required"] and not any(at and at <= end for at in ends):
                going.append((end - failed).total_seconds())
        return done, going

    def touched(self) -> tuple[int, int, int]:
        """By a person, known, unknown: of what integrations should close."""
        counts = [0, 0, 0]
        for case, step in self.of_steps():
            performer = self.definitions.journeys[case["journey"]].step(step["step"]).performer
            if self.within(step["closed_at"]) and performer == "integration":
                counts[0] += step["actor_type"] == "user"
                counts[1] += step["actor_type"] != ""
                counts[2] += step["actor_type"] == ""
        return counts[0], counts[1], counts[2]

    def burn(self, objective: float) -> tuple[int, float]:
        """How many may use misses up, and the share of those allowed that is used."""
        met, known, _ = self.attainment()
        coming = 0
        for case in self.cases:
            due = case["due_at"]
            paused = self.state(case) == "paused" and due and due >= case["paused_from"]
            inside = due is not None and self.window.start <= due < self.window.end
            if inside and due >= self.now and self.state(case) != "cancelled" and not paused:
                coming += 1
        n = known + coming
        return n, (known - met) / ((1 - objective) * n) if n else 0.0

    def cash(self) -> tuple[list[float], list[float], dict[str, int]]:
        """Times of paid invoices, ages of the unpaid, and how many are left out and why."""
        paid, going, aside = [], [], defaultdict(int)
        for case in self.cases:
            if case["journey"] != "invoice-to-cash" or not self.within(case["started_at"]):
                continue
            steps = self.steps[case["journey"], case["case_id"]]
            closed = [s["closed_at"] for s in steps if s["step"] == "paid"]
            closed = [at for at in closed if self.by_now(at)]
            if self.failing(case, "disputed"):
                aside["disputed"] += 1
            elif closed:
                paid.append((closed[0] - case["started_at"]).total_seconds())
            elif self.state(case) == "cancelled":
                aside["cancelled"] += 1
            else:
                going.append((self.now - case["started_at"]).total_seconds())
        return paid, going, dict(aside)

    def audited(self) -> tuple[int, int, int]:
        """Whole, known, unknown."""
        whole = known = unknown = 0
        for case in self.cases:
            if not self.within(case["completed_at"]):
                continue
            steps = self.steps[case["journey"], case["case_id"]]
            needed = [step for step in steps if step["required"]]
            if not needed or not all(step["closed_at"] and step["closed_by"] for step in needed):
                known += 1
            elif any(step["sampled"] for step in needed):
                unknown += 1
            else:
                whole, known = whole + 1, known + 1
        return whole, known, unknown

    def queue(self) -> tuple[dict[str, int], int]:
        """What waits, by hop; and what lies with silent systems."""
        waiting: dict[str, int] = defaultdict(int)
        unknown = 0
        for case, step in self.of_steps():
            entered = step["required"] and self.by_now(step["ready_at"])
            if self.state(case) not in ("open", "paused") or not entered:
                continue
            if self.by_now(step["closed_at"]):
                continue
            if step["system"] in self.silent:
                unknown += 1
            else:
                waiting[f"{step['journey']}/{step['step']}"] += 1
        return dict(waiting), unknown

    def amendments(self) -> list[tuple[dict, bool | None]]:
        """Those under way, and whether billing lacks them: None if nobody can tell."""
        found = []
        for case in self.cases:
            if case["journey"] == "amendment-sync" and self.state(case) in ("open", "paused"):
                steps = self.steps[case["journey"], case["case_id"]]
                billed = any(
                    step["step"] == "billing-updated" and self.by_now(step["closed_at"])
                    for step in steps
                )
                found.append((case, False if billed else None if "erp" in self.silent else True))
        return found

    def amended(self) -> list[tuple[str, Decimal | None, bool]]:
        known = [(case, leak) for case, leak in self.amendments() if leak is not None]
        return [(case["currency"], case["value"], leak) for case, leak in known]

    def stale(self) -> list[tuple[str, Decimal | None, bool, datetime]]:
        roots = {
            case["case_id"]: case["root_id"]
            for case in self.cases
            if case["journey"] == "amendment-sync"
        }
        told = {
            (roots[row["case_id"]], row["at"])
            for rows in self.exceptions.values()
            for row in rows
            if row["kind"] == "uncompensated" and self.by_now(row["at"])
        }
        return [
            (
                case["currency"],
                case["value"],
                (case["root_id"], case["started_at"]) in told,
                case["started_at"],
            )
            for case in self.cases
            if case["journey"] == "invoice-to-cash" and self.within(case["started_at"])
        ]

    def apart(self) -> list[tuple[str, Decimal | None, bool]]:
        """Copies of amounts that differ too long by now; the largest of each attribute leaks."""
        found: dict[tuple, list[dict]] = defaultdict(list)
        for row in self.mismatches:
            going = row["starts_at"] <= self.now and not self.by_now(row["ends_at"])
            heard = not {row["system"], row["master"]} & self.silent
            if row["amount"] and going and row["due_at"] < self.now and heard:
                found[row["object_id"], row["attribute"]].append(row)
        told = []
        for rows in found.values():
            largest = max(row["difference"] or 0 for row in rows)
            first = min(row["system"] for row in rows if (row["difference"] or 0) == largest)
            for row in rows:
                leaks = row["system"] == first and row["difference"] is not None
                told.append(
                    (row["currency"], row["difference"], leaks and not self.of_amendment(row))
                )
        return told

    def of_amendment(self, row: dict) -> bool:
        return any(
            leak and case["value"] is not None and row["since"] >= case["started_at"]
            for case, leak in self.amendments()
            if case["root_id"] == row["root_id"]
        )
