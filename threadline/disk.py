"""How much of the disk Threadline takes, by what is kept there, and how soon it is too much."""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from threadline.settings import Settings
from threadline.store.log import Log

GB = 10**9
_EVERY, _OVER = timedelta(hours=1), timedelta(days=7)  # samples of which the rate is told


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Bytes on this machine's disk: of inputs with their bodies, of sealed ones, of the telemetry
    store (as-of views included) and of the control store; `free` are those nobody uses.
    """

    bodies: int
    sealed: int
    telemetry: int
    control: int
    free: int

    @property
    def total(self) -> int:
        """What Threadline takes."""
        return sum(self.by_class.values())

    @property
    def by_class(self) -> Mapping[str, int]:
        """The same, by name."""
        names = ("bodies", "sealed", "telemetry", "control")
        return {name: getattr(self, name) for name in names}


def measure(settings: Settings, log: Log) -> Usage:
    """What is there now. Raises `LogUnavailable`."""
    segments = log.segments()
    beside = settings.telemetry.dir.parent.glob(f"{settings.telemetry.dir.name}*")
    control = settings.control.path
    return Usage(
        bodies=sum(one.bytes for one in segments if one.dropped is None),
        sealed=sum(one.bytes for one in segments if one.dropped is not None),
        telemetry=_size(beside),
        control=0 if settings.control.url else _size(control.parent.glob(f"{control.name}*")),
        free=shutil.disk_usage(settings.data_dir).free,
    )


class Forecast:
    """When a budget is used up, at the rate of the last days; None before an hour has passed."""

    def __init__(self) -> None:
        self._samples: deque[tuple[datetime, int]] = deque()

    def note(self, at: datetime, total: int) -> None:
        """Take one sample; those that follow soon after another are left out."""
        if self._samples and at - self._samples[-1][0] < _EVERY:
            return
        self._samples.append((at, total))
        while at - self._samples[0][0] > _OVER:
            self._samples.popleft()

    def days_left(self, room: int) -> float | None:
        """Days until `room` bytes more are taken; None where it is not known, or never."""
        if len(self._samples) < 2:
            return None
        (begun, first), (ended, last) = self._samples[0], self._samples[-1]
        if last <= first:
            return None
        return max(0, room) / (last - first) * ((ended - begun) / timedelta(days=1))


def _size(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        with suppress(FileNotFoundError):  # parts of the index come and go
            if path.is_dir():
                total += _size(map(Path, os.scandir(path)))
            else:
                total += path.stat().st_size
    return total
