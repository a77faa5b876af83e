"""What facts say about when ties hold, read from their attributes."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from collector.mapping import load
from collector.validity import ALWAYS, FOREVER, bounds, unreadable

MAPPING = load()


def told(since: object = None, until: object = None) -> pl.DataFrame:
    said = {"amendment.valid_from": since, "amendment.valid_to": until}
    payload = {name: text for name, text in said.items() if text is not None}
    return pl.DataFrame({"payload": [json.dumps(payload)]})


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("since", "until", "stretch"),
    [
        ("2026-05-11", None, (at(2026, 5, 11), FOREVER)),
        ("2026-05-11T02:00:00+02:00", "2026-06-01", (at(2026, 5, 11), at(2026, 6, 1))),
        (" 2026-05-11T00:00:00.000000005Z ", None, (at(2026, 5, 11) + 5, FOREVER)),
        (None, "9999-12-31", (ALWAYS, FOREVER)),
        ("1900-01-01", "2026-05-11T09:00:00Z", (ALWAYS, at(2026, 5, 11, 9))),
    ],
)
def test_an_instant_or_a_date_bounds_a_tie(
    since: str | None, until: str | None, stretch: tuple[int, int]
) -> None:
    facts = told(since, until)
    assert bounds(facts, MAPPING).rows() == [(0, "amendment", *stretch)]
    assert unreadable(facts, MAPPING).to_list() == [False]


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("next month", None),
        ("2026-02-30", None),
        ("2026-05-11T09:00:00", None),  # whose nine o'clock?
        ("2026-05-11", "2026-05-11"),
        (20260511, None),
    ],
)
def test_what_cannot_be_read_or_is_no_stretch_bounds_nothing(since: object, until: object) -> None:
    facts = told(since, until)
    assert bounds(facts, MAPPING).select("since", "until").rows() == [(None, None)]
    assert unreadable(facts, MAPPING).to_list() == [True]


def test_a_fact_that_says_nothing_of_it_has_no_row() -> None:
    for facts in (told(), told("")):
        assert bounds(facts, MAPPING).is_empty()
        assert unreadable(facts, MAPPING).to_list() == [False]
