"""The figures of the order-management log, computed from the file alone: plain SQL and Python.

Run it with the log's path to print them. It shares no code with Threadline on purpose.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

ORDER_EVENTS = """
SELECT event_object.ocel_object_id, times.ocel_time
FROM "event_{table}" AS times
JOIN event_object ON event_object.ocel_event_id = times.ocel_id
JOIN object ON object.ocel_id = event_object.ocel_object_id
WHERE object.ocel_type = ?
"""


def figures(file: Path) -> dict[str, Any]:
    """Counts, and hours from placing an order to its confirmation, first and last package sent."""
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return _counts(connection) | _kpis(connection)
    finally:
        connection.close()


def _counts(connection: sqlite3.Connection) -> dict[str, Any]:
    tables = {
        "events": "event",
        "objects": "object",
        "event_objects": "event_object",
        "object_objects": "object_object",
    }
    counts: dict[str, Any] = {
        name: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for name, table in tables.items()
    }
    for name, table in (("by_event_type", "event"), ("by_object_type", "object")):
        rows = connection.execute(f"SELECT ocel_type, count(*) FROM {table} GROUP BY 1")
        counts[name] = dict(rows.fetchall())
    declared = {row[0] for row in connection.execute("SELECT ocel_type FROM event_map_type")}
    counts["empty_event_types"] = sorted(declared - set(counts["by_event_type"]))
    return counts


def _kpis(connection: sqlite3.Connection) -> dict[str, Any]:
    placed = _first(_times(connection, "PlaceOrder", "orders"))
    confirmed = _first(_times(connection, "ConfirmOrder", "orders"))
    sent = _first(_times(connection, "SendPackage", "packages"))
    first_sent, last_sent, packages = {}, {}, {}
    holding: dict[str, set[str]] = defaultdict(set)
    for package, items in _related(connection, "contains").items():
        for item in items:
            holding[item].add(package)
    for order, items in _related(connection, "comprises").items():
        containers = {package for item in items for package in holding[item]}
        times = [sent[package] for package in containers if package in sent]
        packages[order] = len(containers)
        if times:
            first_sent[order] = min(times)
        if len(times) == len(containers):
            last_sent[order] = max(times)
    done = {o: max(first_sent[o], confirmed[o]) for o in first_sent.keys() & confirmed.keys()}
    hours = _hours(placed, done)
    return {
        "orders_placed": len(placed),
        "orders_confirmed": len(confirmed),
        "orders_complete": len(done),
        "orders_stuck": len(placed) - len(done),
        "orders_complete_in_28_days": sum(taken <= 28 * 24 for taken in hours),
        "orders_with_every_package_sent": len(last_sent),
        "orders_in_several_packages": sum(count > 1 for count in packages.values()),
        "orders_sent_before_confirmed": sum(first_sent[o] < confirmed[o] for o in done),
        "out_of_stock_before_completion": _out_of_stock(connection, placed, done),
        "median_hours_to_confirmation": _median(placed, confirmed),
        "median_hours_to_completion": _median(placed, done),
        "p90_hours_to_completion": _p90(placed, done),
        "median_hours_to_first_package": _median(placed, first_sent),
        "median_hours_to_last_package": _median(placed, last_sent),
    }


def _times(connection: sqlite3.Connection, table: str, kind: str) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = defaultdict(list)
    for name, time in connection.execute(ORDER_EVENTS.format(table=table), (kind,)):
        found[str(name)].append(datetime.fromisoformat(time))
    return found


def _first(times: dict[str, list[datetime]]) -> dict[str, datetime]:
    return {name: min(instants) for name, instants in times.items()}


def _related(connection: sqlite3.Connection, qualifier: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    query = "SELECT ocel_source_id, ocel_target_id FROM object_object WHERE ocel_qualifier = ?"
    for source, target in connection.execute(query, (qualifier,)):
        found[str(source)].append(str(target))
    return found


def _out_of_stock(
    connection: sqlite3.Connection, placed: dict[str, datetime], done: dict[str, datetime]
) -> int:
    short = _times(connection, "ItemOutOfStock", "items")
    return sum(
        placed[order] <= at <= done[order]
        for order, items in _related(connection, "comprises").items()
        for item in items
        for at in short.get(item, ())
    )


def _hours(start: dict[str, datetime], end: dict[str, datetime]) -> list[float]:
    return sorted((end[o] - start[o]).total_seconds() / 3600 for o in start if o in end)


def _median(start: dict[str, datetime], end: dict[str, datetime]) -> float:
    return round(median(_hours(start, end)), 4)


def _p90(start: dict[str, datetime], end: dict[str, datetime]) -> float:
    return round(quantiles(_hours(start, end), n=10, method="inclusive")[8], 4)


if __name__ == "__main__":
    print(json.dumps(figures(Path(sys.argv[1])), indent=2))
