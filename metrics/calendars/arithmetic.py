"""Arithmetic on business time, whole columns at once.

A clock's *position* is how much of its time, in nanoseconds, has run by an instant. Adding and
subtracting are then searches in the sorted openings of the calendar.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeVar

import polars as pl

from metrics.calendars.calendar import NANOSECONDS, Calendar, working_intervals

Column = TypeVar("Column", pl.Series, pl.Expr)
ELAPSED = ""  # the name of the clock that never stops
INSTANT = pl.Datetime("ns", "UTC")


class BusinessTime:
    """One calendar, made ready for searching; before 2000 and after 2100 no time runs on it."""

    def __init__(self, calendar: Calendar) -> None:
        intervals = working_intervals(calendar)
        self._opens, self._closes = intervals["opens"], intervals["closes"]
        lengths = self._closes - self._opens
        self._ran = lengths.cum_sum() - lengths

    def position(self, at: pl.Series) -> pl.Series:
        """Business nanoseconds that have run by each instant (Int64); null stays null."""
        instants = at.cast(INSTANT).cast(pl.Int64)
        index = (self._opens.search_sorted(instants, side="right").cast(pl.Int64) - 1).clip(0)
        opens, closes, ran = (column.gather(index) for column in self._columns())
        inside = (instants - opens).clip(0, closes - opens)
        return (ran + inside).rename(at.name)

    def instant(self, position: pl.Series) -> pl.Series:
        """The earliest instant at which each position is reached; null stays null."""
        index = (self._ran.search_sorted(position, side="left").cast(pl.Int64) - 1).clip(0)
        opens, _, ran = (column.gather(index) for column in self._columns())
        return (opens + position - ran).cast(INSTANT).rename(position.name)

    def _columns(self) -> tuple[pl.Series, pl.Series, pl.Series]:
        return self._opens, self._closes, self._ran


def as_seconds(nanoseconds: Column) -> Column:
    """Whole seconds stay whole: dividing at once multiplies by a rounded reciprocal."""
    return nanoseconds // NANOSECONDS + (nanoseconds % NANOSECONDS) / NANOSECONDS


@lru_cache(maxsize=256)
def business_time(calendar: Calendar) -> BusinessTime:
    """`calendar` made ready, once."""
    return BusinessTime(calendar)


def business_between(calendar: Calendar, since: pl.Series, until: pl.Series) -> pl.Series:
    """Business seconds from each `since` to its `until` (Float64); negative when swapped."""
    clock = business_time(calendar)
    return as_seconds(clock.position(until) - clock.position(since))


def add_business(calendar: Calendar, since: pl.Series, seconds: pl.Series) -> pl.Series:
    """The earliest instant at which `seconds` of business time have run since `since`.

    A budget used up at closing time ends then, not at the next opening. Nothing added to an instant
    is that instant.
    """
    clock = business_time(calendar)
    budget = (seconds * NANOSECONDS).round().cast(pl.Int64)
    reached = clock.instant(clock.position(since) + budget)
    starts = since.cast(INSTANT)
    return pl.select(pl.when(budget > 0).then(reached).otherwise(starts)).to_series()


class Clocks:
    """Several clocks asked at once: each row names its calendar, or `ELAPSED`."""

    def __init__(self, calendars: Mapping[str, Calendar]) -> None:
        self._calendars = calendars

    def position(self, clock: pl.Series, at: pl.Series) -> pl.Series:
        """What has run on each row's `clock` by its instant, in nanoseconds from a fixed origin."""
        return self._ask(clock, at, lambda time, part: time.position(part), pl.Int64())

    def instant(self, clock: pl.Series, position: pl.Series) -> pl.Series:
        """The earliest instant at which each row's `clock` has reached `position`."""
        return self._ask(clock, position, lambda time, part: time.instant(part), INSTANT)

    def _ask(
        self,
        clock: pl.Series,
        values: pl.Series,
        question: Callable[[BusinessTime, pl.Series], pl.Series],
        elapsed: pl.DataType,
    ) -> pl.Series:
        rows = pl.DataFrame({"clock": clock, "value": values}).with_row_index()
        answers = [pl.DataFrame(schema={"index": pl.UInt32, "value": elapsed})]
        for (name,), part in rows.partition_by("clock", as_dict=True, include_key=False).items():
            column = part["value"]
            if name != ELAPSED:
                column = question(business_time(self._calendars[str(name)]), column)
            answers.append(part.select("index", column.cast(elapsed).alias("value")))
        return pl.concat(answers).sort("index")["value"].rename(values.name)
