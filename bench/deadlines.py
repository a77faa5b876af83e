"""How soon a passed deadline is noticed among a million open cases, also right after a restart.

    make bench-deadlines       (or: PYTHONPATH=tests python bench/deadlines.py --cases 1000000)

Open cases whose promises end years from now are put into a store; then, while the service runs, the
promises of a few end one after the other. Noticed is when the incident was opened by the service's
clock. Then the service is stopped, and promises end while it is away and while it starts: these
count from when it is ready. The bar: p99 within a second.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benched_service import BenchedService

from threadline.settings import MIB, TelemetrySettings
from threadline.store.telemetry import Telemetry

BAR_SECONDS = 1.0
EVERY = timedelta(milliseconds=100)  # so far apart the promises end

_INSERT = """
INSERT INTO cases (journey, case_id, root_id, version, started_at, warn_at, due_at, known_at,
    current_step, current_since, waiting_systems, stuck_reason, stuck_message, value, currency,
    criticality, dimensions, annotations, exceptions, rework, facts, generation, deleted)
SELECT 'contract-activation', concat('contract:clm:', {prefix:String}, toString(number)) AS id, id,
    'bench', {start:DateTime64(9, 'UTC')}, NULL,
    {due:DateTime64(9, 'UTC')} + toIntervalMillisecond(number * {apart:UInt32}),
    {start:DateTime64(9, 'UTC')}, 'erp-project', {start:DateTime64(9, 'UTC')}, ['erp'], '', '',
    100000, 'EUR', 'revenue', '{}', [], 0, 0, 8, 1, 0
FROM numbers({count:UInt64})
"""


def main() -> int:
    given = _arguments()
    directory = given.store
    if not (directory / "telemetry").exists():
        put(directory, "open-", datetime.now(UTC) + timedelta(days=3650), given.cases, timedelta())
    run = f"r{int(time.time())}-"
    due = datetime.now(UTC) + timedelta(seconds=40)
    put(directory, f"{run}running-", due, given.ending, EVERY)
    service = BenchedService(directory)
    running = _noticed(service, f"{run}running-", due, given.ending, since=due)
    service.stop()
    due = datetime.now(UTC) + timedelta(seconds=3)
    put(directory, f"{run}restart-", due, given.ending, EVERY)
    service = BenchedService(directory)
    ready = datetime.now(UTC)
    restarted = _noticed(service, f"{run}restart-", due, given.ending, since=ready)
    report = {
        "open_cases": given.cases,
        "running": running,
        "after_a_restart": restarted,
        "cpu_seconds": round(service.cpu_seconds(), 1),
        "peak_rss_megabytes": service.peak_rss(),
    }
    service.stop()
    print(json.dumps(report, indent=2))
    return 0 if max(running["p99_seconds"], restarted["p99_seconds"]) <= BAR_SECONDS else 1


def put(directory: Path, prefix: str, due: datetime, count: int, apart: timedelta) -> None:
    """Open cases in the store, whose promises end from `due` on, so far `apart`."""
    settings = TelemetrySettings(
        dir=directory / "telemetry", memory_bytes=4000 * MIB, query_memory_bytes=2000 * MIB
    )
    telemetry = Telemetry.open(settings)
    asked = {"prefix": prefix, "count": count, "apart": apart // timedelta(milliseconds=1)}
    start = datetime.now(UTC) - timedelta(days=1)
    telemetry.command(_INSERT, {**asked, "start": start, "due": due})
    telemetry.close()


def _noticed(
    service: BenchedService, prefix: str, due: datetime, count: int, since: datetime
) -> dict[str, Any]:
    """How long after its end each promise's incident was opened; `since`: not before that."""
    last = max(due + count * EVERY, datetime.now(UTC)) + timedelta(seconds=10)
    while (left := (last - datetime.now(UTC)).total_seconds()) > 0:
        time.sleep(left)
    found = {row["case_id"].rpartition("-")[2]: row for row in _incidents(service, prefix)}
    late = []
    for number in range(count):
        ended = due + number * EVERY
        opened = found.get(str(number))
        if opened is not None:
            history = json.loads(service.get(f"/api/v1/incidents/{opened['id']}"))["history"]
            noticed = datetime.fromisoformat(history[0]["at"])
            late.append(max((noticed - max(ended, since)).total_seconds(), 0.0))
    return {
        "ended": count,
        "noticed": len(late),
        "p50_seconds": _percentile(late, 50),
        "p99_seconds": _percentile(late, 99),
    }


def _incidents(service: BenchedService, prefix: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = json.loads(service.get(f"/api/v1/incidents?limit=500{cursor}"))
        found += [row for row in page["items"] if prefix in row.get("case_id", "")]
        if not page["next"]:
            return found
        cursor = f"&cursor={page['next']}"


def _percentile(values: Sequence[float], share: int) -> float:
    ordered = sorted(values)
    if not ordered:
        return float("inf")
    return round(ordered[min(len(ordered) - 1, len(ordered) * share // 100)], 3)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=Path(".bench/deadlines"))
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--ending", type=int, default=200)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
