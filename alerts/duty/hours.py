"""Hours of weekdays on a local clock: when somebody is at work, or a window is open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import holidays

from alerts.duty import wall_clock
from threadline.zones import zone

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WORKING = frozenset(range(5))
DAY = timedelta(days=1)
# Most hours change within days; the longest look is for those of rare holidays and leap days.
_LOOKS = (3, 30, 400)


@dataclass(frozen=True, kw_only=True)
class PublicHolidays:
    """The public holidays of a country, or of a part of it, as the `holidays` library has them."""

    country: str
    subdivision: str = ""


@dataclass(frozen=True, kw_only=True)
class Hours:
    """Open from `opens` to `closes` on `weekdays` (Monday 0) but holidays, on the clock of `zone`.

    Both are times since local midnight. Hours that close before they open, or when they do, last
    into the next day, and belong to the day on which they opened. It is what the clock shows that
    counts: an hour that it repeats counts twice, one it skips not at all.
    """

    zone: str
    opens: timedelta
    closes: timedelta
    weekdays: frozenset[int] = WORKING
    holidays: tuple[PublicHolidays, ...] = ()

    def open(self, at: datetime) -> bool:
        """Whether it is open at `at`."""
        local = wall_clock.shown(at, zone(self.zone))
        clock = local - wall_clock.midnight(local.date())
        if self.opens < self.closes:
            return self.opens <= clock < self.closes and self._held(local.date())
        if clock >= self.opens and self._held(local.date()):
            return True
        return clock < self.closes and self._held(local.date() - DAY)

    def next_open(self, at: datetime) -> datetime | None:
        """`at` itself if it is open then, else when it opens; None: not within a year."""
        return at if self.open(at) else self.next_change(at)

    def next_change(self, at: datetime) -> datetime | None:
        """When it opens or closes next after `at`; None: not within a year."""
        held = self.open(at)
        for days in _LOOKS:
            for edge in self._edges(at, days):
                if self.open(edge) != held:
                    return edge
        return None

    def _held(self, day: date) -> bool:
        free = any(day in _public(one.country, one.subdivision, day.year) for one in self.holidays)
        return day.weekday() in self.weekdays and not free

    def _edges(self, at: datetime, days: int) -> Sequence[datetime]:
        """When it may open or close after `at`, within so many days, in order."""
        here = zone(self.zone)
        today = wall_clock.shown(at, here).date()
        found: set[datetime] = set()
        for number in range(-1, days):
            day = today + number * DAY
            for clock in (self.opens, self.closes):
                local = wall_clock.midnight(day) + clock
                found |= {wall_clock.first(local, here), wall_clock.last(local, here)}
            found.update(wall_clock.changes(day, here))
        return sorted(edge for edge in found if edge > at)


def parse(raw: Mapping[str, Any], default_zone: str = "") -> Hours:
    """Hours as they are written, the schema's rules kept; `ValueError` names what breaks another.

    `{zone: Europe/Berlin, weekdays: [friday], from: "09:00", to: "17:00", holidays: […]}`
    """
    place = raw.get("zone", default_zone)
    zone(place)
    days = raw.get("weekdays")
    return Hours(
        zone=place,
        opens=clock(raw["from"]),
        closes=clock(raw["to"]),
        weekdays=frozenset(WEEKDAYS.index(day) for day in days) if days else WORKING,
        holidays=tuple(_holidays(raw.get("holidays", ()))),
    )


def clock(text: str) -> timedelta:
    """`17:30` as the time since midnight; `24:00` is the end of the day."""
    hours, minutes = (int(part) for part in text.split(":"))
    found = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or found > DAY:
        raise ValueError(f"{text!r} is no time of a day")
    return found


def _holidays(raw: Sequence[Mapping[str, str]]) -> Iterator[PublicHolidays]:
    known = holidays.list_supported_countries(include_aliases=False)
    for entry in raw:
        country, subdivision = entry["country"], entry.get("subdivision", "")
        if country not in known:
            raise ValueError(f"the holidays of {country!r} are not known")
        if subdivision and subdivision not in known[country]:
            raise ValueError(f"{country} has no subdivision {subdivision!r}")
        yield PublicHolidays(country=country, subdivision=subdivision)


@lru_cache(maxsize=1024)
def _public(country: str, subdivision: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, subdivision or None, years=year))
