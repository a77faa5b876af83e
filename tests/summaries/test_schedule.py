"""When a summary is due: on the firm's clocks, once for each period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from threadline.mail_sections import SummarySettings
from threadline.summaries.schedule import Slot, decide, slot, wait

BERLIN = "Europe/Berlin"


def summary(**told) -> SummarySettings:
    return SummarySettings(name="board", to=("cfo@example.com",), **told)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def firings(one: SummarySettings, since: datetime, until: datetime) -> list[datetime]:
    """Everything it is due at, seen hour by hour."""
    hours = int((until - since) / timedelta(hours=1))
    seen = {slot(one, BERLIN, since + timedelta(hours=hour)).due_at for hour in range(hours)}
    return sorted(each for each in seen if each >= since)


@pytest.mark.parametrize(
    ("told", "due", "following"),
    [
        ({"every": "daily"}, "2026-11-26 06:00", "2026-11-27 06:00"),
        ({"every": "weekly", "weekday": "friday"}, "2026-11-20 06:00", "2026-11-27 06:00"),
        ({"every": "monthly", "day": 3, "at": "18:30"}, "2026-11-03 17:30", "2026-12-03 17:30"),
    ],
)
def test_it_is_due_by_the_clocks_of_the_firm(told, due, following):
    found = slot(summary(**told), BERLIN, at("2026-11-26 12:00"))

    assert found == Slot(due_at=at(due), next_at=at(following))


def test_it_is_due_at_its_very_instant_and_not_before():
    weekly = summary(every="weekly")
    due = at("2026-11-30 06:00")

    assert slot(weekly, BERLIN, due).due_at == due
    assert slot(weekly, BERLIN, due - timedelta(microseconds=1)).due_at < due


def test_seven_stays_seven_when_clocks_are_put_back():
    found = firings(summary(every="daily"), at("2026-10-24 00:00"), at("2026-10-27 00:00"))

    assert found == [at("2026-10-24 05:00"), at("2026-10-25 06:00"), at("2026-10-26 06:00")]


def test_an_hour_that_comes_twice_counts_once():
    night = summary(every="daily", at="02:30")

    found = firings(night, at("2026-10-24 12:00"), at("2026-10-26 12:00"))

    assert found == [at("2026-10-25 00:30"), at("2026-10-26 01:30")]


def test_an_hour_that_never_comes_is_made_up_for_that_day():
    night = summary(every="daily", at="02:30")

    found = firings(night, at("2026-03-28 12:00"), at("2026-03-30 12:00"))

    assert found == [at("2026-03-29 01:30"), at("2026-03-30 00:30")]


@pytest.mark.parametrize(
    ("hours", "decision"), [(0, "due"), (83, "due"), (84, "too-late"), (160, "too-late")]
)
def test_what_was_missed_is_sent_while_it_is_less_than_half_a_week_late(hours, decision):
    now = at("2026-11-23 06:00") + timedelta(hours=hours)
    weekly = slot(summary(every="weekly"), BERLIN, now)

    assert decide(weekly, at("2026-11-16 06:00"), now) == decision
    assert decide(weekly, weekly.due_at, now) == "not-due"


def test_each_attempt_waits_as_long_as_it_is_late_within_bounds():
    due = Slot(due_at=at("2026-11-23 06:00"), next_at=at("2026-11-30 06:00"))

    waits = [wait(due, due.due_at + timedelta(minutes=late)) for late in (0, 2, 4, 40, 900)]

    assert waits == [timedelta(minutes=some) for some in (2, 2, 4, 40, 60)]
