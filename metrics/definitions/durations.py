"""Lengths of time as people write them: `24 hours`, `5 business days`."""

from __future__ import annotations

import re

from threadline.model.journeys import Duration

SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
PATTERN = re.compile(r"(\d+(?:\.\d+)?) (business )?(second|minute|hour|day)s?")
RULE = (
    "is a time above zero such as '90 minutes', '24 hours', '8 business hours', '5 business days'"
)


def duration(text: str) -> Duration:
    """`text` as a duration; raises `ValueError` with the rule when it is none."""
    found = PATTERN.fullmatch(text)
    if not found or float(found[1]) == 0:
        raise ValueError(f"{text!r} is no duration: it {RULE}")
    amount, business, unit = float(found[1]), bool(found[2]), found[3]
    if business and unit == "day":
        return Duration(text=text, business=True, days=amount)
    return Duration(text=text, business=business, seconds=amount * SECONDS[unit])
