"""Windows by name, against plain counting of days on the calendar of a zone."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.kpis import FirmCalendar
from threadline.model.kpis import Window

BERLIN = ZoneInfo("Europe/Berlin")
FIRM = FirmCalendar(clock="Europe/Berlin", fiscal_start=4)
INSTANTS = st.integers(0, 39 * 365 * 24 * 60).map(
    lambda minutes: datetime(2001, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def unit_of(name: str, day: date) -> tuple:
    """What tells one week, month, quarter or year of days from another."""
    fiscal_year, fiscal_month = day.year - (day.month < 4), (day.month - 4) % 12
    return {
        "day": (day,),
        "week": day.isocalendar()[:2],
        "month": (day.year, day.month),
        "quarter": (day.year, (day.month - 1) // 3),
        "year": (day.year,),
        "fiscal-quarter": (fiscal_year, fiscal_month // 3),
        "fiscal-year": (fiscal_year,),
    }[name]


def slowly(name: str, at: datetime) -> Window:
    """Walk day by day while the unit is the same."""
    first = last = at.astimezone(BERLIN).date()
    same = unit_of(name, first)
    while unit_of(name, first - timedelta(days=1)) == same:
        first -= timedelta(days=1)
    while unit_of(name, last) == same:
        last += timedelta(days=1)
    start, end = (datetime(d.year, d.month, d.day, tzinfo=BERLIN) for d in (first, last))
    return Window(start=start.astimezone(UTC), end=end.astimezone(UTC))


@pytest.mark.parametrize(
    "unit", ["day", "week", "month", "quarter", "year", "fiscal-quarter", "fiscal-year"]
)
@given(at=INSTANTS)
def test_a_calendar_window_is_the_days_of_its_unit(unit, at):
    this = FIRM.named(f"this-{unit}", at)
    assert this.window == slowly(unit, at)
    assert this.previous == slowly(unit, this.window.start - timedelta(hours=1))
    assert FIRM.named(f"last-{unit}", at).window == this.previous
    assert this.year_ago.end <= this.window.start
    first = this.window.start.astimezone(BERLIN)
    ago = this.year_ago.start.astimezone(BERLIN)
    if unit == "week":
        assert (ago.date() - first.date()).days == -364
    elif first.month != 2:
        assert (ago.year, ago.month, ago.day) == (first.year - 1, first.month, first.day)


@given(at=INSTANTS, every=st.sampled_from(("day", "week", "month", "fiscal-quarter")))
def test_the_parts_of_a_window_cover_it_and_begin_where_units_do(at, every):
    window = FIRM.named("this-quarter", at).window
    parts = list(FIRM.parts(window, every, window.end))
    assert (parts[0].start, parts[-1].end) == (window.start, window.end)
    for earlier, later in itertools.pairwise(parts):
        assert earlier.end == later.start == slowly(every, later.start).start


def test_a_day_without_an_hour_is_shorter_and_one_with_two_longer():
    window = Window(
        start=datetime(2026, 3, 28, 23, tzinfo=UTC), end=datetime(2026, 10, 25, 23, tzinfo=UTC)
    )
    days = list(FIRM.parts(window, "day", window.end))
    lengths = [day.length // timedelta(hours=1) for day in days]
    assert (lengths[0], lengths[-1], set(lengths[1:-1])) == (23, 25, {24})


@given(at=INSTANTS, unit=st.sampled_from(("week", "month", "quarter", "fiscal-year")))
def test_an_earlier_window_is_seen_when_as_much_of_it_had_gone_by(at, unit):
    period = FIRM.named(f"this-{unit}", at)
    for earlier in (period.previous, period.year_ago):
        then = period.seen(earlier, at).now
        assert earlier.start - timedelta(hours=1) <= then <= earlier.end
        gone = at.astimezone(BERLIN).replace(tzinfo=None) - period.window.start.astimezone(
            BERLIN
        ).replace(tzinfo=None)
        local = then.astimezone(BERLIN).replace(tzinfo=None)
        went = local - earlier.start.astimezone(BERLIN).replace(tzinfo=None)
        skipped = abs(went - gone) <= timedelta(hours=1)  # an hour that clocks left out
        assert skipped or then == earlier.end
        late = timedelta(days=3)
        assert period.seen(earlier, period.window.end + late).now == earlier.end + late


def test_half_a_month_is_compared_with_the_same_days_of_the_month_before():
    at = datetime(2026, 11, 12, 9, 30, tzinfo=UTC)
    seen = FIRM.named("this-month", at)
    seen = seen.seen(seen.previous, at)
    assert seen.now == datetime(2026, 10, 12, 8, 30, tzinfo=UTC)  # half past ten in both


def test_rolling_windows_are_as_long_as_they_say_and_a_leap_day_has_a_year_before():
    at = datetime(2028, 2, 29, 12, tzinfo=UTC)
    period = FIRM.named("last-30-days", at)
    assert period.window == Window(start=at - timedelta(days=30), end=at)
    assert period.previous.length == timedelta(days=30)
    assert period.year_ago.end == datetime(2027, 2, 28, 12, tzinfo=UTC)
    assert period.seen(period.previous, at).now == at - timedelta(days=30)


@pytest.mark.parametrize("name", ["month", "last-0-days", "this-decade", "next-week", ""])
def test_a_name_nobody_knows_is_refused(name):
    with pytest.raises(ValueError, match="is not a window"):
        FIRM.named(name, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("at", "seen_from"),
    [  # clocks in Berlin
        ("2026-10-28T10:30", "2026-09-28T10:30"),  # put back in between
        ("2026-03-30T10:30", "2026-03-01"),  # February has no 30th
    ],
)
def test_as_much_has_gone_by_on_the_clock_and_never_more_than_the_whole(at, seen_from):
    now, then = (
        datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)
        for text in (at, seen_from)
    )
    month = FIRM.named("this-month", now)
    assert month.seen(month.previous, now).now == then


def test_a_day_whose_midnight_comes_twice_begins_with_the_first():
    day = FirmCalendar(clock="America/Havana").named(
        "this-day", datetime(2023, 11, 5, 18, tzinfo=UTC)
    )
    assert day.window.start == datetime(2023, 11, 5, 4, tzinfo=UTC)
    assert day.window.length == timedelta(hours=25)


def test_parts_that_have_not_begun_are_left_out():
    month = FIRM.named("this-month", datetime(2026, 6, 10, 12, tzinfo=UTC)).window
    days = list(FIRM.parts(month, "day", datetime(2026, 6, 10, 12, tzinfo=UTC)))
    assert len(days) == 10
    assert days[-1].end == datetime(2026, 6, 10, 22, tzinfo=UTC)
