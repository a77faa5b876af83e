"""A business calendar as data, and the instants it opens and closes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import holidays
import polars as pl

from metrics.calendars.zones import offsets

FIRST_YEAR, LAST_YEAR = 2000, 2100  # facts before are implausible, deadlines after are not met with
NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Hours:
    """Working hours of one weekday (Monday 0), in minutes after local midnight."""

    weekday: int
    opens: int
    closes: int


@dataclass(frozen=True, kw_only=True)
class PublicHolidays:
    """The public holidays of a country, or of a part of it, as the `holidays` library has them."""

    country: str
    subdivision: str = ""


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """When business time runs: hours by weekday in `zone`, except on holidays and days off.

    A business day is `day_seconds` of working time long, whatever the hours of a given weekday are.
    """

    name: str
    title: str
    zone: str
    day_seconds: float
    hours: tuple[Hours, ...]
    holidays: tuple[PublicHolidays, ...] = ()
    days_off: tuple[date, ...] = ()

    def free_days(self) -> set[date]:
        """Every holiday and day off from `FIRST_YEAR` to `LAST_YEAR`."""
        days = set(self.days_off)
        for place in self.holidays:
            days |= _public(place.country, place.subdivision)
        return days


@lru_cache(maxsize=256)
def _public(country: str, subdivision: str) -> frozenset[date]:
    entity = getattr(holidays, country)
    first, last = max(FIRST_YEAR, entity.start_year), min(LAST_YEAR, entity.end_year)
    years = range(first, last + 1)
    return frozenset(holidays.country_holidays(country, subdivision or None, years=years))


@lru_cache(maxsize=256)
def working_intervals(calendar: Calendar) -> pl.DataFrame:
    """All working intervals, in order and apart: `opens`, `closes`, Int64 nanoseconds since 1970.

    Exact across changes of the zone's offset: an hour that a clock repeats counts twice, one it
    skips not at all.
    """
    windows = _local_windows(calendar)
    zone = offsets(calendar.zone, FIRST_YEAR, LAST_YEAR).with_columns(
        local_from=pl.col("since") + pl.col("offset"), local_to=pl.col("until") + pl.col("offset")
    )
    opens = pl.max_horizontal(pl.col("opens") - pl.col("offset"), pl.col("since"))
    closes = pl.min_horizontal(pl.col("closes") - pl.col("offset"), pl.col("until"))
    return (
        windows.join_where(
            zone,
            pl.col("opens") < pl.col("local_to"),
            pl.col("closes") > pl.col("local_from"),
        )
        .select(opens=opens * NANOSECONDS, closes=closes * NANOSECONDS)
        .sort("opens")
    )


def _local_windows(calendar: Calendar) -> pl.DataFrame:
    """Opening and closing as seconds on the local clock, counted as if it were UTC."""
    days = pl.date_range(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31), eager=True)
    free = pl.Series(sorted(calendar.free_days()), dtype=pl.Date)
    hours = pl.DataFrame(
        {
            "weekday": [hours.weekday + 1 for hours in calendar.hours],
            "from": [hours.opens * 60 for hours in calendar.hours],
            "to": [hours.closes * 60 for hours in calendar.hours],
        },
        schema={"weekday": pl.Int8, "from": pl.Int64, "to": pl.Int64},
    )
    midnight = pl.col("day").cast(pl.Int64) * 86_400
    return (
        pl.DataFrame({"day": days})
        .filter(~pl.col("day").is_in(free.implode()))
        .with_columns(weekday=pl.col("day").dt.weekday())
        .join(hours, on="weekday")
        .select(opens=midnight + pl.col("from"), closes=midnight + pl.col("to"))
    )
