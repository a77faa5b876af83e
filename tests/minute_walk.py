"""Business time counted by walking minute by minute, in plain Python, in any zone there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from itertools import pairwise
from zoneinfo import ZoneInfo

import holidays
import polars as pl

from metrics.calendars import Calendar, Clocks, Hours, PublicHolidays

MINUTE, LOOK = timedelta(minutes=1), timedelta(hours=6)
SPAN = datetime(2020, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
AROUND = timedelta(hours=36)
# Minutes of a local day; all but the first hold hours in which clocks change.
WORK = {
    "office": ((540, 1020),),
    "night": ((0, 390), (1380, 1440)),
    "all day": ((0, 1440),),
    "odd": ((150, 151), (152, 600)),
}
COUNTRIES = {
    "AE": "Asia/Dubai",
    "AT": "Europe/Vienna",
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CH": "Europe/Zurich",
    "CN": "Asia/Shanghai",
    "DE": "Europe/Berlin",
    "EG": "Africa/Cairo",
    "ES": "Europe/Madrid",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "IN": "Asia/Kolkata",
    "IT": "Europe/Rome",
    "JP": "Asia/Tokyo",
    "MX": "America/Mexico_City",
    "NZ": "Pacific/Auckland",
    "PL": "Europe/Warsaw",
    "SE": "Europe/Stockholm",
    "US": "America/New_York",
}


def calendar(place: str, work: str, country: str = "") -> Calendar:
    """One that works at these hours on every day of the week but holidays."""
    hours = [Hours(weekday=day, opens=a, closes=b) for day in range(7) for a, b in WORK[work]]
    return Calendar(
        name="here",
        title="Here",
        zone=place,
        day_seconds=8 * 3600,
        hours=tuple(hours),
        holidays=(PublicHolidays(country=country),) if country else (),
    )


@cache
def zone(name: str) -> ZoneInfo:
    """From the database that Threadline brings along, whatever the host has."""
    with resources.files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def every_zone() -> list[str]:
    """All names of the IANA database."""
    return resources.files("tzdata").joinpath("zones").read_text().split()


@cache
def changes(name: str) -> tuple[tuple[datetime, timedelta], ...]:
    """Every minute of the span at which clocks are changed, and the offset from then on."""
    at = [SPAN[0] + step * LOOK for step in range((SPAN[1] - SPAN[0]) // LOOK + 1)]
    offsets = [offset(name, one) for one in at]
    found = [(at[0], offsets[0])]
    for (before, old), (after, new) in pairwise(zip(at, offsets, strict=True)):
        if old != new:
            minutes = (before + step * MINUTE for step in range(1, LOOK // MINUTE + 1))
            found.append((next(one for one in minutes if offset(name, one) == new), new))
            assert found[-1][0] <= after
    return tuple(found)


def offset(name: str, at: datetime) -> timedelta:
    found = at.astimezone(zone(name)).utcoffset()
    assert found is not None
    return found


def distinct(names: Iterable[str]) -> list[str]:
    """One zone of all that have the same clocks throughout the span."""
    first: dict[tuple[tuple[datetime, timedelta], ...], str] = {}
    for name in sorted(names):
        first.setdefault(changes(name), name)
    return list(first.values())


def stretches(name: str) -> Iterator[tuple[datetime, datetime]]:
    """Around every change; around a leap day and a year's end where there is none."""
    still = [datetime(2024, 2, 29, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)]
    for at in [change for change, _ in changes(name)[1:]] or still:
        yield at - AROUND, at + AROUND


@cache
def public(country: str, year: int) -> set[date]:
    return set(holidays.country_holidays(country, years=year))


def works(here: Calendar, at: datetime) -> bool:
    """Whether the minute that begins at `at` is working time."""
    local = at.astimezone(zone(here.zone))
    free = any(local.date() in public(place.country, local.year) for place in here.holidays)
    if free or local.date() in here.days_off:
        return False
    minute, weekday = local.hour * 60 + local.minute, local.weekday()
    return any(
        hours.weekday == weekday and hours.opens <= minute < hours.closes for hours in here.hours
    )


def differences(here: Calendar, since: datetime, until: datetime) -> tuple[int, list[datetime]]:
    """How many instants of the stretch were compared, and those at which the two do not agree.

    At each minute: what has run since `since`. For each working minute: when a budget of all of
    them up to its end is used up.
    """
    ends, ran, used_up = [], [], []
    at = since
    while at < until:
        worked = works(here, at)
        at += MINUTE
        ends.append(at)
        ran.append((ran[-1] if ran else 0) + worked)
        if worked:
            used_up.append(at)
    clocks = Clocks({"here": here})
    told = clocks.between(_named(ends), _column([since] * len(ends)), _column(ends))
    budgets = pl.Series([60.0 * minutes for minutes in range(1, len(used_up) + 1)])
    reached = clocks.after(_named(used_up), _column([since] * len(used_up)), budgets)
    wrong = [one for one, a, b in zip(ends, told, ran, strict=True) if a != b * 60] + [
        one for one, a in zip(used_up, reached, strict=True) if a != one
    ]
    return len(ends) + len(used_up), wrong


def _named(column: list[datetime]) -> pl.Series:
    return pl.Series(["here"] * len(column), dtype=pl.String)


def _column(instants: list[datetime]) -> pl.Series:
    return pl.Series(instants, dtype=pl.Datetime("us", "UTC")).cast(pl.Datetime("ns", "UTC"))
