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


def as_nanoseconds(seconds: pl.Series) -> pl.Series:
    """To the nearest whole nanosecond."""
    return (seconds * NANOSECONDS).round().cast(pl.Int64)


@lru_cache(maxsize=256)
def business_time(calendar: Calendar) -> BusinessTime:
    """`calendar` made ready, once."""
    return BusinessTime(calendar)


class Clocks:
    """Several clocks asked at once: each row names its calendar, or `ELAPSED`."""

    def __init__(self, calendars: Mapping[str, Calendar]) -> None:
        self._calendars = calendars

    def between(self, clock: pl.Series, since: pl.Series, until: pl.Series) -> pl.Series:
        """Seconds that run on each row's `clock` from `since` to `until`; negative if swapped."""
        return as_seconds(self.position(clock, until) - self.position(clock, since))

    def after(self, clock: pl.Series, since: pl.Series, seconds: pl.Series) -> pl.Series:
        """The earliest instant at which `seconds`, above zero, have run since `since`.

        A budget used up at closing time ends then, not at the next opening.
        """
        start = self.position(clock, since)
        return self.instant(clock, start + as_nanoseconds(seconds))

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
        def answer(name: object, column: pl.Series) -> pl.Series:
            if name != ELAPSED:
                column = question(business_time(self._calendars[str(name)]), column)
            return column.cast(elapsed)

        names = clock.unique()
        if len(names) == 1:  # always so for a single contract; taking apart costs the most then
            return answer(names[0], values).rename(values.name)
        rows = pl.DataFrame({"clock": clock, "value": values}).with_row_index()
        answers = [pl.DataFrame(schema={"index": pl.UInt32, "value": elapsed})]
        for (name,), part in rows.partition_by("clock", as_dict=True, include_key=False).items():
            answers.append(part.select("index", answer(name, part["value"]).alias("value")))
        return pl.concat(answers).sort("index")["value"].rename(values.name)
