"""What work costs: wall clock, and processor time apart from what the store does beside it."""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Threads of chDB that merge parts and clean up, whoever is at work.
_BESIDE = {"BgSchPool", "BgStrmSchPool", "MergeMutate", "PoolDelayExec", "Move", "Common", "Fetch"}
_TASKS = Path("/proc/self/task")


@dataclass
class Cost:
    """Seconds that some work took so far; `cpu` without merges of the store."""

    wall: float = 0.0
    cpu: float = 0.0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Add what happens inside."""
        wall, cpu = time.perf_counter(), _own()
        try:
            yield
        finally:
            self.wall += time.perf_counter() - wall
            self.cpu += _own() - cpu

    def per_second(self, facts: int) -> dict[str, float]:
        """Facts per second of either, and the seconds."""
        return {
            "facts": facts,
            "cpu_seconds": round(self.cpu, 2),
            "wall_seconds": round(self.wall, 2),
            "facts_per_cpu_second": round(facts / self.cpu) if self.cpu else 0,
            "facts_per_second": round(facts / self.wall) if self.wall else 0,
        }


def resident_megabytes() -> float:
    """What this process holds, freed memory given back first."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * 4096 / 2**20


def _own() -> float:
    return time.process_time() - sum(_beside())


def _beside() -> Iterator[float]:
    for task in _TASKS.iterdir():
        try:
            if (task / "comm").read_text().strip() in _BESIDE:
                yield int((task / "schedstat").read_text().split()[0]) / 1e9
        except OSError:  # it has ended
            continue
