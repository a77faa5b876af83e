"""What moved a KPI: the parts add up to the change, and are those counted by hand."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics_worlds import BASE, SUCCESSES, World, frames, worlds
from statistics_oracle import quantile

from metrics.definitions import load
from metrics.derive import derive
from metrics.kpis import evaluate, moved
from metrics.kpis.contribution import _exchanged, _rate_and_mix
from threadline.api.kpis import UNDIVIDED
from threadline.model.kpis import Seen, Window

# KPIs of cases and steps whose change is divided: no sum, share or quantile is left out.
DIVIDED = sorted(
    kpi.name
    for kpi in load().kpis.values()
    if kpi.counts in ("cases", "steps") and kpi.measure not in UNDIVIDED
)
LABELS = ("a", "b", "c", "")
TALLY = st.integers(0, 9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
TALLIES = st.dictionaries(st.sampled_from(LABELS), TALLY).filter(
    lambda groups: sum(n for _, n in groups.values())
)
TIMES = st.dictionaries(
    st.sampled_from(LABELS),
    st.lists(st.integers(0, 90).map(float), min_size=1, max_size=5),
    min_size=1,
)


def rate(tallies: dict) -> Fraction:
    return Fraction(sum(hits for hits, _ in tallies.values()), sum(n for _, n in tallies.values()))


@given(then=TALLIES, now=TALLIES)
def test_rate_and_mix_add_up_exactly_and_are_blind_to_the_order_of_windows(then, now):
    labels = sorted({*then, *now})
    there = _rate_and_mix(labels, then, now)
    back = _rate_and_mix(labels, now, then)
    assert sum(each.whole for each in there.values()) == rate(now) - rate(then)
    assert all(each.rate + each.mix == each.whole for each in there.values())
    assert {label: -each.whole for label, each in there.items()} == {
        label: each.whole for label, each in back.items()
    }


@given(tallies=TALLIES, factor=st.integers(2, 4))
def test_groups_that_only_grow_alike_have_neither_rate_nor_mix(tallies, factor):
    grown = {label: (hits * factor, n * factor) for label, (hits, n) in tallies.items()}
    found = _rate_and_mix(sorted(tallies), tallies, grown)
    assert all((each.rate, each.mix) == (0, 0) for each in found.values())


def test_a_shift_to_the_worse_group_is_all_mix():
    found = _rate_and_mix(["a", "b"], {"a": (9, 10), "b": (5, 10)}, {"a": (9, 10), "b": (15, 30)})
    assert [each.rate for each in found.values()] == [0, 0]
    assert sum(each.mix for each in found.values()) == Fraction(24, 40) - Fraction(14, 20)


def at(times: dict, share: float) -> float | None:
    return quantile([time for group in times.values() for time in group], share)


@given(then=TIMES, now=TIMES, share=st.sampled_from((0.5, 0.9)))
def test_two_groups_exchange_to_the_whole_change_and_each_by_the_mean_of_both_orders(
    then, now, share
):
    labels = sorted({*then, *now})
    found = {label: each.whole for label, each in _exchanged(labels, then, now, share).items()}
    change = at(now, share) - at(then, share)
    if len(labels) == 1:
        assert float(found[labels[0]]) == pytest.approx(change)
        return
    for label in labels:
        rest = [other for other in labels if other != label]
        steps = []
        for order in ([label, *rest], [*rest, label]):
            world = dict(then)
            for exchanged in order:
                before = at(world, share)
                world[exchanged] = now.get(exchanged, [])
                if exchanged == label and None not in (before, at(world, share)):
                    steps.append(at(world, share) - before)
        assert float(found[label]) == pytest.approx(sum(steps) / len(steps), abs=1e-9)


@settings(max_examples=12, deadline=None)
@given(
    world=worlds(4),
    by=st.sampled_from(("region", "journey", "system", "step")),
    kpi=st.sampled_from(DIVIDED),
)
def test_the_parts_of_every_kpi_and_the_residual_add_up_to_its_change(definitions, world, by, kpi):
    derived = derive(*frames(*world), definitions)
    now = BASE + timedelta(hours=200)
    window = Window(start=now - timedelta(hours=100), end=now)
    earlier = Seen(window=window.before(), now=window.start)
    values = evaluate(definitions, derived, window=window, now=now, kpis=[kpi])
    told = {value.unit: value for value in values}
    found = moved(definitions, derived, kpi=kpi, by=by, window=window, now=now, earlier=earlier)
    for one in found:
        if one.change is None or one.unit not in told:
            continue
        value = told[one.unit]
        assert one.value == pytest.approx(float(value.value))
        if value.previous and value.previous.value is not None:
            assert one.change == pytest.approx(
                float(value.value) - float(value.previous.value), abs=1e-6
            )
        whole = sum(part.effect for part in one.parts) + one.residual
        assert whole == pytest.approx(one.change, abs=1e-6)
        if one.unit != "seconds":
            assert one.residual == 0


def test_a_group_that_comes_or_goes_is_all_mix():
    found = _rate_and_mix(
        ["a", "b", "c"], {"a": (9, 10), "b": (1, 5)}, {"a": (9, 10), "c": (2, 20)}
    )
    assert (found["b"].rate, found["c"].rate) == (0, 0)
    assert found["b"].mix > 0 > found["c"].mix  # b had been below the whole


def test_the_largest_effects_come_first_and_the_past_is_what_is_given(definitions):
    more, fewer = ([World(number) for number in range(1, n)] for n in (13, 10))
    for world in more:
        world.fact(SUCCESSES[0], 0, contract__region="APAC", contract__business_unit="x")
    for world in fewer:
        region = "EMEA" if world.number < 3 else "AMER"
        world.fact(SUCCESSES[0], 0, contract__region=region, contract__business_unit="x")
    now, past = (derive(*frames(*each), definitions) for each in (fewer, more))
    window = Window(start=BASE, end=BASE + timedelta(hours=100))
    earlier = Seen(window=window, now=window.end)
    (found,) = moved(
        definitions,
        now,
        kpi="backlog",
        by="region",
        window=window,
        now=window.end,
        earlier=earlier,
        long_ago=past,
    )
    effects = {part.label: part.effect for part in found.parts}
    assert list(effects) == ["APAC", "AMER", "EMEA"]
    assert (found.previous, found.value) == (-effects["APAC"], effects["AMER"] + effects["EMEA"])
