"""What generated worlds hardly ever hold: who is counted, by rows made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from metrics.definitions import Definitions
from metrics.derive import Derived
from metrics.derive.rows import CASES, EXCEPTIONS, MISMATCHES, STEPS
from metrics.kpis import evaluate
from threadline.model.kpis import KpiValue, Window

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = Window(start=NOW - 100 * HOUR, end=NOW + 100 * HOUR)
JOURNEY = "invoice-to-cash"


def case(number: int, **told: Any) -> dict[str, Any]:
    usual = {"journey": JOURNEY, "case_id": f"I-{number}", "root_id": f"C-{number}"}
    usual |= {"started_at": NOW - 50 * HOUR, "dimensions": "", "waiting_systems": []}
    return usual | told


def step(number: int, name: str, **told: Any) -> dict[str, Any]:
    return {"journey": JOURNEY, "case_id": f"I-{number}", "step": name, "system": "bank"} | told


def rows(told: Sequence[dict[str, Any]], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(told, schema=dict(schema))


def valued(
    definitions: Definitions,
    kpi: str,
    cases: list[dict[str, Any]],
    steps: list[dict[str, Any]],
    exceptions: Sequence[dict[str, Any]] = (),
    mismatches: Sequence[dict[str, Any]] = (),
) -> KpiValue:
    derived = Derived(
        cases=rows(cases, CASES),
        steps=rows(steps, STEPS),
        exceptions=rows(exceptions, EXCEPTIONS),
        mismatches=rows(mismatches, MISMATCHES),
    )
    (value,) = evaluate(definitions, derived, window=WINDOW, now=NOW, kpis=[kpi])
    return value


def test_a_step_that_nobody_waits_for_is_not_failing(shipped):
    failed = {"ready_at": NOW - 40 * HOUR, "first_failed_at": NOW - 30 * HOUR}
    steps = [step(1, "paid", required=True, **failed), step(2, "paid", required=False, **failed)]
    value = valued(shipped, "recovery-time", [case(1), case(2)], steps)
    assert value.counts == {"failing": 1}


def test_a_dispute_that_comes_later_leaves_nobody_out_yet(shipped):
    cases = [case(1), case(2)]
    told = {"journey": JOURNEY, "kind": "disputed"}
    disputes = [
        told | {"case_id": "I-1", "at": NOW - HOUR},
        told | {"case_id": "I-2", "at": NOW + HOUR},
    ]
    value = valued(shipped, "days-to-cash", cases, [], disputes)
    assert (value.n, value.counts) == (1, {"disputed": 1, "waiting": 1})


def test_a_case_without_a_promise_puts_nothing_at_risk(shipped):
    worth = {"root_value": Decimal("100.00"), "root_currency": "EUR"}
    late = {"warn_at": NOW - 2 * HOUR, "due_at": NOW - HOUR}
    value = valued(shipped, "value-at-risk", [case(1, **worth), case(2, **worth, **late)], [])
    assert (value.value, value.n) == (Decimal("100.00"), 1)
    assert value.beside["open_value"] == 200


def test_a_promise_that_ends_right_now_is_still_to_come(shipped):
    due = case(1, due_at=NOW, warn_at=NOW - HOUR)
    value = valued(shipped, "sla-burn", [due, case(2, due_at=NOW - HOUR)], [])
    assert (value.n, value.counts) == (2, {"missed": 1, "to come": 1})


def apart(system: str, difference: str, since: datetime) -> dict[str, Any]:
    """A copy of a contract's value that differs, and is past its time."""
    told = {"root_id": "C-1", "object_id": "C-1", "attribute": "contract_value", "system": system}
    told |= dict.fromkeys(("starts_at", "since", "due_at"), since) | {"master": "clm"}
    return told | {"amount": True, "difference": Decimal(difference), "currency": "EUR"}


def test_of_copies_that_differ_alike_the_largest_counts_and_of_an_amendment_none(shipped):
    since = NOW - 20 * HOUR
    copies = [apart("erp", "700.00", since), apart("psa", "50.00", since)]
    alone = valued(shipped, "revenue-leakage", [], [], [], copies)
    amended = case(1, journey="amendment-sync", started_at=since)
    amended |= {"value": Decimal("30.00"), "currency": "EUR"}
    beside = valued(shipped, "revenue-leakage", [amended], [], [], copies)

    assert (alone.value, alone.counts) == (700, {"copy differs": 1, "counted elsewhere": 1})
    assert (beside.value, beside.counts) == (30, {"not in billing": 1, "counted elsewhere": 2})


def test_what_is_not_mature_yet_is_not_counted_yet(shipped):
    kpi = replace(shipped.kpis["first-time-right"], maturity=10 * HOUR)
    patient = replace(shipped, kpis={**shipped.kpis, kpi.name: kpi})
    ended = [case(n, completed_at=NOW - n * HOUR, rework=0) for n in (9, 10, 11)]
    assert valued(patient, kpi.name, ended, []).n == 2
    assert valued(shipped, kpi.name, ended, []).n == 3
