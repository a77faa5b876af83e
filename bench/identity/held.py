"""Loads what identity holds in memory from a store and prints how much it is, as JSON.

A process of its own, because only a fresh one tells how much it takes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cost import resident_megabytes
from feed import opened

from collector.identity.graph import Graph
from collector.identity.ties import RULINGS
from collector.mapping import load


def measured(data: Path) -> dict[str, Any]:
    """What a fresh process takes; nobody else may have the store open."""
    told = subprocess.run([sys.executable, __file__, str(data)], check=True, capture_output=True)
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def main(data: Path) -> None:
    """Measure in this process."""
    store = opened(data)
    identifiers = store.query("SELECT count() FROM identifiers FINAL").item()
    links = store.query("SELECT count() FROM links FINAL").item()
    mapping = load()
    before, begun = resident_megabytes(), time.perf_counter()
    graph = Graph.load(store, mapping, RULINGS.to_frame())
    seconds, megabytes = time.perf_counter() - begun, resident_megabytes() - before
    told = {
        "identifiers": identifiers,
        "links": links,
        "seconds_to_load": round(seconds, 1),
        "megabytes": round(megabytes),
        "megabytes_per_million_identifiers": round(megabytes / identifiers * 10**6),
    }
    print(json.dumps(told))
    del graph
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
