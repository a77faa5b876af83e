"""Business time, held against walking through it minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import minute_walk
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minute_walk import WORK, works

from metrics.calendars import Calendar, Clocks, Hours, PublicHolidays
from threadline.zones import zone

INSTANT = pl.Datetime("ns", "UTC")
MINUTE = timedelta(minutes=1)
# Zones that change at midnight, by half an hour, over the date line, in Ramadan; and changing days.
CHANGES = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Lord_Howe": (date(2026, 4, 5), date(2026, 10, 4)),
    "Africa/Cairo": (date(2026, 4, 24), date(2026, 10, 29)),
    "Pacific/Apia": (date(2011, 12, 30), date(2011, 12, 31)),
    "Africa/Casablanca": (date(2026, 2, 15), date(2026, 3, 22)),
    "America/St_Johns": (date(2010, 3, 14), date(2010, 11, 7)),
    "Asia/Kolkata": (date(2026, 1, 26), date(2026, 8, 15)),
    "UTC": (date(2026, 1, 1), date(2024, 2, 29)),
}


def calendar(place: str, work: str, country: str = "") -> Calendar:
    return Calendar(
        name="here",
        title="Here",
        zone=place,
        day_seconds=8 * 3600,
        hours=tuple(
            Hours(weekday=day, opens=opens, closes=closes)
            for day in (0, 1, 2, 3, 4, 6)
            for opens, closes in WORK[work]
        ),
        holidays=(PublicHolidays(country=country),) if country else (),
        days_off=(date(2026, 10, 26),),
    )


def column(*instants: datetime | None) -> pl.Series:
    return pl.Series(instants, dtype=pl.Datetime("us", "UTC")).cast(INSTANT)


def business_between(calendar: Calendar, since: pl.Series, until: pl.Series) -> pl.Series:
    names = pl.Series(["here"] * len(since))
    return Clocks({"here": calendar}).between(names, since, until)


def add_business(calendar: Calendar, since: pl.Series, seconds: pl.Series) -> pl.Series:
    names = pl.Series(["here"] * len(since))
    return Clocks({"here": calendar}).after(names, since, seconds)


@settings(max_examples=50, deadline=None)
@given(
    place=st.sampled_from(sorted(CHANGES)),
    work=st.sampled_from(sorted(WORK)),
    country=st.sampled_from(("", "DE", "US", "EG", "JP")),
    change=st.integers(0, 1),
    offset=st.integers(-2000, 2000),
    length=st.integers(0, 3000),
)
def test_between_counts_the_working_minutes(place, work, country, change, offset, length):
    here = calendar(place, work, country)
    day = CHANGES[place][change]
    since = datetime(day.year, day.month, day.day, tzinfo=UTC) + offset * MINUTE
    minutes = sum(works(here, since + step * MINUTE) for step in range(length))
    until = since + length * MINUTE
    assert business_between(here, column(since), column(until))[0] == minutes * 60
    assert business_between(here, column(until), column(since))[0] == -minutes * 60


@settings(max_examples=40, deadline=None)
@given(
    place=st.sampled_from(sorted(CHANGES)),
    work=st.sampled_from(sorted(WORK)),
    change=st.integers(0, 1),
    offset=st.integers(-2000, 1000),
    budget=st.integers(1, 900),
)
def test_adding_ends_with_the_last_minute_of_the_budget(place, work, change, offset, budget):
    here = calendar(place, work)
    day = CHANGES[place][change]
    since = at = datetime(day.year, day.month, day.day, tzinfo=UTC) + offset * MINUTE
    left = budget
    while left:
        left -= works(here, at)
        at += MINUTE
    assert add_business(here, column(since), pl.Series([budget * 60.0])).to_list() == [at]


@pytest.mark.parametrize(
    ("place", "work"),
    [
        ("Africa/Casablanca", "night"),
        ("America/Nuuk", "all day"),  # changes in the evening of the day before
        ("Asia/Gaza", "odd"),
        ("Australia/Lord_Howe", "night"),  # by half an hour
        ("Pacific/Chatham", "odd"),  # a quarter of an hour off the others
    ],
)
def test_every_minute_around_a_change_is_as_walked(place, work):
    """`make calendars` walks around all changes of all zones."""
    since, until = list(minute_walk.stretches(place))[-1]
    compared, wrong = minute_walk.differences(minute_walk.calendar(place, work), since, until)
    assert compared > (until - since) // minute_walk.MINUTE
    assert wrong == []


def test_a_budget_of_parts_of_a_second_is_exact():
    here = calendar("Europe/Berlin", "office")
    since = datetime(2026, 3, 27, 15, 59, 59, 999_999, tzinfo=UTC)  # a microsecond before closing
    until = add_business(here, column(since), pl.Series([0.000_002]))
    assert until.to_list() == [datetime(2026, 3, 29, 7, 0, 0, 1, tzinfo=UTC)]  # a working Sunday


def test_unknown_instants_stay_unknown():
    here = calendar("UTC", "office")
    known = datetime(2026, 3, 27, 12, tzinfo=UTC)
    pairs = column(None, known), column(known, None)
    assert business_between(here, *pairs).to_list() == [None, None]
    assert add_business(here, column(None), pl.Series([60.0])).to_list() == [None]


def test_clocks_are_asked_row_by_row():
    clocks = Clocks({"berlin": calendar("Europe/Berlin", "office")})
    names = pl.Series(["", "berlin", ""])
    since = column(*[datetime(2026, 3, 27, 16, tzinfo=UTC)] * 2, None)
    hour = 3600 * 1_000_000_000
    reached = clocks.instant(names, clocks.position(names, since) + hour)
    assert reached.to_list() == [
        datetime(2026, 3, 27, 17, tzinfo=UTC),
        datetime(2026, 3, 29, 8, tzinfo=UTC),  # closed at 16 UTC on Friday; works on Sundays
        None,
    ]


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "Europe", "zone.tab", ""])
def test_what_is_no_zone_is_refused(name):
    with pytest.raises(ValueError, match="is not an IANA time zone"):
        zone(name)
