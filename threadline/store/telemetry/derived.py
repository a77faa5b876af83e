"""Which derived rows are stored for some roots, so that those that vanished get a tombstone."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from threadline.store.telemetry import Telemetry

_KEYS = {"cases": "journey, case_id", "steps": "journey, case_id, step"} | {
    "exceptions": "journey, case_id, kind, fact_id",
    "remedies": "journey, case_id, step, kind, fact_id",
}
_OF_ROOTS = {
    "attribute_values": "root_id, object_id, attribute, system, at",
    "mismatches": "root_id, object_id, attribute, system, starts_at",
    "threads": "root_id",
}


def keys_of(telemetry: Telemetry, roots: Collection[str]) -> dict[str, pl.DataFrame]:
    """The keys of all derived rows under `roots`, by table."""
    parameters = {"roots": sorted(roots)}
    here = "root_id IN {roots:Array(String)}"
    found = f"{here} AND (journey, case_id) IN (SELECT journey, case_id FROM cases WHERE {here})"
    of_cases = f"(journey, case_id) IN (SELECT journey, case_id FROM cases FINAL WHERE {found})"
    asked = {table: (keys, of_cases) for table, keys in _KEYS.items()}
    asked |= {table: (keys, here) for table, keys in _OF_ROOTS.items()}
    return {
        table: telemetry.query(f"SELECT {keys} FROM {table} FINAL WHERE {where}", parameters)
        for table, (keys, where) in asked.items()
    }
