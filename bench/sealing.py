"""How long a full segment takes to seal and to look through, and what is left of it.

Bodies of 170 kB and more, 512 spans each, as `bench/intake.py` sends them; processor seconds of one
thread. `PYTHONPATH=bench:tests .venv/bin/python bench/sealing.py`
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from keeping.test_eraser import NAMES, erasure
from otlp_requests import SPANS, Requests

from collector.keeping import Eraser, reduced
from threadline.clock import SystemClock
from threadline.model.entries import Entry
from threadline.settings import LogSettings
from threadline.store.log import Dropped, Log

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def main(directory: Path) -> None:
    log = Log.open(LogSettings(dir=directory), SystemClock())
    requests, number = Requests(1_790_000_000_000_000_000), 0
    while len(log.segments()) < 2:
        log.append_blocking(_entry(requests.body(number)))
        number += 1
    print(f"{number} requests, {number * SPANS:,} spans: {log.segments()[0].bytes / 1e6:.1f} MB")
    eraser = Eraser([erasure("nobody@example.org")], ())
    _timed("looked through for one identifier", lambda: _look(log, eraser))
    why = Dropped(at=NOW, why="bench")
    _timed("sealed", lambda: log.drop_bodies(1, reduced, why))
    print(f"sealed: {log.segments()[0].bytes / 1e6:.1f} MB")
    _timed("read back", lambda: sum(1 for _ in log.everything()))
    log.close()


def _look(log: Log, eraser: Eraser) -> None:
    for entry in log.everything():
        eraser.cleared(entry, NAMES, NOW)


def _timed(what: str, work: Callable[[], object]) -> None:
    begun = time.process_time()
    work()
    print(f"{what}: {time.process_time() - begun:.1f} s")


def _entry(body: bytes) -> Entry:
    kind = "application/x-protobuf"
    return Entry(kind="otlp.traces", source="crm", content_type=kind, received_at=NOW, body=body)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(Path(place))
