"""A mark at the share at which a journey warns is its warning; at another, where a journey would
warn that warned there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from metrics_worlds import World, frames, worlds

from alerts.rules import Mark
from metrics.definitions import Definitions, load
from metrics.derive import derive
from threadline.marks import Marking

BUSY = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
PAUSE = "clm.customer.waiting"


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    whole = load()
    name = "contract-activation"
    return replace(whole, journeys={name: whole.journeys[name]})


def warning_at(definitions: Definitions, share: float) -> Definitions:
    """The same, but warning at that share of the promise."""
    journeys = {
        name: replace(
            journey,
            promises=tuple(replace(promise, warn=share) for promise in journey.promises),
        )
        for name, journey in definitions.journeys.items()
    }
    return replace(definitions, journeys=journeys)


def marked(
    definitions: Definitions, cases: pl.DataFrame, *, step: bool = False, **columns
) -> list[datetime | None]:
    mark = Mark(**columns)
    one, none = frozenset({mark}), frozenset()
    both = {"of_cases": none if step else one, "of_steps": one if step else none}
    found = Marking(definitions=definitions, **both)(cases)
    name = f"{'step-' * step}mark:{mark.name}"
    assert found.schema == {name: pl.Datetime("ns", "UTC")}
    return found[name].to_list()


@BUSY
@given(worlds())
def test_at_the_journeys_own_share_it_is_the_warning(definitions, world: list[World]):
    cases = derive(*frames(*world), definitions).cases
    assert marked(definitions, cases, share=Decimal(75)) == cases["warn_at"].to_list()


@BUSY
@given(worlds())
def test_at_the_whole_and_without_an_offset_it_is_the_end(definitions, world: list[World]):
    cases = derive(*frames(*world), definitions).cases
    for clock in ("elapsed", "business"):
        ends = marked(definitions, cases, offset=timedelta(), clock=clock)
        if clock == "elapsed":
            assert ends == cases["due_at"].to_list()
    once = cases.filter(pl.col("case_id").is_in(_paused_once(world)))
    assert marked(definitions, once, share=Decimal(100)) == once["due_at"].to_list()


@BUSY
@given(worlds())
def test_at_another_share_it_is_what_a_journey_that_warns_there_says(definitions, world):
    told = frames(*world)
    cases = derive(*told, definitions).cases.sort("case_id")
    cases = cases.filter(pl.col("case_id").is_in(_paused_once(world)))
    for share in (Decimal(20), Decimal(50), Decimal(90)):
        other = derive(*told, warning_at(definitions, float(share) / 100)).cases.sort("case_id")
        other = other.join(cases.select("case_id"), on="case_id", how="semi").sort("case_id")
        assert marked(definitions, cases, share=share) == other["warn_at"].to_list()


def _paused_once(world: list[World]) -> list[str]:
    """A row keeps the last pause, so marks are exact where there was at most one."""
    observed = frames(*world)[0].filter(pl.col("name") == PAUSE)
    counts = dict(observed.group_by("root_id").len().iter_rows())
    roots = frames(*world)[1]["root_id"].unique().to_list()
    return [root for root in roots if counts.get(root, 0) <= 1]


def case(**columns) -> pl.DataFrame:
    """Due on Tuesday at 12:00 in Berlin; nine to five are business hours."""
    row = {
        "journey": "contract-activation",
        "version": "?",
        "dimensions": '{"region": "EMEA"}',
        "current_step": "erp-project",
        "warn_at": None,
        "due_at": datetime(2026, 3, 3, 11, tzinfo=UTC),
        "current_since": None,
        "current_due_at": None,
        "paused_from": None,
        "paused_until": None,
    }
    names = ("warn_at", "due_at", "current_since", "current_due_at", "paused_from", "paused_until")
    return pl.DataFrame(
        [row | columns], schema_overrides=dict.fromkeys(names, pl.Datetime("ns", "UTC"))
    )


def test_so_long_before_the_end_by_the_clock_and_in_business_time(definitions):
    (elapsed,) = marked(definitions, case(), offset=timedelta(hours=-6))
    assert elapsed == datetime(2026, 3, 3, 5, tzinfo=UTC)
    (business,) = marked(definitions, case(), offset=timedelta(hours=-6), clock="business")
    assert business.date() == datetime(2026, 3, 2, tzinfo=UTC).date(), "over night"
    (after,) = marked(definitions, case(), offset=timedelta(hours=2))
    assert after == datetime(2026, 3, 3, 13, tzinfo=UTC)


def test_a_pause_on_the_way_is_stepped_over(definitions):
    paused = case(
        paused_from=datetime(2026, 3, 3, 8, tzinfo=UTC),
        paused_until=datetime(2026, 3, 3, 10, tzinfo=UTC),
    )
    (before,) = marked(definitions, paused, offset=timedelta(hours=-2))
    assert before == datetime(2026, 3, 3, 7, tzinfo=UTC)
    (inside,) = marked(definitions, paused, offset=timedelta(minutes=-30))
    assert inside == datetime(2026, 3, 3, 10, 30, tzinfo=UTC)


def test_half_of_a_steps_time(definitions):
    """The ERP project has 24 hours, by the clock."""
    since = datetime(2026, 3, 2, 9, tzinfo=UTC)
    waiting = case(current_since=since, current_due_at=since + timedelta(hours=24))
    assert marked(definitions, waiting, share=Decimal(50), step=True) == [
        since + timedelta(hours=12)
    ]
    paused = waiting.with_columns(
        paused_from=pl.lit(since + timedelta(hours=1)).cast(pl.Datetime("ns", "UTC")),
        paused_until=pl.lit(since + timedelta(hours=4)).cast(pl.Datetime("ns", "UTC")),
        current_due_at=pl.lit(since + timedelta(hours=27)).cast(pl.Datetime("ns", "UTC")),
    )
    assert marked(definitions, paused, share=Decimal(50), step=True) == [
        since + timedelta(hours=15)
    ]
    nowhere = waiting.with_columns(current_due_at=pl.lit(None, pl.Datetime("ns", "UTC")))
    assert marked(definitions, nowhere, share=Decimal(50), step=True) == [None]


def test_what_no_definition_knows_has_no_mark(definitions):
    strange = case(journey="never-heard-of")
    assert marked(definitions, strange, offset=timedelta()) == [None]
