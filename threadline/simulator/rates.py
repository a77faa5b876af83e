"""A rate table for the demo. Its figures are made up: nobody ever traded at them."""

from __future__ import annotations

from datetime import datetime, timedelta

WEEKS = 40
QUOTED = {"EUR USD": (10_900, 35), "GBP EUR": (11_500, 20)}  # ten-thousandths, and their swing
SWING = (0, 2, 3, 1, -1, -3, -2)


def made_up(now: datetime) -> str:
    """`rates.yaml`: a rate a week for each pair, up to the week of `now`."""
    lines = [
        "reporting_currency: EUR",
        "stale_after: 30 days",
        "source: made up for the demo",
        "rates:",
    ]
    for week in range(WEEKS):
        day = (now - timedelta(weeks=week)).date()
        for pair, (middle, swing) in QUOTED.items():
            rate = middle + swing * SWING[week % len(SWING)]
            lines.append(f"  - {day} {pair} {rate / 10_000:.4f}")
    return "\n".join(lines) + "\n"
