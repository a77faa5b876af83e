"""How fast cases are derived, in facts a second, from memory and from the store.

    make bench-derivation      (or: PYTHONPATH=tests python bench/derivation.py --facts 1000000)

A small world of `derivation.yaml` is played through the service once; then it is copied, every
copy with ids of its own, until there are enough facts. Identity is settled by then: measured is
what turns the facts of contracts into cases, steps and exceptions of all journeys. Facts are all
that were received of these contracts; those that no definition names never reach the derivation,
and `facts_read` counts the others. Beside it pandas finds what it can express: when each step of
each case was first closed, and nothing of deadlines, pauses, failures or reasons. The bars on 2
cores: 1,000,000 facts a second with the facts in memory, 300,000 when the store is asked.
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
from threadline.settings import TelemetrySettings
from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.observations import Gathered, gathered

BARS = {"memory": 1_000_000, "store": 300_000}
AT_ONCE = 8_000  # contracts, as the pipeline derives them


def main() -> int:
    given = _arguments()
    store = fill(given.store, given.facts)
    settings = TelemetrySettings(dir=given.store / "telemetry")
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

    facts = telemetry.query(_FACTS, {"roots": roots}).item()
    told: dict[str, Any] = {}
    held = [(some, read(some)) for some in parts]
    told["store"] = _timed(definitions, ((some, read(some)) for some in parts), facts)
    told["memory"] = _timed(definitions, iter(held), facts)
    began = time.perf_counter()
    closed = sum(_first_closed(one, definitions) for _, one in held)
    seconds = time.perf_counter() - began
    ratio = round(told["memory"]["seconds"] / seconds, 2)
    told["pandas"] = {"closings": closed, "seconds": round(seconds, 2), "ratio_to_it": ratio}
    return told


def _first_closed(read: Gathered, definitions: Definitions) -> int:
    """How many steps of all cases pandas finds closed, by name, under the root of the case."""
    named = ["root_id", "object_type", "object_id", "fact_id", "name", "outcome", "at"]
    seen = read.observations.select(named).to_pandas()
    seen = seen[seen["outcome"] != "error"].drop_duplicates(["root_id", "fact_id", "object_id"])
    members = read.members.select("root_id", "object_type", "object_id").to_pandas()
    closed = 0
    for journey in definitions.journeys.values():
        cases = members[members["object_type"] == journey.case_type].drop_duplicates("object_id")
        names = {name for step in journey.steps for each in step.match for name in each.names}
        steps = seen[seen["name"].isin(names)]
        told = cases.merge(steps, on="root_id", suffixes=("", "_of"))
        closed += len(told.groupby(["object_id", "name"])["at"].min())
    return closed


_FACTS = """
SELECT uniqExact(fact_id) FROM mentions WHERE (object_type, namespace, value) IN
    (SELECT object_type, namespace, value FROM identifiers WHERE root_id IN {roots:Array(String)})
"""

_ROOTS = """
SELECT root_id FROM identifiers WHERE root_id != '' GROUP BY root_id
ORDER BY cityHash64(root_id) LIMIT {number:UInt32}
"""


def _timed(
    definitions: Definitions, parts: Iterator[tuple[Sequence[str], Gathered]], facts: int
) -> dict[str, Any]:
    told = cases = 0
    began, used = time.perf_counter(), time.process_time()
    for roots, read in parts:
        derived = derive(read.observations, read.members, read.relations, definitions, roots)
        told += read.observations["fact_id"].n_unique()
        cases += derived.cases.height
    seconds = time.perf_counter() - began
    return {
        "facts": facts,
        "facts_read": told,
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
