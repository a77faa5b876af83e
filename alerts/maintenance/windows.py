"""When a window is open, and the silence that it then is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from dateutil.rrule import rrulestr

from alerts.duty import wall_clock
from alerts.duty.hours import DAY
from threadline.model.silences import Matcher, Silence
from threadline.zones import zone

Span = tuple[datetime, datetime]

_AHEAD = 400  # days in which the next window is looked for
_BY_DAY = ("FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY")
_WITHIN_A_DAY = ("BYHOUR", "BYMINUTE", "BYSECOND", "DTSTART")
_NO_INTERVAL = re.compile(r"INTERVAL=\s*(-|\+?0*(;|$))")  # dateutil would look for days for ever


@dataclass(frozen=True, kw_only=True)
class Once:
    """One window, `[starts_at, ends_at)`."""

    starts_at: datetime
    ends_at: datetime

    def spans(self, since: datetime) -> Iterator[Span]:
        """It, if it is not over at `since`."""
        if self.ends_at > since:
            yield self.starts_at, self.ends_at


@dataclass(frozen=True, kw_only=True)
class Recurring:
    """A window on certain days, from `opens` to `closes` on the clock of `zone`.

    Days are `weekdays` (Monday 0), or what `rule`, an RRULE of RFC 5545, says from `start` on. One
    that closes before it opens, or when it does, lasts into the next day. It is whole: it begins
    when the clock first shows its beginning or a later time, and ends when it last shows its end,
    so an hour that clocks repeat is part of it.
    """

    zone: str
    opens: timedelta
    closes: timedelta
    weekdays: frozenset[int] = frozenset()
    rule: str = ""
    start: date = date.min

    def spans(self, since: datetime) -> Iterator[Span]:
        """Those not over at `since`, in order; none that begins more than 400 days later."""
        here = zone(self.zone)
        today = wall_clock.shown(since, here).date()
        for number in range(-2, _AHEAD):
            day = today + number * DAY
            if self._on(day):
                span = self._span(day)
                if span[1] > since:
                    yield span

    def _on(self, day: date) -> bool:
        if self.rule:
            return day in occurrences(self.rule, self.start, day.year)
        return day.weekday() in self.weekdays

    def _span(self, day: date) -> Span:
        here, midnight = zone(self.zone), wall_clock.midnight(day)
        closes = self.closes if self.closes > self.opens else self.closes + DAY
        opened = wall_clock.first(midnight + self.opens, here)
        return opened, wall_clock.last(midnight + closes, here)


@dataclass(frozen=True, kw_only=True)
class Maintenance:
    """While one of its windows is open, incidents that all `matchers` hold for are not told."""

    name: str
    why: str
    matchers: tuple[Matcher, ...]
    when: Once | Recurring

    def silence(self, at: datetime) -> Silence | None:
        """The silence of the window that is open at `at`, else of the next one, if there is one.

        Where windows overlap it lasts until the last of them ends.
        """
        spans = self.when.spans(at)
        found = next(spans, None)
        if found is None:
            return None
        starts_at, ends_at = found
        for opened, closed in spans:
            if opened > ends_at or opened > at:
                break
            ends_at = max(ends_at, closed)
        return Silence(
            id=f"maintenance/{self.name}",
            matchers=self.matchers,
            starts_at=starts_at,
            ends_at=ends_at,
            who=f"maintenance/{self.name}",
            comment=self.why,
        )

    def until(self, at: datetime) -> datetime | None:
        """When the window that is open at `at` ends; None: none is."""
        found = self.silence(at)
        return found.ends_at if found and found.starts_at <= at else None


@lru_cache(maxsize=4096)
def occurrences(rule: str, start: date, year: int) -> frozenset[date]:
    """The days of a year that an RRULE names, from `start` on; `ValueError` for what is none."""
    first, last = (wall_clock.midnight(day) for day in (date(year, 1, 1), date(year, 12, 31)))
    return frozenset(at.date() for at in _rule(rule, start).between(first, last, inc=True))


def first_day(rule: str, start: date) -> date | None:
    """The first day that an RRULE names, if there is one; `ValueError` for what is none."""
    found: datetime | None = _rule(rule, start).after(wall_clock.midnight(start), inc=True)
    return found.date() if found else None


def _rule(text: str, start: date) -> Any:
    told = text.upper().removeprefix("RRULE:")
    if not any(part in _BY_DAY for part in told.split(";")):
        raise ValueError("needs a FREQ of DAILY, WEEKLY, MONTHLY or YEARLY")
    if any(name in told for name in _WITHIN_A_DAY) or "\n" in told:
        raise ValueError("names days only: from and to say the time, start says since when")
    if _NO_INTERVAL.search(told):
        raise ValueError("needs an INTERVAL of 1 or more")
    return rrulestr(told, dtstart=wall_clock.midnight(start))
