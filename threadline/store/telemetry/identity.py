"""What identity is resumed from, and what resolves to nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import polars as pl

from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.tenures import reading

_AT_ONCE = 500_000  # rows: an index of any size is read in bounded memory

_LINK = [
    *("kind", "child_type", "child_namespace", "child_value"),
    *("parent_type", "parent_namespace", "parent_value"),
]

# What nothing but a ruling asserts has no fact; rulings are kept in the control store.
_LINKS = """
SELECT * EXCEPT (generation, deleted) FROM links FINAL WHERE fact_id != ''
"""

_IDENTIFIER = ["object_type", "namespace", "value"]

_PLACES = """
SELECT object_type, namespace, value, object_id, owner_id, root_id FROM identifiers FINAL
WHERE true
"""

_UNSETTLED = """
SELECT root_id FROM touched_roots FINAL
WHERE generation > (SELECT max(generation) FROM cursors)
"""

# What leads nowhere is little where all is well, so it is counted by itself: facts that speak of
# nobody, and facts as many of whose identifiers lead to no root as they have.
_ORPHANS = """
WITH lost AS (
    SELECT object_type, namespace, value FROM identifiers FINAL WHERE root_id = ''
), orphans AS (
    SELECT source, count() AS orphans FROM unattributed FINAL
    WHERE how = 'none' AND {span}
    GROUP BY source
    UNION ALL
    SELECT source, count() AS orphans FROM (
        SELECT any(source) AS source FROM mentions FINAL
        WHERE ((object_type, namespace, value) IN lost
            OR {adrift}) AND {span}
        GROUP BY fact_id HAVING count() = any(of))
    GROUP BY source
)
SELECT source, sum(orphans) AS orphans FROM orphans GROUP BY source ORDER BY source
""".replace(
    "{span}",
    "received_at >= {since:DateTime64(9, 'UTC')} AND received_at < {until:DateTime64(9, 'UTC')}",
)


def links(telemetry: Telemetry) -> Iterator[pl.DataFrame]:
    """The best evidence of every pair of identifiers, and what became of the pair, in parts."""
    return _in_parts(telemetry, _LINKS, _LINK)


def places(telemetry: Telemetry) -> Iterator[pl.DataFrame]:
    """What every identifier resolves to, in parts: object_type, namespace, value, object_id,
    owner_id, root_id.
    """
    return _in_parts(telemetry, _PLACES, _IDENTIFIER)


def tenures(telemetry: Telemetry) -> pl.DataFrame:
    """Where the few identifiers are in the course of time that are not always at one place."""
    return telemetry.query("SELECT * EXCEPT (generation, deleted) FROM tenures FINAL")


def unsettled(telemetry: Telemetry) -> list[str]:
    """Roots touched by a batch whose cursor never moved."""
    return telemetry.query(_UNSETTLED)["root_id"].to_list()


def orphans(telemetry: Telemetry, since: datetime, until: datetime) -> pl.DataFrame:
    """Orphans of the facts received in `[since, until)`, by source that has any.

    An orphan is a fact none of whose identifiers leads to a root, as things stand now.
    """
    asked = _ORPHANS.replace("{adrift}", reading(telemetry).adrift)
    return telemetry.query(asked, {"since": since, "until": until})


def _in_parts(telemetry: Telemetry, rows: str, key: Sequence[str]) -> Iterator[pl.DataFrame]:
    """All `rows`, a query that ends in a condition, in the order of the first columns of a key."""
    columns = ", ".join(key)
    beyond = ", ".join(f"{{{column}:String}}" for column in key)
    after = dict.fromkeys(key, "")
    while True:
        part = telemetry.query(
            f"{rows} AND ({columns}) > ({beyond}) ORDER BY {columns} LIMIT {_AT_ONCE} WITH TIES",
            after,
        )
        yield part
        if part.height < _AT_ONCE:
            return
        after = part.row(-1, named=True)
