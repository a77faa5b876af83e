"""How far the log has been derived, and under which definitions."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from threadline.store.telemetry import Telemetry

RULINGS = 2**16 - 1  # no partition of the log: how many of people's rulings are taken in

_CURSORS = "SELECT partition, offset FROM cursors FINAL"
_GENERATION = """
SELECT max(generation) AS generation FROM (
    SELECT max(generation) AS generation FROM cursors
    UNION ALL SELECT max(generation) FROM mentions
    UNION ALL SELECT max(generation) FROM cases
    UNION ALL SELECT max(generation) FROM identifiers)
"""
_BUILT_UNDER = "SELECT digest FROM built_under FINAL WHERE name = {name:String}"


def read(telemetry: Telemetry) -> dict[int, int]:
    """The last derived offset by partition; {} before the first batch."""
    return dict(telemetry.query(_CURSORS).iter_rows())


def move(telemetry: Telemetry, cursor: Mapping[int, int], generation: int) -> None:
    """Everything up to `cursor` is derived and stored."""
    rows = {"partition": list(cursor.keys()), "offset": list(cursor.values())}
    schema = {"partition": pl.UInt16, "offset": pl.UInt64}
    frame = pl.DataFrame(rows, schema=schema).with_columns(
        pl.lit(generation, pl.UInt64).alias("generation")
    )
    telemetry.insert("cursors", frame)


def generation(telemetry: Telemetry) -> int:
    """The highest generation stored: also that of a batch which a crash left half done."""
    return int(telemetry.query(_GENERATION)["generation"].item())


def built_under(telemetry: Telemetry, name: str) -> str | None:
    """The digest the index was built under; None for an empty index."""
    found = telemetry.query(_BUILT_UNDER, {"name": name})["digest"].to_list()
    return str(found[0]) if found else None


def build_under(telemetry: Telemetry, name: str, digest: str) -> None:
    """Note what the index is built under from now on."""
    row = {"name": [name], "digest": [digest], "generation": [1]}
    telemetry.insert("built_under", pl.DataFrame(row, schema_overrides={"generation": pl.UInt64}))
