"""Windows by name, of the calendar, of the fiscal year and rolling; and what each is compared with.

A calendar window is whole, also while it runs: this quarter ends when the quarter does. Days begin
at midnight in the firm's zone, so that a day, week or month is as long as clocks there make it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias

from threadline.model.kpis import Seen, Window
from threadline.zones import zone

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)  # no plausible fact is older
ALL_TIME = "all-time"
MONTHS = {"month": 1, "quarter": 3, "year": 12, "fiscal-quarter": 3, "fiscal-year": 12}
DAYS = {"day": 1, "week": 7}
ROLLING = re.compile(r"last-([1-9]\d{0,3})-days")
NAMED = re.compile(r"(this|last)-(day|week|month|quarter|year|fiscal-quarter|fiscal-year)")
MONTH = re.compile(r"([1-9]\d{3})-(0[1-9]|1[0-2])")
BARE = re.compile(r"fiscal-(?:quarter|year)")
WEEKS_OF_A_YEAR = 52  # a week is compared with one of the same weekdays

Every: TypeAlias = timedelta | str  # a length, or a unit of `MONTHS` or `DAYS`


@dataclass(frozen=True, kw_only=True)
class Period:
    """A window with the one before it and the one a year before, on the clocks of a zone."""

    window: Window
    previous: Window
    year_ago: Window
    clock: str

    def seen(self, earlier: Window, now: datetime) -> Seen:
        """`earlier` at the maturity that the window has at `now`.

        While the window runs, that is when as much of `earlier` had gone by on the clock of the
        zone, the whole of it at most: the first twelve days of one month beside the first twelve
        of another. When it is over, it is as long after the end.
        """
        if now >= self.window.end:
            return Seen(window=earlier, now=earlier.end + (now - self.window.end))
        gone = _wall(now, self.clock) - _wall(self.window.start, self.clock)
        then = _instant(_wall(earlier.start, self.clock) + gone, self.clock)
        return Seen(window=earlier, now=min(then, earlier.end))


@dataclass(frozen=True, kw_only=True)
class FirmCalendar:
    """Where the firm's days begin (an IANA zone), and the month (1 to 12) of its fiscal year."""

    clock: str = "UTC"
    fiscal_start: int = 1

    def named(self, name: str, at: datetime) -> Period:
        """The window of that name around `at`; a rolling one ends there.

        Names: `this-` or `last-` day, week, month, quarter, year, fiscal-quarter or fiscal-year;
        `last-N-days`; `all-time`. Raises `ValueError` for any other.
        """
        if name == ALL_TIME:
            return self.between(Window(start=BEGINNING, end=at))
        if rolling := ROLLING.fullmatch(name):
            return self.between(Window(start=at - timedelta(days=int(rolling[1])), end=at))
        found = NAMED.fullmatch(f"this-{name}" if BARE.fullmatch(name) else name)
        if not found:
            raise ValueError(
                f"{name!r} is not a window: say this- or last- day, week, month, quarter, year,"
                f" fiscal-quarter or fiscal-year, last-30-days, or {ALL_TIME}"
            )
        unit = found[2]
        first = self._first(unit, _wall(at, self.clock).date())
        if found[1] == "last":
            first = _later(unit, first, -1)
        year = -WEEKS_OF_A_YEAR if unit == "week" else -(12 // MONTHS.get(unit, 12))
        ago = _year_before(first) if unit == "day" else _later(unit, first, year)
        return Period(
            window=self._whole(unit, first),
            previous=self._whole(unit, _later(unit, first, -1)),
            year_ago=self._whole(unit, ago),
            clock=self.clock,
        )

    def month(self, name: str) -> Window:
        """The month called `2026-09`, whole; raises `ValueError` for what is none."""
        found = MONTH.fullmatch(name)
        if not found:
            raise ValueError(f"{name!r} is not a month such as 2026-09")
        return self._whole("month", date(int(found[1]), int(found[2]), 1))

    def between(self, window: Window) -> Period:
        """A window that no name says: before it one of the same length."""
        ago = (
            _instant(
                datetime.combine(_year_before(local.date()), local.time()),
                self.clock,
            )
            for local in (_wall(at, self.clock) for at in (window.start, window.end))
        )
        start, end = ago
        return Period(
            window=window,
            previous=window.before(),
            year_ago=Window(start=start, end=max(end, start + timedelta(microseconds=1))),
            clock=self.clock,
        )

    def parts(self, window: Window, every: Every, now: datetime) -> Iterator[Window]:
        """The stretches of the window that have begun by `now`; the outer ones may be cut off."""
        start, end = window.start, window.end
        while start < min(end, now):
            after = self._after(start, every)
            yield Window(start=start, end=min(after, end))
            start = after

    def _after(self, at: datetime, every: Every) -> datetime:
        if isinstance(every, timedelta):
            return at + every
        first = self._first(every, _wall(at, self.clock).date())
        return self._whole(every, first).end

    def _first(self, unit: str, day: date) -> date:
        """The first day of the unit that `day` lies in."""
        if unit in DAYS:
            return day - timedelta(days=day.weekday()) if unit == "week" else day
        start = self.fiscal_start if unit.startswith("fiscal") else 1
        return _months_later(day.replace(day=1), -((day.month - start) % MONTHS[unit]))

    def _whole(self, unit: str, first: date) -> Window:
        ends = (first, _later(unit, first, 1))
        start, end = (_instant(datetime.combine(day, time()), self.clock) for day in ends)
        return Window(start=start, end=end)


def _later(unit: str, first: date, by: int) -> date:
    if unit in DAYS:
        return first + timedelta(days=by * DAYS[unit])
    return _months_later(first, by * MONTHS[unit])


def _months_later(first: date, by: int) -> date:
    years, month = divmod(first.month - 1 + by, 12)
    return first.replace(year=first.year + years, month=month + 1)


def _year_before(day: date) -> date:
    leap = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if leap else day.day)


def _wall(at: datetime, clock: str) -> datetime:
    """What clocks of the zone show."""
    return at.astimezone(zone(clock)).replace(tzinfo=None)


def _instant(wall: datetime, clock: str) -> datetime:
    return wall.replace(tzinfo=zone(clock), fold=0).astimezone(UTC)
