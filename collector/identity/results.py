"""What identity found, as rows of the tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from collector.identity.linkage import Changes
from collector.identity.speech import Turn
from collector.identity.ties import (
    IDENTIFIER,
    NO_EVIDENCE,
    Place,
    Tenure,
    Verdict,
    identifiers_frame,
    links_frame,
    parts,
    tenures_frame,
)

_COPIED = [
    *("fact_id", "trace_id", "content_hash", "kind", "source", "system", "name", "outcome"),
    *("message", "at", "occurred_at", "ended_at", "plausible", "payload", "received_at"),
    *("span_id", "parent_span_id", "annotations"),
]


def stamped(frame: pl.DataFrame, generation: int) -> pl.DataFrame:
    """`frame` as of a generation."""
    return frame.with_columns(generation=pl.lit(generation, pl.UInt64))


def mentions(turn: Turn, never: Collection[str]) -> pl.DataFrame:
    """What is said anew, and a tombstone for what is said no more; `never` as in `spoken`."""
    named = pl.col("identifier") != ""
    return _with_tombstones(
        _mentions(turn.changed.filter(named), turn.after, never),
        _mentions(turn.vanished.filter(named), turn.before, never),
    )


def unattributed(turn: Turn) -> pl.DataFrame:
    """Facts that speak of nobody now, and a tombstone for those that do not any more."""
    nobody = pl.col("identifier") == ""
    columns = ["source", "fact_id", "trace_id", "received_at"]
    return _with_tombstones(
        *(
            facts[rows["row"]].select(columns).hstack(rows.select("how"))
            for facts, rows in (
                (turn.after, turn.changed.filter(nobody)),
                (turn.before, turn.vanished.filter(nobody)),
            )
        )
    )


def links(changes: Changes) -> pl.DataFrame:
    """Changed pairs with evidence and verdict, and a tombstone for those without evidence left."""
    held = {pair: found for pair, found in changes.links.items() if found is not None}
    gone = {pair: (NO_EVIDENCE, Verdict()) for pair, found in changes.links.items() if not found}
    return _with_tombstones(links_frame(held), links_frame(gone))


def identifiers(places: Mapping[str, Place], gone: Collection[str]) -> pl.DataFrame:
    """Places, and a tombstone for identifiers that no fact names any more."""
    left = {identifier: place for identifier, place in places.items() if identifier not in gone}
    tombstones = dict.fromkeys(sorted(gone), Place("", "", ""))
    return _with_tombstones(identifiers_frame(left), identifiers_frame(tombstones))


def tenures(changed: Mapping[str, tuple[Tenure, Tenure]]) -> pl.DataFrame:
    """The slices of identifiers that have several, and a tombstone for each that is none any more.

    `changed` has the slices before and after.
    """
    now = {name: after for name, (_, after) in changed.items()}
    begun = {(name, one.since) for name, after in now.items() for one in after}
    gone = {
        name: tuple(one for one in before if (name, one.since) not in begun)
        for name, (before, _) in changed.items()
    }
    return _with_tombstones(tenures_frame(now), tenures_frame(gone))


def trace_links(facts: pl.DataFrame) -> pl.DataFrame:
    """Which traces link to which others."""
    linking = facts.filter(pl.col("span_links").list.len() > 0).select("trace_id", "span_links")
    target = pl.col("span_links").str.splitn(":", 2).struct.field("field_0")
    rows = linking.explode("span_links").select(target_trace_id=target, trace_id="trace_id")
    return rows.filter(pl.col("target_trace_id") != pl.col("trace_id")).unique()


def touched_roots(roots: Collection[str]) -> pl.DataFrame:
    """Roots as rows."""
    return pl.DataFrame({"root_id": sorted(roots)}, schema={"root_id": pl.String})


def _mentions(said: pl.DataFrame, facts: pl.DataFrame, never: Collection[str]) -> pl.DataFrame:
    copies = facts.select(
        *_COPIED,
        sampled=pl.col("annotations").list.contains("sampled"),
        beside=_beside(facts["identifiers"], never),
    )
    own = said.select(*parts("identifier", IDENTIFIER), "how", "origin", "of")
    return own.hstack(copies[said["row"]])


def _beside(identifiers: pl.Series, never: Collection[str]) -> pl.Series:
    """Of each list of identifiers those of the types `never`."""
    rows = pl.DataFrame({"name": identifiers}).with_row_index("row")
    kind = pl.col("name").str.split_exact(":", 1).struct.field("field_0")
    mute = rows.explode("name").filter(kind.is_in(sorted(never)))
    lists = mute.group_by("row", maintain_order=True).agg("name")
    found = rows.select("row").join(lists, on="row", how="left", maintain_order="left")
    return found["name"].fill_null([])


def _with_tombstones(rows: pl.DataFrame, gone: pl.DataFrame) -> pl.DataFrame:
    return pl.concat(
        [
            rows.with_columns(deleted=pl.lit(0, pl.UInt8)),
            gone.with_columns(deleted=pl.lit(1, pl.UInt8)),
        ]
    )
