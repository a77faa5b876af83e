"""The service, killed by itself at a chosen point: `breaking_service.py POINT CALL HOURS serve`.

At the CALL-th passing of POINT the process gets SIGKILL, as nothing of it would know beforehand.
Its clock is ahead of the machine's by HOURS.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

from threadline.cli import main
from threadline.clock import SystemClock
from threadline.store.log.extent import Extent
from threadline.store.telemetry import Telemetry, cursors

Work = Callable[..., Any]
NOWHERE = "nowhere"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, call: int) -> None:
    """Die instead of the `call`-th call."""
    original: Work = getattr(owner, name)
    calls = count(1)

    def dying(*args: Any, **more: Any) -> Any:
        if next(calls) >= call:
            die()
        return original(*args, **more)

    setattr(owner, name, dying)


def inside_a_merge(call: int) -> None:
    """After the `call`-th insert merge all parts of that table, and die while that goes on."""
    original = Telemetry.insert
    calls = count(1)

    def merging(self: Telemetry, table: str, frame: Any) -> None:
        original(self, table, frame)
        if next(calls) >= call:
            merge = f"OPTIMIZE TABLE {table} FINAL"
            threading.Thread(target=lambda: self.command(merge), daemon=True).start()
            threading.Event().wait(0.002 * (call % 7))
            die()

    Telemetry.insert = merging  # type: ignore[method-assign]


POINTS: dict[str, Callable[[int], None]] = {
    NOWHERE: lambda _: None,
    # COMMIT has returned, nobody has been answered
    "between append and reply": lambda call: before(Extent, "reach", call + 1),
    "between two tables": lambda call: before(Telemetry, "insert", call),
    "between result and cursor": lambda call: before(cursors, "move", 1 + call % 3),
    "inside a merge": inside_a_merge,
    "at start-up": lambda call: before(Telemetry, "query", 1 + call % 5),
}

if __name__ == "__main__":
    point, passing, hours = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    POINTS[point](passing)
    real = SystemClock.now
    SystemClock.now = lambda self: real(self) + timedelta(hours=hours)  # type: ignore[method-assign]
    sys.argv = ["threadline", *sys.argv[4:]]
    sys.exit(main())
