"""How often a client may ask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from threadline.access.pace import BURST_SECONDS, Pace
from threadline.clock import FixedClock
from threadline.errors import TooOften

START = datetime(2026, 5, 1, tzinfo=UTC)


def taken(pace: Pace, client: str, most: int = 10_000) -> int:
    """How many requests go through one after the other at this instant."""
    for number in range(most):
        try:
            pace.take(client)
        except TooOften:
            return number
    return most


def test_a_burst_goes_through_and_then_as_many_as_its_pace_allows():
    clock = FixedClock(START)
    pace = Pace(8, clock)
    assert taken(pace, "erp") == 8 * BURST_SECONDS + 1
    clock.move_to(clock.now() + timedelta(seconds=1))
    assert taken(pace, "erp") == 8
    clock.move_to(clock.now() + timedelta(hours=1))
    assert taken(pace, "erp") == 8 * BURST_SECONDS + 1, "waiting saves up no more than a burst"


def test_one_client_takes_nothing_from_another():
    pace = Pace(8, FixedClock(START))
    taken(pace, "erp")
    assert taken(pace, "psa") == 17


def test_what_is_refused_costs_nothing_and_says_when_to_come_again():
    clock = FixedClock(START)
    pace = Pace(0.25, clock)
    taken(pace, "erp")
    for _ in range(50):
        with pytest.raises(TooOften) as refused:
            pace.take("erp")
    assert refused.value.retry_after == 2
    clock.move_to(clock.now() + timedelta(seconds=2))
    pace.take("erp")


def test_only_so_many_clients_are_remembered():
    pace = Pace(8, FixedClock(START))
    for number in range(10_500):
        pace.take(str(number))
    assert len(pace._paid) == 10_000
