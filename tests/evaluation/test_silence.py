"""Who works by day, on weekdays, is not silent at night or on a weekend; who stops is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from collector import mapping
from threadline.readings import silence

HOUR = timedelta(hours=1)
SUNDAY = datetime(2026, 3, 22, tzinfo=UTC)  # the week before summer time begins in Europe
WAITING = pl.DataFrame(
    schema={
        **dict.fromkeys(("journey", "case_id", "root_id", "criticality", "currency"), pl.String),
        **dict.fromkeys(("due_at", "current_due_at"), pl.Datetime("ns", "UTC")),
        "value": pl.Decimal(38, 2),
    }
)


def spoken(weeks: int) -> Iterator[datetime]:
    """The first and the last facts of working days: at 8 and 18 hours, on Fridays at 17."""
    for day in range(7 * weeks):
        at = SUNDAY + timedelta(days=day)
        if at.weekday() < 5:
            yield at + 8 * HOUR
            yield at + (17 if at.weekday() == 4 else 18) * HOUR


def called_silent(heard: list[datetime], until: datetime, system: str) -> list[datetime]:
    """The hours from the first fact to `until` at which the system is beyond its patience."""
    declared, found, now = mapping.load(), [], heard[0]
    while now <= until:
        last = dict.fromkeys(declared.cadences, max(at for at in heard if at <= now))
        readings = silence.read(lambda _: WAITING, declared, last, now)
        found += [one.at for one in readings if one.part == system and one.value and one.value > 0]
        now += HOUR
    return found


@pytest.mark.parametrize("system", ["clm", "bank"])  # live, nightly
def test_nights_and_weekends_without_work_are_no_silence(system):
    heard = list(spoken(weeks=2))
    assert called_silent(heard, heard[-1] + 60 * HOUR, system) == []


def test_who_does_not_come_back_on_monday_is_silent_by_ten():
    heard = list(spoken(weeks=1))
    assert called_silent(heard, heard[-1] + 70 * HOUR, "clm")[0] == heard[-1] + 65 * HOUR
