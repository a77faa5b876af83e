"""Of whom facts speak before a batch and after it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from collector.identity import versions
from collector.identity.inheritance import spoken
from collector.identity.neighbourhood import Neighbourhood

_KEY = ["fact_id", "identifier"]

# What a mention depends on: its own columns, and the version of the fact that it is a copy of.
_CONTENT = [*_KEY, "how", "origin", "of", *versions.VERSION[1:], "received_at"]


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Winning facts and what they say, before and after a batch.

    `changed`, `vanished` and `by_batch` (all that the batch's own facts say) have one row per fact
    and identifier; `row` points into `before` for what vanished, into `after` otherwise.
    """

    before: pl.DataFrame
    after: pl.DataFrame
    changed: pl.DataFrame
    vanished: pl.DataFrame
    by_batch: pl.DataFrame


def turn(
    nearby: Neighbourhood, after: pl.DataFrame, batch: pl.DataFrame, never: frozenset[str]
) -> Turn:
    """Compare what the traces of `batch` say with what they said; `after` are the winners now."""
    before = versions.winners(nearby.facts)
    said = _speech(before, never, nearby.context)
    says = _speech(after, never, nearby.context)
    return Turn(
        before=before,
        after=after,
        changed=says if said.is_empty() else says.join(said, on=_CONTENT, how="anti"),
        vanished=said.join(says, on=_KEY, how="anti"),
        by_batch=says.join(batch.select("fact_id").unique(), on="fact_id", how="semi"),
    )


def _speech(facts: pl.DataFrame, never: frozenset[str], context: pl.Series) -> pl.DataFrame:
    said = spoken(facts, never)
    speakers = facts.select("trace_id", *versions.VERSION, "received_at")
    rows = said.hstack(speakers[said["row"]])
    return rows.filter(~pl.col("trace_id").is_in(context.implode())) if len(context) else rows
