"""KPIs by example: cuts, series, samples too small, and what cannot be judged."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from metrics_worlds import BASE, SUCCESSES, World, frames

from metrics.definitions import load
from metrics.derive import Derived, derive
from metrics.kpis import FirmCalendar, cases_behind, evaluate, series
from threadline.errors import NotFound
from threadline.model.kpis import Window

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WINDOW = Window(start=BASE - DAY, end=BASE + 20 * DAY)
NOW = BASE + 10 * DAY


@pytest.fixture(scope="module")
def derived() -> Derived:
    """Ten expedited contracts; six are done within 20 hours, the others lie at the ERP."""
    definitions, worlds = load(), [World(number) for number in range(10)]
    for world in worlds:
        world.fact(
            SUCCESSES[0],
            world.number,
            contract__tier="expedited",
            contract__region=("EMEA", "AMER")[world.number % 2],
            contract__value=f"{world.number}000.25",
            contract__currency="EUR" if world.number % 3 else "USD",
        )
        world.fact(SUCCESSES[1], world.number + 1)
        if world.number < 6:
            for name in SUCCESSES[2:8]:
                world.fact(name, world.number + 20)
    whole = derive(*frames(*worlds), definitions)
    tables = {
        name: getattr(whole, name).filter(journey="contract-activation")
        for name in ("cases", "steps", "exceptions")
    }
    return Derived(**tables)


def ask(definitions, derived, kpi, **more):
    asked = {"window": WINDOW, "now": NOW, "kpis": [kpi]} | more
    return evaluate(definitions, derived, **asked)


def test_open_and_past_due_is_a_miss_today(shipped, derived):
    (value,) = ask(shipped, derived, "sla-attainment")
    assert (value.value, value.n, value.coverage, value.state) == (0.6, 10, 1.0, "breached")


def test_a_silent_source_leaves_numerator_and_denominator(shipped, derived):
    (value,) = ask(shipped, derived, "sla-attainment", silent={"erp"})
    assert (value.value, value.n, value.coverage) == (1.0, 6, 0.6)
    assert value.counts == {"met": 6, "unknown": 4}
    (stuck,) = ask(shipped, derived, "stuck-cases", silent={"erp"})
    assert (stuck.value, stuck.coverage) == (0, 0.0)
    assert stuck.note.startswith("none of 4 cases can be judged")


def test_cut_by_dimensions_nothing_is_lost(shipped, derived):
    parts = ask(shipped, derived, "sla-attainment", by=["region"])
    assert [dict(part.dimensions) for part in parts] == [{"region": "AMER"}, {"region": "EMEA"}]
    assert sum(part.n for part in parts) == 10
    for part in parts:
        behind = cases_behind(
            shipped, derived, kpi=part.kpi, window=WINDOW, now=NOW, where=part.dimensions
        )
        assert behind.height == part.n
    systems = ask(shipped, derived, "stuck-cases", by=["system"])
    assert {dict(part.dimensions)["system"]: part.value for part in systems} == {"erp": 4}


def test_what_waits_for_no_system_counts_for_the_one_that_closed_it_last(shipped):
    worlds = [World(number) for number in range(6)]
    for world in worlds:
        world.fact(SUCCESSES[0], world.number, contract__tier="expedited")
        world.fact(SUCCESSES[1], world.number + 1)
    for world in worlds[:3]:
        for name in SUCCESSES[2:7]:
            world.fact(name, world.number + 4)
    for world, hours in zip(worlds, (2, 3, 5, 6), strict=False):  # before the ERP, or after it
        world.fact(SUCCESSES[7], world.number + hours)
    parts = ask(shipped, derive(*frames(*worlds), shipped), "sla-attainment", by=["system"])
    assert {part.dimensions["system"]: (part.n, part.value) for part in parts} == {
        "erp": (5, 0.4),  # two that it closed last, three that wait for it
        "psa": (1, 1.0),
    }


def test_value_at_risk_stands_per_currency_and_is_never_mixed(shipped, derived):
    values = {value.unit: value for value in ask(shipped, derived, "value-at-risk")}
    assert {unit: value.value for unit, value in values.items()} == {
        "EUR": Decimal("15000.50"),
        "USD": Decimal("15000.50"),
    }
    assert values["EUR"].target == Decimal("1500.05")
    assert values["EUR"].n == 2


def test_a_sample_below_the_minimum_is_too_few_to_say(shipped, derived):
    window = Window(start=BASE + DAY, end=BASE + DAY + 3 * HOUR)  # the deadlines of three
    (value,) = ask(shipped, derived, "sla-attainment", window=window)
    assert (value.n, value.value, value.state) == (3, 1.0, "too_few")
    assert value.note == "too few to say: 3, at least 5 are needed"


def test_nothing_measured_is_unknown_and_says_why(shipped, derived):
    window = Window(start=BASE - 9 * DAY, end=BASE - 8 * DAY)
    (value,) = ask(shipped, derived, "project-setup-time", window=window)
    assert (value.value, value.n, value.state, value.coverage) == (None, 0, "unknown", None)
    assert value.note == "no case passed this step in the window"


def test_the_window_before_is_seen_at_equal_maturity(shipped, derived):
    window = Window(start=BASE + 2 * DAY, end=BASE + 4 * DAY)
    now = BASE + 3 * DAY  # the window before is seen as of one day into it: due, and not yet late
    (value,) = ask(shipped, derived, "sla-attainment", window=window, now=now)
    assert value.previous.window == Window(start=BASE, end=BASE + 2 * DAY)
    assert (value.previous.n, value.previous.value) == (0, None)
    (value,) = ask(shipped, derived, "sla-attainment", window=window, now=now + 12 * HOUR)
    assert (value.previous.n, value.previous.value) == (10, 0.6)


def test_open_cases_lift_the_censored_median_above_the_plain_one(shipped, derived):
    window = Window(start=BASE, end=BASE + 2 * DAY)
    (value,) = ask(shipped, derived, "activation-cycle-time", window=window, now=window.end)
    assert value.business
    assert value.counts == {"ended": 6, "open": 4}
    assert value.beside["censored_p90"] is None
    assert value.beside["censored_median"] >= value.value


def test_a_series_counts_every_case_once(shipped, derived):
    parts = list(FirmCalendar().parts(WINDOW, 6 * HOUR, NOW))
    values = series(shipped, derived, kpi="sla-attainment", parts=parts, now=NOW)
    assert sum(value.n for value in values) == 10
    assert values[0].window.start == WINDOW.start
    assert values[-1].window.start < NOW


def test_a_series_of_what_is_now_looks_back_from_each_end(shipped, derived):
    window = Window(start=BASE, end=BASE + 4 * DAY)
    parts = list(FirmCalendar().parts(window, DAY, NOW))
    values = series(shipped, derived, kpi="stuck-cases", parts=parts, now=NOW)
    assert [value.value for value in values] == [0, 4, 4, 4]


def test_names_nobody_has_defined_are_refused(shipped, derived):
    for wrong in ({"kpis": ["luck"]}, {"journey": "hike"}, {"by": ["colour"]}):
        with pytest.raises(NotFound):
            ask(shipped, derived, "sla-attainment", **wrong)
    with pytest.raises(NotFound):
        cases_behind(shipped, derived, kpi="luck", window=WINDOW, now=NOW)


def test_a_window_that_ends_before_it_starts_is_refused():
    with pytest.raises(ValueError, match="before it starts"):
        Window(start=BASE, end=BASE)


def test_a_contract_with_two_late_cases_is_at_risk_once(definitions):
    world = World()
    terms = {"contract__value": "900.00", "contract__currency": "EUR"}
    world.fact(SUCCESSES[0], 0, contract__tier="expedited", **terms)
    world.fact("change.approved", 5, on=("amendment",), change__value="70", **terms)
    derived = derive(*frames(world), definitions)
    assert derived.cases.height == 2
    (value,) = ask(definitions, derived, "value-at-risk")
    assert (value.value, value.n) == (Decimal("900.00"), 1)
    behind = cases_behind(definitions, derived, kpi=value.kpi, window=WINDOW, now=NOW)
    assert behind["contributes"].to_list() == [900.0]
