"""Ids and content hashes that facts had before a person's data were taken out of their input."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import polars as pl

from threadline.model.entries import Entry, Logged

# Headers of an entry that no sender can set: of theirs only those that begin with `ce-` are kept.
ERASED, ORIGINALS = "threadline-erased", "threadline-originals"

_KEPT = {
    "entry": pl.UInt64,
    "ordinal": pl.UInt32,
    "kept_id": pl.String,
    "kept_hash": pl.UInt64,
}


def written(ids: Mapping[int, tuple[str, int]]) -> str:
    """Ids and hashes by the ordinal of the fact, for the header."""
    return json.dumps(ids, separators=(",", ":"))


def originals(entry: Entry) -> dict[int, tuple[str, int]]:
    """What `written` wrote of `entry`; empty where nothing was erased."""
    told = json.loads(entry.headers.get(ORIGINALS, "{}"))
    return {int(ordinal): (fact_id, content) for ordinal, (fact_id, content) in told.items()}


def with_originals(records: pl.DataFrame, entries: Sequence[Logged]) -> pl.DataFrame:
    """`records` (with `entry` and `ordinal`) under the ids and hashes they had at first."""
    rows = [
        (number, ordinal, *kept)
        for number, logged in enumerate(entries)
        if ORIGINALS in logged.entry.headers
        for ordinal, kept in originals(logged.entry).items()
    ]
    if not rows:
        return records
    kept = pl.DataFrame(rows, schema=_KEPT, orient="row")
    joined = records.join(kept, on=["entry", "ordinal"], how="left", maintain_order="left")
    return joined.with_columns(
        fact_id=pl.coalesce("kept_id", "fact_id"),
        content_hash=pl.coalesce("kept_hash", "content_hash"),
    ).drop("kept_id", "kept_hash")
