"""Which derived rows are stored for some roots, so that those that vanished get a tombstone."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from threadline.store.telemetry import Telemetry

_KEYS = {"cases": "journey, case_id", "steps": "journey, case_id, step"} | {
    "exceptions": "journey, case_id, kind, fact_id"
}


def keys_of(telemetry: Telemetry, roots: Collection[str]) -> dict[str, pl.DataFrame]:
    """The keys of all rows of cases, steps and exceptions under `roots`, by table."""
    parameters = {"roots": sorted(roots)}
    of_roots = "SELECT journey, case_id FROM cases FINAL WHERE root_id IN {roots:Array(String)}"
    return {
        table: telemetry.query(
            f"SELECT {keys} FROM {table} FINAL WHERE (journey, case_id) IN ({of_roots})",
            parameters,
        )
        for table, keys in _KEYS.items()
    }
