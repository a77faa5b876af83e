"""A telemetry store of millions of facts: a small world, derived by the service, and copies of it.

Every copy has ids and months of its own. The rest is left as the service wrote it, cursors and
definitions included, so that a service starts over the directory and goes on.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from benched_service import BenchedService
from history import send_all
from history_tape import record
from stored_threads import put_threads_together

from threadline.settings import MIB, TelemetrySettings
from threadline.store.telemetry import Telemetry

SCENARIO = Path(__file__).with_name("lookup.yaml")
CONTRACTS = 200  # of the world that is copied
AT_ONCE = 20  # copies made by one statement
SHARING = 10  # so many copies have their customers and suppliers in common
LATEST_DAYS = 148  # the recorded world ended so long ago
AGES = 6  # copies are up to so many months old
TABLES = (
    *("facts", "mentions", "links", "trace_links", "identifiers", "cases", "steps", "exceptions"),
    *("attribute_values", "mismatches"),
)
FIGURES = ("cases", "steps", "exceptions", "mismatches")  # what KPIs are computed from
# What makes a copy's ids of an id, a value of an object type, and a `type:namespace:value`.
_COPYING = f"""
    number AS copy,
    toIntervalDay({LATEST_DAYS} - 30 * (copy % {{ages:UInt32}})) AS move,
    (id -> if(id = '', '', lower(hex(sipHash128(id, copy))))) AS other,
    ((value, kind) -> concat(value, '-', toString(if(
        kind IN ('customer', 'supplier', 'user', 'person', 'batch'),
        intDiv(copy, {SHARING}), copy)))) AS valued,
    (name -> if(name = '', '', valued(name, splitByChar(':', name)[1]))) AS named
"""
_ALIKE = {
    **{name: f"other({name})" for name in ("trace_id", "fact_id", "origin", "closed_by")},
    **{name: f"other({name})" for name in ("target_trace_id", "master_fact", "copy_fact")},
    **{name: f"named({name})" for name in ("root_id", "case_id", "object_id", "owner_id")},
    "identifiers": "arrayMap(i -> named(i), identifiers)",
    "span_links": "arrayMap(l -> concat(other(substring(l, 1, 32)), substring(l, 33)), span_links)",
}
_VALUE = {"value": "valued(value, object_type)"}
_RECEIVED = {"received_at": "coalesce(at, received_at) + move + toIntervalSecond(5)"}
_OWN = {
    "facts": _RECEIVED,
    "mentions": _VALUE | _RECEIVED | {"beside": "arrayMap(i -> named(i), beside)"},
    "identifiers": _VALUE,
    "links": {f"{end}_value": f"valued({end}_value, {end}_type)" for end in ("child", "parent")},
    # Contracts that are over: nobody has to be told of their promises.
    "cases": {
        "completed_at": "coalesce(completed_at, cancelled_at, due_at, started_at) + move",
        "known_at": "started_at + move",
        "business_seconds": "coalesce(business_seconds, 3600.)",
        "current_step": "''",
        "stuck_reason": "''",
    },
}


def fill(
    directory: Path,
    number: int,
    tables: Sequence[str] = TABLES,
    ages: int = AGES,
) -> dict[str, Any]:
    """A store in `directory` with at least `number` rows in the first of `tables`, made once.

    Tells what it holds. `ages`: over how many months it is spread.
    """
    about = directory / "filled.json"
    if about.exists():
        told: dict[str, Any] = json.loads(about.read_text())
        return told
    started = time.monotonic()
    _derived(directory)
    told = _copied(directory / "telemetry", number, tables, ages)
    told["seconds_to_fill"] = round(time.monotonic() - started)
    about.write_text(json.dumps(told))
    return told


def names(directory: Path, number: int) -> dict[str, list[str]]:
    """Ids chosen at random over the whole store: of contracts, projects, invoices and traces."""
    telemetry = Telemetry.open(TelemetrySettings(dir=directory))
    try:
        found = {
            kind: telemetry.query(_SOME, {"kind": kind, "number": number})["value"].to_list()
            for kind in ("contract", "project", "invoice")
        }
        found["trace"] = telemetry.query(_TRACES, {"number": number})["trace_id"].to_list()
    finally:
        telemetry.close()
    return found


_SOME = """
SELECT value FROM identifiers WHERE object_type = {kind:String} AND root_id != ''
ORDER BY rand() LIMIT {number:UInt32}
"""

_TRACES = """
SELECT DISTINCT trace_id FROM facts WHERE cityHash64(trace_id) % 50 = 0 AND trace_id != ''
ORDER BY cityHash64(trace_id, 1) LIMIT {number:UInt32}
"""


def _derived(directory: Path) -> None:
    record(directory / "tape", SCENARIO, CONTRACTS)
    service = BenchedService(directory)
    try:
        send_all(directory / "tape", service)
        while service.behind():
            time.sleep(0.1)
    finally:
        service.stop()


def _copied(directory: Path, number: int, tables: Sequence[str], ages: int) -> dict[str, Any]:
    settings = TelemetrySettings(
        dir=directory, memory_bytes=3000 * MIB, query_memory_bytes=2000 * MIB, durable=False
    )
    telemetry = Telemetry.open(settings)
    try:
        copies = -(-number // _count(telemetry, tables[0]))
        for table in tables:
            _copy(telemetry, table, copies, ages)
        if "facts" in tables:
            put_threads_together(telemetry)
        _settle(telemetry)
        return {
            "contracts": CONTRACTS * (copies + 1),
            "copies": copies,
            **{table: _count(telemetry, table) for table in tables},
        }
    finally:
        telemetry.close()


def _copy(telemetry: Telemetry, table: str, copies: int, ages: int) -> None:
    telemetry.command(f"CREATE TABLE origin_{table} AS {table}")
    telemetry.command(f"INSERT INTO origin_{table} SELECT * FROM {table} FINAL")
    columns = telemetry.query(
        "SELECT name, type FROM system.columns WHERE table = {table:String}"
        " AND database = currentDatabase() AND default_kind = ''",
        {"table": table},
    )
    statement = _statement(table, dict(columns.iter_rows()))
    for first in range(1, copies + 1, AT_ONCE):
        count = min(AT_ONCE, copies + 1 - first)
        telemetry.command(statement, {"first": first, "count": count, "ages": ages})
        print(f"\r{table}: {first + AT_ONCE - 1} copies", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    telemetry.command(f"DROP TABLE origin_{table} SYNC")


def _statement(table: str, columns: dict[str, str]) -> str:
    own = _ALIKE | _OWN.get(table, {})
    moved = {name: f"{name} + move" for name, kind in columns.items() if "DateTime64" in kind}
    chosen = [f"{(moved | own).get(name, name)} AS new_{name}" for name in columns]
    return f"""
        INSERT INTO {table} ({", ".join(columns)})
        WITH {_COPYING} SELECT {", ".join(chosen)} FROM origin_{table}
        CROSS JOIN numbers({{first:UInt32}}, {{count:UInt32}}) AS copies
    """


def _settle(telemetry: Telemetry) -> None:
    """Wait for the engine's own merges; a store in use has as many parts as they leave."""
    while telemetry.query("SELECT count() FROM system.merges").item():
        time.sleep(1)


def _count(telemetry: Telemetry, table: str) -> int:
    found: pl.DataFrame = telemetry.query(f"SELECT count() FROM {table}")
    return int(found.item())
