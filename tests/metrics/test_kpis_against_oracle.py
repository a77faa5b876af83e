"""KPI values equal those counted by hand, case by case, over generated worlds."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kpi_oracle import Count
from metrics_worlds import BASE, World, frames, worlds
from statistics_oracle import kaplan_meier, order_bounds, quantile, wilson

from metrics.definitions import Definitions
from metrics.definitions.rates import rate_table
from metrics.derive import MISMATCHES, Derived, derive
from metrics.kpis import cases_behind, evaluate
from threadline.definitions import Document
from threadline.model.kpis import KpiValue, Seen, Window

DAY = timedelta(days=1)
CASH, BILLED, LEAKAGE = "invoice-to-cash", "billing-updated", "revenue-leakage"


def close(got: float | None, expected: float | None) -> bool:
    if got is None or expected is None:
        return got is expected
    return math.isclose(got, expected, rel_tol=1e-9, abs_tol=1e-6)


APART = st.tuples(
    st.integers(1, 6),
    st.sampled_from(("contract_value", "price")),
    st.sampled_from(("erp", "billing", "psa")),
    st.integers(-40, 300),
    st.sampled_from((0, 20, 60)),
    st.sampled_from((None, 30, 200)),
    st.sampled_from(("12.50", "12.50", "700.00", None)),
    st.sampled_from(("EUR", "USD", "CHF")),
)
COPIES = st.lists(APART, max_size=12, unique_by=lambda row: row[:3])


PAIRS = ("EUR USD", "CHF EUR", "USD CHF")
RATES = st.fixed_dictionaries(
    {
        "reporting_currency": st.sampled_from(("EUR", "USD", "GBP")),
        "stale_after": st.sampled_from(("2 days", "30 days")),
        "rates": st.dictionaries(
            st.tuples(st.integers(-20, 14), st.sampled_from(PAIRS)),
            st.sampled_from(("1.0876", "0.9", "3", "0.000125")),
            min_size=1,
            max_size=8,
        ).map(
            lambda table: [
                f"{(BASE + day * DAY).date()} {pair} {rate}" for (day, pair), rate in table.items()
            ]
        ),
    },
    optional={"base": st.sampled_from(("EUR", "CHF"))},
)


def apart(rows: list[tuple]) -> pl.DataFrame:
    """Mismatches that begin at an hour, are due and end so many hours later; each may change once.

    Where it changes, the difference was another before.
    """
    found = []
    for number, attribute, system, start, due, lasts, difference, currency in rows:
        since = BASE + timedelta(hours=start)
        until = lasts and since + timedelta(hours=due + lasts)
        turn = since + timedelta(hours=10)
        whole = {
            "root_id": f"contract:clm:C-{number}",
            "object_id": f"contract:clm:C-{number}",
            "attribute": attribute,
            "system": system,
            "since": since,
            "due_at": since + timedelta(hours=due),
            "until": until,
            "master": "clm",
            "amount": attribute == "contract_value" or system != "psa",
            "currency": currency,
        }
        words = ("master_value", "copy_value", "master_currency", "copy_currency")
        whole |= dict.fromkeys((*words, "master_fact", "copy_fact"), "x")
        whole |= {"master_at": since, "copy_at": since}
        first = {"starts_at": since, "ends_at": turn, "difference": Decimal(3)}
        last = {
            "starts_at": turn,
            "ends_at": until,
            "difference": difference and Decimal(difference),
        }
        found += [whole | first, whole | last]
    return pl.DataFrame(found, schema=dict(MISMATCHES))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    world=worlds(6),
    start=st.integers(-24, 150),
    length=st.sampled_from((24, 100, 400)),
    now=st.integers(0, 320),
    silent=st.sets(st.sampled_from(("erp", "psa", "crm"))),
    copies=COPIES,
    rates=st.none() | RATES,
)
def test_values_are_those_counted_by_hand(
    definitions, world: list[World], start, length, now, silent, copies, rates
):
    if rates:
        table = rate_table(Document(file=Path("rates.yaml"), content=rates, lines={}))
        definitions = replace(definitions, rates=table)
    derived = replace(derive(*frames(*world), definitions), mismatches=apart(copies))
    steps = derived.steps.sort("journey", "case_id", "step")
    lost = pl.int_range(pl.len()) % 11 == world[0].number + len(copies)  # as if nothing told of it
    derived = replace(
        derived,
        steps=steps.with_columns(closed_by=pl.when(lost).then(pl.lit("")).otherwise("closed_by")),
    )
    window = Window(start=BASE + timedelta(hours=start), end=BASE + timedelta(hours=start + length))
    now = BASE + timedelta(hours=now)
    weeks = timedelta(days=7)
    ago = Seen(window=Window(start=window.start - weeks, end=window.end - weeks), now=now - weeks)
    values = evaluate(definitions, derived, window=window, now=now, silent=silent, year_ago=ago)
    count = Count(definitions, derived, window, now, silent, rates)
    before = Count(definitions, derived, window.before(), now - window.length, set())
    earlier = Count(definitions, derived, ago.window, ago.now, set())
    one = {value.kpi: value for value in values}

    ended, going = count.cycle_times()
    cycle = one["activation-cycle-time"]
    assert close(cycle.value, quantile(ended, 0.5))
    assert close(cycle.beside["p90"], quantile(ended, 0.9))
    assert close(cycle.beside["censored_median"], kaplan_meier(ended, going, 0.5))
    assert close(cycle.beside["censored_p90"], kaplan_meier(ended, going, 0.9))
    assert close(cycle.previous.value, quantile(before.cycle_times()[0], 0.5))
    assert close(cycle.year_ago.value, quantile(earlier.cycle_times()[0], 0.5))
    assert one["stuck-cases"].year_ago.value == len(earlier.stuck())
    for at in cycle.percentiles:
        assert close(at.value, quantile(ended, at.share))
        assert (at.low, at.high) == order_bounds(ended, at.share)
    assert len(cycle.percentiles) == (4 if ended else 0)
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

    leaks = {v.unit: (v.value, v.n) for v in values if v.kpi == LEAKAGE and v.value is not None}
    assert leaks == count.leaking()

    _passages(one, count, before, definitions)
    queue, lost = count.queue()
    assert (one["backlog"].value, one["backlog"].counts.get("unknown", 0)) == (
        sum(queue.values()),
        lost,
    )
    asked = {"window": window, "now": now, "silent": silent, "kpis": ["backlog"]}
    parts = evaluate(definitions, derived, by=["hop"], **asked)
    assert {part.dimensions["hop"]: part.value for part in parts if part.n} == queue

    by_journey = evaluate(
        definitions, derived, window=window, now=now, by=["journey"], kpis=["first-time-right"]
    )
    for value in by_journey:
        right, n = count.first_time_right(value.dimensions["journey"])
        assert (value.n, value.value) == (n, right / n)

    for value in values:
        if definitions.kpis[value.kpi].asks_intake:
            continue  # they are counted in the store, see test_orphan_share.py
        _opens(definitions, derived, value, window, now, silent)


def _passages(
    one: dict[str, KpiValue], count: Count, before: Count, definitions: Definitions
) -> None:
    """What is counted of single steps, and of cases by their steps."""
    times, unknown = count.hop_times()
    hops = one["processing-latency"]
    assert (hops.n, hops.counts.get("unknown", 0)) == (len(times), unknown)
    assert close(hops.value, quantile(times, 0.5))
    assert close(hops.beside["p90"], quantile(times, 0.9))
    assert close(hops.beside["p99"], quantile(times, 0.99))
    assert close(hops.previous.value, quantile(before.hop_times()[0], 0.5))

    done, going = count.recoveries()
    healed = one["recovery-time"]
    assert (healed.n, healed.counts.get("failing", 0)) == (len(done), len(going))
    assert close(healed.value, quantile(done, 0.5))
    assert close(healed.beside["p90"], quantile(done, 0.9))
    assert close(healed.beside["censored_median"], kaplan_meier(done, going, 0.5))

    paid, owed, aside = count.cash()
    cash = one["days-to-cash"]
    assert cash.n == len(paid) + len(owed)
    assert close(cash.value, kaplan_meier(paid, owed, 0.5))
    assert close(cash.beside["median"], quantile(paid, 0.5))
    for standing in ("disputed", "cancelled"):
        assert cash.counts.get(standing, 0) == aside.get(standing, 0)

    for name, (hits, known, dark) in (
        ("manual-touch", count.touched()),
        ("audit-completeness", count.audited()),
    ):
        assert (one[name].n, one[name].value) == (known, hits / known if known else None)
        assert close(one[name].coverage, known / (known + dark) if known + dark else None)
    n, used = count.burn(definitions.kpis["sla-burn"].objective)
    assert one["sla-burn"].n == n
    assert close(one["sla-burn"].value, used if n else None)


def _opens(
    definitions: Definitions,
    derived: Derived,
    value: KpiValue,
    window: Window,
    now: datetime,
    silent: set,
) -> None:
    """The cases behind a number are as many as it says, and make it up."""
    money = value.kpi in ("value-at-risk", LEAKAGE)
    where = {"counted_in": value.unit} if money else None
    asked = {"kpi": value.kpi, "window": window, "now": now, "silent": silent}
    behind = cases_behind(definitions, derived, where=where, **asked)
    if value.unit != "currency":
        assert behind.height == value.n
    adds = behind["contributes"].to_list()
    if value.kpi == "sla-burn" and adds:
        assert close(value.value, sum(adds) / len(adds) / 0.1)
    elif value.kpi == "days-to-cash":
        assert value.value is None or value.value in adds
    elif value.unit == "ratio" and adds:
        assert value.value == sum(adds) / len(adds)
    elif value.unit == "cases":
        assert value.value == sum(adds)
    elif value.unit == "seconds":
        assert close(value.value, quantile(adds, 0.5))
    elif money and value.value is not None:
        assert close(float(value.value), sum(adds))
