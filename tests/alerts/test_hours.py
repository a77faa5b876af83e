"""Business hours on local clocks, held against a walk over every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from duty_walk import DAY, MINUTE, first_minute, near_a_change, shown, walk
from hypothesis import given, settings
from hypothesis import strategies as st
from minute_walk import zone

from alerts.duty import hours, wall_clock
from alerts.duty.hours import Hours

ANY_TIME = st.integers(0, 1440).map(lambda minutes: minutes * MINUTE)
SOME_DAYS = st.sets(st.integers(0, 6), min_size=1).map(frozenset)


def obviously_open(here: Hours, local: datetime) -> bool:
    """Whether the clock shows a time within the hours that began today or yesterday."""
    lasts = here.closes - here.opens
    lasts += DAY if lasts <= timedelta() else timedelta()
    midnight = local.replace(hour=0, minute=0)
    began = [midnight - number * DAY for number in (0, 1)]
    return any(
        day.weekday() in here.weekdays and day + here.opens <= local < day + here.opens + lasts
        for day in began
    )


@given(near_a_change(), ANY_TIME, ANY_TIME, SOME_DAYS)
@settings(max_examples=12)
def test_they_are_what_the_clock_shows_at_every_minute(moment, opens, closes, weekdays):
    place, since = moment
    here = Hours(zone=place, opens=opens, closes=closes, weekdays=weekdays)
    wanted = [(at, obviously_open(here, local)) for at, local in walk(place, since, 2.5)]

    assert [(at, here.open(at)) for at, _ in wanted] == wanted
    turned = next((at for at, held in wanted if held != wanted[0][1]), None)
    told = here.next_change(since)
    assert told == turned if turned else told is None or told > wanted[-1][0]
    opened = next((at for at, held in wanted if held), None)
    assert opened is None or here.next_open(since) == opened


@given(near_a_change())
@settings(max_examples=6)
def test_a_local_time_means_the_first_minute_that_shows_it_or_a_later_one(moment):
    place, at = moment
    for minutes in range(0, 26 * 60, 37):
        local = shown(place, at).replace(hour=0, minute=0) + minutes * MINUTE
        assert wall_clock.first(local, zone(place)) == first_minute(place, local)


@pytest.mark.parametrize(
    ("day", "opens"),
    [("2026-03-27", 8), ("2026-03-30", 7), ("2026-10-23", 7), ("2026-10-26", 8)],
)
def test_nine_in_berlin_stays_nine_when_clocks_change(day: str, opens: int):
    berlin = hours.parse({"zone": "Europe/Berlin", "from": "09:00", "to": "17:00"})
    dawn = datetime.fromisoformat(f"{day}T03:00Z")

    assert berlin.next_open(dawn) == dawn.replace(hour=opens)


def test_friday_evening_waits_for_monday_and_a_holiday_for_the_day_after():
    christmas = {"from": "09:00", "to": "17:00", "holidays": [{"country": "DE"}]}
    berlin = hours.parse(christmas, "Europe/Berlin")
    evening = datetime(2026, 12, 24, 17, tzinfo=UTC)  # a Thursday; Friday and Saturday are holidays

    assert not berlin.open(evening)
    assert berlin.next_open(evening) == datetime(2026, 12, 28, 8, tzinfo=UTC)


def test_a_part_of_a_country_has_holidays_of_its_own():
    epiphany = datetime(2026, 1, 6, 12, tzinfo=UTC)
    raw = {"zone": "Europe/Berlin", "from": "09:00", "to": "17:00"}

    assert hours.parse(raw | {"holidays": [{"country": "DE", "subdivision": "BE"}]}).open(epiphany)
    assert not hours.parse(raw | {"holidays": [{"country": "DE", "subdivision": "BY"}]}).open(
        epiphany
    )


def test_hours_that_never_begin_say_so():
    never = Hours(zone="UTC", opens=DAY, closes=DAY, weekdays=frozenset())

    assert never.next_open(datetime(2026, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ({"zone": "Europe/Bärlin"}, "not an IANA time zone"),
        ({"to": "24:30"}, "no time of a day"),
        ({"holidays": [{"country": "XX"}]}, "holidays of 'XX' are not known"),
        ({"holidays": [{"country": "DE", "subdivision": "QQ"}]}, "no subdivision 'QQ'"),
    ],
)
def test_what_no_clock_or_calendar_shows_is_refused(raw, rule: str):
    with pytest.raises(ValueError, match=rule):
        hours.parse({"zone": "UTC", "from": "09:00", "to": "17:00"} | raw)
