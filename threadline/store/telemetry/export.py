"""The derived state as sorted text: two stores that say the same give the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from threadline.store.telemetry import Telemetry

# Sorting spills to disk beyond this, so that a large table does not need as much memory.
_SORTED = "ORDER BY ALL SETTINGS max_bytes_before_external_sort = 100000000 FORMAT JSONEachRow"

_PLACE = "partition, offset, ordinal"
_ROWS = "SELECT * EXCEPT ({}) FROM {} FINAL"
_BOOKKEEPING = "generation, deleted"

# Where an input stood in the log, and how often it was sent, is not part of what is known.
_TABLES = {
    "facts": _ROWS.format(f"{_PLACE}, earliness", "facts"),
    **{
        table: _ROWS.format(_BOOKKEEPING, table)
        for table in (
            "mentions",
            "unattributed",
            "links",
            "identifiers",
            "tenures",
            "cases",
            "steps",
            "exceptions",
            "remedies",
            "attribute_values",
            "mismatches",
            "threads",
        )
    },
    "dead_letters": "SELECT kind, source, reason, excerpt, min(received_at) AS received_at"
    " FROM dead_letters FINAL GROUP BY kind, source, reason, excerpt",
}

TABLES = tuple(_TABLES)


def canonical(telemetry: Telemetry, table: str) -> Iterator[bytes]:
    """The rows of one of `TABLES`, sorted, as chunks of newline-delimited JSON.

    Generations, tombstones and places in the log are left out.
    """
    return telemetry.stream(f"{_TABLES[table]} {_SORTED}")


def digests(telemetry: Telemetry) -> dict[str, str]:
    """SHA-256 of each table's canonical export."""
    found = {}
    for table in TABLES:
        digest = hashlib.sha256()
        for chunk in canonical(telemetry, table):
            digest.update(chunk)
        found[table] = digest.hexdigest()
    return found


def counts(telemetry: Telemetry) -> dict[str, int]:
    """How many rows each table's canonical export has."""
    sizes = {t: telemetry.query(f"SELECT count() AS n FROM ({sql})") for t, sql in _TABLES.items()}
    return {table: int(size["n"].item()) for table, size in sizes.items()}
