"""What a question about KPIs names: a window, a journey, an instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import AwareDatetime

from metrics.kpis import FirmCalendar, Period
from threadline.api.problems import Refusal
from threadline.api.services import ServicesAsOf
from threadline.errors import NotFound
from threadline.model.kpis import Window

DEFAULT_WINDOW = timedelta(days=30)

_WINDOW = (
    "a window by name: this- or last- day, week, month, quarter, year, fiscal-quarter or"
    " fiscal-year, last-30-days, all-time; around `to`, by default now"
)


class Asked:
    """The window, journey and instant that a question about KPIs names."""

    def __init__(
        self,
        services: ServicesAsOf,
        since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
        to: AwareDatetime | None = None,
        name: Annotated[str, Query(alias="window", description=_WINDOW)] = "",
        journey: str = "",
    ) -> None:
        self.question = (since, to, name, journey)
        self.services = services
        self.now = services.clock.now()
        if journey and journey not in services.definitions.journeys:
            raise NotFound("journey", journey)
        self.journey = journey
        self.calendar = services.calendar
        self.period = _period(self.calendar, name, since, (to or self.now).astimezone(UTC))
        self.window = self.period.window
        self.previous = self.period.seen(self.period.previous, self.now)
        self.told: dict[str, Any] = {
            "window": self.window,
            "now": self.now,
            "journey": journey or None,
            "silent": services.silent_systems(self.now),
        }

    def again(self) -> Asked:
        """The same asked now."""
        since, to, name, journey = self.question
        return Asked(self.services, since, to, name, journey)


def _period(calendar: FirmCalendar, name: str, since: datetime | None, end: datetime) -> Period:
    if name:
        if since:
            raise Refusal(422, "window: names a window, and from: begins one; say one of both")
        try:
            return calendar.named(name, end)
        except (ValueError, OverflowError) as error:
            raise Refusal(422, f"window: {error}") from error
    start = (since or end - DEFAULT_WINDOW).astimezone(UTC)
    if start >= end:
        raise Refusal(422, f"from: {start.isoformat()} is not before to: {end.isoformat()}")
    return calendar.between(Window(start=start, end=end))


Question = Annotated[Asked, Depends()]
