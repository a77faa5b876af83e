"""How fast cases are derived, in facts a second, from memory and from the store.

    make bench-derivation      (or: PYTHONPATH=tests python bench/derivation.py --facts 1000000)

A small world of `derivation.yaml` is played through the service once; then it is copied, every
copy with ids of its own, until there are enough facts. Identity is settled by then: measured is
what turns the facts of contracts into cases, steps and exceptions of all journeys. The bars on
2 cores: 1,000,000 facts a second with the facts in memory, 300,000 when the store is asked.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lookup_store import fill

from metrics.definitions import Definitions, load
from metrics.derive import derive
from threadline.settings import MIB, TelemetrySettings
from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.observations import Gathered, gathered

BARS = {"memory": 1_000_000, "store": 300_000}
AT_ONCE = 4_000  # contracts, as the pipeline derives them


def main() -> int:
    given = _arguments()
    store = fill(given.store, given.facts)
    settings = TelemetrySettings(
        dir=given.store / "telemetry", memory_bytes=6000 * MIB, query_memory_bytes=4000 * MIB
    )
    telemetry, definitions = Telemetry.open(settings), load()
    try:
        report = {"store": store, **_measured(telemetry, definitions, given.contracts)}
    finally:
        telemetry.close()
    print(json.dumps(report, indent=2))
    return 0 if all(report[name]["facts_per_second"] >= bar for name, bar in BARS.items()) else 1


def _measured(telemetry: Telemetry, definitions: Definitions, contracts: int) -> dict[str, Any]:
    roots = telemetry.query(_ROOTS, {"number": contracts})["root_id"].to_list()
    parts = [roots[first : first + AT_ONCE] for first in range(0, len(roots), AT_ONCE)]

    def read(some: Sequence[str]) -> Gathered:
        return gathered(telemetry, some, definitions.event_names)

    told = {}
    held = [(some, read(some)) for some in parts]
    told["store"] = _timed(definitions, ((some, read(some)) for some in parts))
    told["memory"] = _timed(definitions, iter(held))
    return told


_ROOTS = """
SELECT root_id FROM identifiers WHERE root_id != '' GROUP BY root_id
ORDER BY cityHash64(root_id) LIMIT {number:UInt32}
"""


def _timed(
    definitions: Definitions, parts: Iterator[tuple[Sequence[str], Gathered]]
) -> dict[str, Any]:
    facts = cases = 0
    began, used = time.perf_counter(), time.process_time()
    for roots, read in parts:
        derived = derive(read.observations, read.members, read.relations, definitions, roots)
        facts += read.observations["fact_id"].n_unique()
        cases += derived.cases.height
    seconds = time.perf_counter() - began
    return {
        "facts": facts,
        "cases": cases,
        "facts_per_case": round(facts / cases, 1),
        "facts_per_second": round(facts / seconds),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(time.process_time() - used, 2),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=Path(".bench/derivation"))
    parser.add_argument("--facts", type=int, default=2_000_000)
    parser.add_argument("--contracts", type=int, default=16_000)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
