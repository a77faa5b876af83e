"""Clocks on walls, walked minute by minute: the slow and obvious side of tests on duty."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import minute_walk
from hypothesis import strategies as st

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Clocks there are put forward and back by an hour or half of one, at night, at midnight or around
# Ramadan, by more than a day, or never.
PLACES = (
    *("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Cairo"),
    *("America/Havana", "Pacific/Chatham", "Africa/Casablanca", "America/Nuuk", "Asia/Beirut"),
    *("Antarctica/Troll", "Asia/Tehran", "America/Scoresbysund", "Pacific/Norfolk"),
)


def shown(place: str, at: datetime) -> datetime:
    """What a clock on the wall shows."""
    return at.astimezone(minute_walk.zone(place)).replace(tzinfo=None)


def walk(place: str, since: datetime, days: float) -> Iterator[tuple[datetime, datetime]]:
    """Every minute from `since` on, and what the clock shows then."""
    for number in range(int(days * DAY / MINUTE)):
        yield since + number * MINUTE, shown(place, since + number * MINUTE)


def first_minute(place: str, local: datetime) -> datetime:
    """The first at which the clock shows `local` or later."""
    start = local.replace(tzinfo=UTC) - 30 * HOUR  # no zone is that far from UTC
    return next(at for at, clock in walk(place, start, 4) if clock >= local)


@st.composite
def near_a_change(draw: st.DrawFn) -> tuple[str, datetime]:
    """A place, and a minute within a day and a half of a change of its clocks, if it has any."""
    place = draw(st.sampled_from(PLACES))
    change, _ = draw(st.sampled_from(minute_walk.changes(place)[-20:]))
    return place, change + draw(st.integers(-36 * 60, 36 * 60)) * MINUTE
