"""The only module that reads the wall clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from; everything that needs it is handed one."""

    def now(self) -> datetime:
        """The present instant, timezone-aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; for durations only."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class FixedClock:
    """A clock that stands still until it is moved: for tests, rebuilds and replays."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)
        self._start = self._at

    def now(self) -> datetime:
        return self._at

    def monotonic(self) -> float:
        return (self._at - self._start).total_seconds()

    def move_to(self, at: datetime) -> None:
        """Set the present instant, forwards or backwards."""
        self._at = at.astimezone(UTC)
