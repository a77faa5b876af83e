"""Systems from which nothing came for longer than their cadence explains."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from collector.mapping import Mapping as SourceMapping
from collector.mapping.types import Cadence

# A weekend without work, and one period of the delivery.
_WEEKEND = timedelta(hours=64)
_PATIENCE: Mapping[Cadence, timedelta] = {
    "live": _WEEKEND,
    "hourly": _WEEKEND + timedelta(hours=1),
    "nightly": _WEEKEND + timedelta(days=1),
}


def patience(cadence: Cadence) -> timedelta:
    """For how long a system of that cadence may be unheard of."""
    return _PATIENCE[cadence]


def silent_systems(
    last_received: Mapping[str, datetime], mapping: SourceMapping, now: datetime
) -> Collection[str]:
    """The declared systems that were never heard of, or not within their patience at `now`.

    `last_received` is by system; one that no source declares has no cadence and is never silent.
    """
    return frozenset(
        system
        for system, cadence in mapping.cadences.items()
        if system not in last_received or now - last_received[system] > _PATIENCE[cadence]
    )
