"""Loads what identity holds in memory from a store and prints how much it is, as JSON.

A process of its own, because only a fresh one tells how much it takes. The first time allocators
also keep what reading took, so what is held is what the process grows by for each of some more that
it holds beside the first.
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

MORE = 3


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
    mapping, rulings = load(), RULINGS.to_frame()
    empty, begun = resident_megabytes(), time.perf_counter()
    graphs = [Graph.load(store, mapping, rulings)]
    seconds, once = time.perf_counter() - begun, resident_megabytes()
    graphs += [Graph.load(store, mapping, rulings) for _ in range(MORE)]
    megabytes = (resident_megabytes() - once) / MORE
    told = {
        "identifiers": identifiers,
        "links": links,
        "seconds_to_load": round(seconds, 1),
        "process_grown_megabytes": round(once - empty),
        "megabytes": round(megabytes),
        "megabytes_per_million_identifiers": round(megabytes / identifiers * 10**6),
    }
    print(json.dumps(told))
    del graphs
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
