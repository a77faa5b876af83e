"""Durations as policies write them."""

from __future__ import annotations

from datetime import timedelta

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: str) -> timedelta:
    """`15m` and the like: a whole number and one of s, m, h, d; the schema has checked it."""
    return timedelta(seconds=int(text[:-1]) * _UNITS[text[-1]])
