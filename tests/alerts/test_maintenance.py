"""Maintenance windows: when they are open, and that they mute as silences do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from duty_walk import DAY, HOUR, MINUTE, near_a_change, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import silences
from alerts.maintenance import loading
from alerts.maintenance.windows import Maintenance, Recurring, occurrences
from alerts.muting import Mute, Muting
from threadline.model.silences import Silence

EXAMPLES = Path(__file__).parents[2] / "examples" / "on-call" / "maintenance"
ERP = {"system": "erp", "severity": "breach"}


@pytest.fixture(scope="module")
def windows() -> dict[str, Maintenance]:
    return {one.name: one for one in loading.load([EXAMPLES]).all}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def sundays(opens: str, closes: str) -> Maintenance:
    hours = [timedelta(hours=int(text[:2]), minutes=int(text[3:])) for text in (opens, closes)]
    when = Recurring(zone="Europe/Berlin", opens=hours[0], closes=hours[1], weekdays=frozenset({6}))
    return Maintenance(name="m", why="-", matchers=(silences.parse("system=erp"),), when=when)


@pytest.mark.parametrize(
    ("opens", "closes", "day", "lasts"),
    [
        # The night to 29 March is an hour shorter, that to 25 October an hour longer.
        ("00:00", "06:00", "2026-03-29", ("2026-03-28T23:00Z", "2026-03-29T04:00Z")),
        ("00:00", "06:00", "2026-10-25", ("2026-10-24T22:00Z", "2026-10-25T05:00Z")),
        # It begins at a time that clocks skip: when they do.
        ("02:30", "04:00", "2026-03-29", ("2026-03-29T01:00Z", "2026-03-29T02:00Z")),
        ("01:00", "02:30", "2026-03-29", ("2026-03-29T00:00Z", "2026-03-29T01:00Z")),
        # It begins at the first 02:30 and ends at the second: nobody is paged in between.
        ("02:30", "03:00", "2026-10-25", ("2026-10-25T00:30Z", "2026-10-25T02:00Z")),
        ("01:00", "02:30", "2026-10-25", ("2026-10-24T23:00Z", "2026-10-25T01:30Z")),
    ],
)
def test_a_sunday_night_in_which_clocks_are_changed(opens, closes, day, lasts):
    opened, closed = map(at, lasts)
    night = sundays(opens, closes)

    assert night.until(opened - MINUTE / 60) is None
    assert night.until(opened) == night.until(closed - MINUTE / 60) == closed
    assert night.until(closed) is None


def test_the_first_sunday_of_a_month_until_monday_morning(windows):
    patches = windows["erp-patches"]
    found = patches.silence(at("2026-03-15T00:00Z"))

    assert (found.starts_at, found.ends_at) == (at("2026-04-05T20:00Z"), at("2026-04-06T02:00Z"))
    assert patches.until(at("2026-04-06T01:59Z")) == at("2026-04-06T02:00Z")
    assert patches.until(at("2026-04-12T21:00Z")) is None
    assert patches.until(at("2025-12-07T22:00Z")) is None, "its rule counts from January on"


def test_one_that_is_held_once_is_over_then(windows):
    move = windows["move"]

    assert move.until(at("2026-12-05T20:00+01:00")) == at("2026-12-06T06:00+01:00")
    assert move.silence(at("2026-12-06T06:00+01:00")) is None


def test_it_mutes_as_a_silence_by_its_name_does_and_the_longest_of_both_counts(windows):
    moment = at("2026-04-05T23:00Z")
    by_hand = Silence(
        id="7",
        matchers=(silences.parse("severity=breach"),),
        starts_at=moment,
        ends_at=moment + HOUR,
        who="on-call",
        comment="known",
    )
    muting = Muting([by_hand], windows.values())

    mute = muting.of(ERP, moment)

    assert mute == Mute(
        until=at("2026-04-06T02:00Z"),
        by="maintenance/erp-patches",
        why="The ERP is patched, its integration is down",
        silence="maintenance/erp-patches",
    )
    assert muting.of(ERP | {"system": "crm"}, moment).by == "on-call"
    assert muting.of(ERP, mute.until) is None
    assert muting.of({"system": "crm", "severity": "warning"}, moment) is None


def test_windows_that_overlap_are_one():
    when = Recurring(zone="UTC", opens=22 * HOUR, closes=22 * HOUR, weekdays=frozenset({4, 5}))
    days = Maintenance(name="m", why="-", matchers=(), when=when)

    assert days.until(at("2026-03-06T23:00Z")) == at("2026-03-07T22:00Z")
    assert days.until(at("2026-03-07T22:00Z")) == at("2026-03-08T22:00Z")


@given(near_a_change(), st.integers(0, 1439), st.integers(0, 1440))
@settings(max_examples=20)
def test_it_is_open_from_the_first_minute_that_shows_its_beginning_to_the_last_before_its_end(
    moment, opens, closes
):
    place, since = moment
    when = Recurring(
        zone=place,
        opens=opens * MINUTE,
        closes=closes * MINUTE,
        weekdays=frozenset(range(0, 7, 2)),
    )
    window = Maintenance(name="m", why="-", matchers=(), when=when)
    wanted = _obviously_open(when, place, since)

    assert [one for one, _ in walk(place, since, 2) if window.until(one)] == [
        one for one, _ in walk(place, since, 2) if one in wanted
    ]


def _obviously_open(when: Recurring, place: str, since: datetime) -> set[datetime]:
    minutes = list(walk(place, since - 3 * DAY, 8))
    lasts = when.closes - when.opens + (DAY if when.closes <= when.opens else timedelta())
    found: set[datetime] = set()
    for number in range(8):
        day = minutes[0][1].replace(hour=0, minute=0) + number * DAY
        if day.weekday() not in when.weekdays:
            continue
        opens, closes = day + when.opens, day + when.opens + lasts
        begins = next((one for one, clock in minutes if clock >= opens), None)
        shows_the_end = [one for one, clock in minutes if clock == closes]
        first_past = next((one for one, clock in minutes if clock >= closes), None)
        ends = shows_the_end[-1] if shows_the_end else first_past
        if begins and ends:
            found |= {one for one, _ in minutes if begins <= one < ends}
    return found


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("FREQ=HOURLY", "needs a FREQ"),
        ("BYDAY=1SU", "needs a FREQ"),
        ("FREQ=DAILY;BYHOUR=3", "names days only"),
        ("FREQ=MONTHLY;BYDAY=XX", None),
        ("FREQ=DAILY;UNTIL=20261231T000000Z", None),
        ("FREQ=DAILY;INTERVAL=x", None),
        ("FREQ=DAILY\nRDATE:20260101", None),
        ("FREQ=DAILY;INTERVAL=00", "INTERVAL of 1"),
        ("FREQ=DAILY;INTERVAL=-1;COUNT=2", "INTERVAL of 1"),
        ("FREQ=DAILY;WHAT", None),
    ],
)
def test_a_rule_that_does_not_name_days_is_refused(rule: str, fault: str | None):
    with pytest.raises(ValueError, match=fault):
        occurrences(rule, at("2026-01-01T00:00Z").date(), 2026)
