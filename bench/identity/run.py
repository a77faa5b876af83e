"""Identity at scale: a world with all kinds of trouble, held against an oracle and against truth.

    make bench-identity      (or: PYTHONPATH=tests python bench/identity/run.py --contracts 100000)

Feeds about 50 facts a contract in batches to `identify` over a real store, with a restart in the
middle, then compares every link, place and attribution with the oracle of the tests, and whose each
fact is taken to be with whose it is. Exit code 1 if anything differs from the oracle, or if less
than the goal is right of what could be known by somebody who knows all that was told.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # facts per second of one core

import check
import held
import world
from cost import resident_megabytes
from feed import Feed, opened
from outcomes import KNOWABLE

GOALS = {"precision": 99.99, "recall": 99.5}  # per cent


def main() -> int:
    given = _arguments()
    plan = world.Plan(contracts=given.contracts, at_once=min(given.at_once, given.contracts))
    with tempfile.TemporaryDirectory(prefix="threadline-bench-", dir=given.data) as directory:
        data = Path(directory)
        report: dict[str, Any] = {
            "contracts": given.contracts,
            "fed": _fed(data, plan, given.batch),
        }
        report["held"] = held.measured(data)
        store = opened(data)
        begun = time.monotonic()
        found = check.checked(store, plan)
        report |= {
            "evidence": check.ties_without_evidence(store),
            "seconds_to_check": round(time.monotonic() - begun),
            "compared": found.compared,
            "differences": found.differences,
            "shown": found.shown,
            "truth": found.outcome,
        }
        store.close()
    print(json.dumps(report, indent=2))
    short = any(found.outcome[KNOWABLE][rate] < goal for rate, goal in GOALS.items())
    return 1 if found.differences or report["evidence"]["bare"] or short else 0


def _fed(data: Path, plan: world.Plan, size: int) -> dict[str, Any]:
    store = opened(data)
    feed = Feed(store)
    before, restart = resident_megabytes(), 0.0
    for number in range(plan.waves + 1):  # what is late in the last wave comes after it
        if number == (plan.waves + 1) // 2:
            restart = feed.restart()
        feed.take(world.batches(world.wave(plan, number), size))
        print(f"{feed.facts:,} facts, {feed.identifying}", file=sys.stderr)
    grown = resident_megabytes() - before
    store.close()
    return {
        "identify": feed.identifying.per_second(feed.facts),
        "store": feed.storing.per_second(feed.facts),
        "restart_seconds": round(restart, 1),
        "process_grown_megabytes": round(grown),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contracts", type=int, default=100_000)
    parser.add_argument("--at-once", type=int, default=5_000, help="contracts alive together")
    parser.add_argument("--batch", type=int, default=20_000, help="facts identified together")
    parser.add_argument("--data", type=Path, help="where the store is put")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
