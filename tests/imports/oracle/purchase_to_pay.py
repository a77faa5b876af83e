"""The figures of the p2p-normal log, computed from the file alone, in plain Python.

Run it with the log's path to print them. It shares no code with Threadline on purpose.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

LAST = ("Create Purchase Order", "Receive Goods", "Goods Issue", "Receive Invoice", "Clear Invoice")


def figures(file: Path) -> dict[str, Any]:
    """Counts, and hours from the requisition to the order, and to the last of what it led to."""
    log = json.loads(file.read_text())
    kinds = {name: told["ocel:type"] for name, told in log["ocel:objects"].items()}
    events = list(log["ocel:events"].values())
    orders = _orders(events, kinds)
    first: dict[str, dict[str, datetime]] = defaultdict(dict)
    again = 0
    for event in events:
        at = datetime.fromisoformat(event["ocel:timestamp"])
        for order in {orders[name] for name in event["ocel:omap"] if name in orders}:
            known = first[order].get(event["ocel:activity"])
            again += known is not None
            first[order][event["ocel:activity"]] = min(at, known or at)
    begun = {order: told["Create Purchase Requisition"] for order, told in first.items()}
    ends = {
        order: max(told[act] for act in LAST)
        for order, told in first.items()
        if all(act in told for act in LAST)
    }
    hours = sorted((ends[order] - begun[order]).total_seconds() / 3600 for order in ends)
    ordered = sorted(
        (told["Create Purchase Order"] - begun[order]).total_seconds() / 3600
        for order, told in first.items()
    )
    return {
        "events": len(events),
        "objects": len(kinds),
        "purchases": len(begun),
        "done": len(ends),
        "within_11_days": sum(taken <= 11 * 24 for taken in hours),
        "acts_done_again": again,
        "median_hours": median(hours),
        "p90_hours": quantiles(hours, n=10, method="inclusive")[8],
        "median_hours_to_order": median(ordered),
        "p90_hours_to_order": quantiles(ordered, n=10, method="inclusive")[8],
        "tied": len(orders),
        "hours": {order: (ends[order] - begun[order]).total_seconds() / 3600 for order in ends},
    }


def _orders(events: list[dict[str, Any]], kinds: dict[str, str]) -> dict[str, str]:
    """The purchase order of each object: the one that some event names beside it."""
    found: dict[str, str] = {}
    for event in events:
        named = event["ocel:omap"]
        for order in (name for name in named if kinds[name] == "PURCHORD"):
            for name in named:
                assert found.setdefault(name, order) == order
    return found


if __name__ == "__main__":
    print(json.dumps(figures(Path(sys.argv[1])), indent=2))
