"""Values as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from threadline.wire import Kpi, Money, phrases

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0, "0 s"),
        (0.44, "0.4 s"),
        (59.7, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3599.6, "1 h"),
        (90_000, "1 d 1 h"),
        (86_400 * 6 + 7_500, "6 d 2 h"),
        (-120, "−2 min"),
    ],
)
def test_durations_have_their_two_leading_parts(seconds, words):
    assert phrases.duration(seconds) == words


def test_business_time_is_said_in_hours_because_its_days_differ():
    assert phrases.business(40 * 3600) == "40 h"
    assert phrases.business(27_600) == "7 h 40 min"
    assert phrases.business(1_200) == "20 min"


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("1250000", "EUR 1.25 M"),
        ("480000", "EUR 480 k"),
        ("999.50", "EUR 999.50"),
        ("0", "EUR 0"),
        ("3200000000", "EUR 3.2 bn"),
    ],
)
def test_money_is_short_and_keeps_its_currency(amount, words):
    assert phrases.amount(Money(amount=Decimal(amount), currency="EUR")) == words


def test_deadlines_are_ahead_or_late():
    assert phrases.deadline(NOW + timedelta(hours=3), NOW) == "due in 3 h"
    assert phrases.deadline(NOW - timedelta(days=2), NOW) == "2 d late"
    assert phrases.deadline(None, NOW) == "no deadline"


@pytest.mark.parametrize(
    ("value", "previous", "direction", "words"),
    [
        (0.9, 0.8, "higher", "▲ better than 80 % before"),
        (0.8, 0.9, "higher", "▼ worse than 90 % before"),
        (0.1, 0.2, "lower", "▼ better than 20 % before"),
        (0.2, 0.1, "lower", "▲ worse than 10 % before"),
        (0.1, 0.1, "lower", "as in the window before"),
        (0.1, None, "lower", "nothing to compare with in the window before"),
    ],
)
def test_a_trend_says_whether_it_is_for_the_better(value, previous, direction, words):
    kpi = Kpi(
        kpi="example", title="Example", description="", value=value, unit="ratio", n=10,
        target=None, direction=direction, state="ok", coverage=1.0, previous=previous,
        previous_n=10, interval=None,
    )  # fmt: skip

    assert phrases.trend(kpi) == words


def test_allowed_misses_are_a_number_of_cases_beside_a_share():
    burn = Kpi.model_construct(unit="ratio", business=False, beside={"misses_allowed": 45.5})
    assert phrases.beside(burn) == ["misses allowed 45.5"]
