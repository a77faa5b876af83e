"""Business time, reckoned slowly and plainly: a day at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays

from metrics.calendars import Calendar


class SlowClock:
    """Business time by walking through the days; no calendar means time never stops."""

    def __init__(self, calendar: Calendar | None) -> None:
        self.calendar = calendar
        self.free: dict[int, set[date]] = {}

    def intervals(self, since: datetime):
        zone = ZoneInfo(self.calendar.zone)
        day = since.astimezone(zone).date() - timedelta(days=1)
        for _ in range(400):
            if day not in self.days_off(day.year):
                for hours in self.calendar.hours:
                    if hours.weekday == day.weekday():
                        start = datetime.combine(day, time(), zone)
                        opens = start.replace(hour=hours.opens // 60, minute=hours.opens % 60)
                        closes = start.replace(hour=hours.closes // 60, minute=hours.closes % 60)
                        yield opens.astimezone(UTC), closes.astimezone(UTC)
            day += timedelta(days=1)

    def days_off(self, year: int) -> set[date]:
        if year not in self.free:
            days = set(self.calendar.days_off)
            for place in self.calendar.holidays:
                days |= set(
                    holidays.country_holidays(place.country, place.subdivision or None, years=year)
                )
            self.free[year] = days
        return self.free[year]

    def add(self, since: datetime, length: timedelta) -> datetime:
        if self.calendar is None:
            return since + length
        for opens, closes in self.intervals(since):
            start = max(opens, since)
            if start >= closes:
                continue
            if length <= closes - start:
                return start + length
            length -= closes - start
        raise AssertionError("the budget is longer than the oracle looks")

    def between(self, since: datetime, until: datetime) -> timedelta:
        if self.calendar is None:
            return until - since
        if until < since:
            return -self.between(until, since)
        total = timedelta()
        for opens, closes in self.intervals(since):
            if opens >= until:
                break
            total += max(min(closes, until) - max(opens, since), timedelta())
        return total

    def deadline(self, since: datetime, budget: timedelta, pauses: list[tuple]) -> datetime:
        """Use the budget up between the pauses."""
        at = since
        for start, end in pauses:
            if end <= at:
                continue
            run = self.between(at, max(start, at))
            if run >= budget:
                break
            budget -= run
            at = end
        return self.add(at, budget)
