"""Evidence that fell with the version of a fact that gave it."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from collector.identity import versions
from collector.identity.linkage import Linkage
from collector.identity.links import fold
from collector.identity.speech import Turn
from collector.identity.ties import Pair, pairs
from collector.mapping import Mapping
from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.facts import naming


def withdrawn(turn: Turn, linkage: Linkage, mapping: Mapping) -> list[Pair]:
    """The pairs whose best evidence is a version that lost in this turn."""
    lost = turn.before.join(turn.after, on=[*versions.VERSION, "received_at"], how="anti")
    if lost.is_empty():
        return []
    by = set(lost["fact_id"])
    known = linkage.known(pairs(fold(lost, mapping)))
    return [pair for pair, held in known.items() if held.fact_id in by]


def witnesses(pairs: Collection[Pair], turn: Turn, telemetry: Telemetry) -> pl.DataFrame:
    """Stored facts, other than those of the turn, that may assert `pairs` as well."""
    if not pairs:
        return turn.after.clear()
    stored = naming(telemetry, sorted({pair.child for pair in pairs})).select(turn.after.columns)
    return versions.winners(stored).join(turn.after, on="fact_id", how="anti")
