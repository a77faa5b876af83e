"""Open cases with the instants of their promises, and what became of cases since a generation."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import polars as pl

from threadline.model.identifiers import Identifier
from threadline.store.telemetry import Telemetry

_PART = 200_000  # rows of one query, which bounds its memory

_COLUMNS = """
journey, case_id, root_id, version, started_at, criticality, known_at, completed_at, cancelled_at,
paused_from, paused_until, warn_at, due_at, current_step, current_since, current_due_at,
waiting_systems, value, currency, root_value, root_currency, dimensions
"""

# What a batch has stored is read once its cursor has moved: cases are whole then.
_STAMP = """
SELECT (SELECT max(generation) FROM cursors) AS generation,
    (SELECT any(digest) FROM built_under FINAL WHERE name = 'made') AS made
"""

_COUNT = "SELECT count() AS rows FROM cases WHERE completed_at IS NULL AND cancelled_at IS NULL"

_OPEN = f"""
SELECT {_COLUMNS} FROM cases FINAL
WHERE completed_at IS NULL AND cancelled_at IS NULL
    AND cityHash64(case_id) % {{parts:UInt32}} = {{part:UInt32}}
"""

# Whatever is younger than a generation holds the newest of each case, so no FINAL is needed.
_CHANGED = f"""
SELECT {_COLUMNS}, generation, deleted FROM cases WHERE generation > {{after:UInt64}}
"""

_NAMED = f"SELECT {_COLUMNS} FROM cases FINAL WHERE case_id IN {{ids:Array(String)}}"

_IDENTIFIER = "concat(object_type, ':', namespace, ':', value)"

_RESOLUTIONS = f"""
SELECT {_IDENTIFIER} AS identifier, object_id FROM identifiers FINAL
WHERE (object_type, namespace, value) IN (
    SELECT t.1, t.2, t.3 FROM (SELECT arrayJoin(arrayZip({{types:Array(String)}},
        {{namespaces:Array(String)}}, {{values:Array(String)}})) AS t))
"""

_RESOLVED = f"""
SELECT DISTINCT {_IDENTIFIER} AS identifier FROM identifiers WHERE generation > {{after:UInt64}}
"""


class Stamp(NamedTuple):
    """How far the tables are: the last whole generation, and which tables they are."""

    generation: int
    made: str


def stamp(telemetry: Telemetry) -> Stamp:
    """How far the tables are now."""
    return Stamp(*telemetry.query(_STAMP).row(0))


def open_cases(telemetry: Telemetry) -> Iterator[pl.DataFrame]:
    """All that are neither completed nor cancelled, in parts; columns as those of `cases`."""
    parts = 1 + telemetry.query(_COUNT).item() // _PART
    for part in range(parts):
        yield telemetry.query(_OPEN, {"parts": parts, "part": part})


def changed(telemetry: Telemetry, after: int) -> pl.DataFrame:
    """Each case derived since the generation `after`, as it is now, once.

    Columns as `open_cases` has them, `generation` and `deleted`: whether it is gone.
    """
    rows = telemetry.query(_CHANGED, {"after": after})
    # Of two roots of one generation that tell of a case, one has it and the other lost it.
    return rows.sort("generation", pl.col("deleted") == 0, maintain_order=True).unique(
        ["journey", "case_id"], keep="last"
    )


def named(telemetry: Telemetry, case_ids: Collection[str]) -> pl.DataFrame:
    """The cases of these ids, ended ones too; columns as `open_cases` has them."""
    return telemetry.query(_NAMED, {"ids": sorted(case_ids)})


def resolved(telemetry: Telemetry, after: int) -> set[str]:
    """The identifiers (`type:namespace:value`) that were resolved anew since a generation."""
    return set(telemetry.query(_RESOLVED, {"after": after})["identifier"])


def resolutions(telemetry: Telemetry, identifiers: Collection[str]) -> dict[str, str]:
    """The object ids that `identifiers` (`type:namespace:value`) resolve to, where known."""
    if not identifiers:
        return {}
    parsed = [Identifier.parse(text) for text in sorted(identifiers)]
    asked = {
        "types": [one.object_type for one in parsed],
        "namespaces": [one.namespace for one in parsed],
        "values": [one.value for one in parsed],
    }
    return dict(telemetry.query(_RESOLUTIONS, asked).iter_rows())
