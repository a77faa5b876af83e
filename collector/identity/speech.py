"""Of whom facts speak before a batch and after it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from collector.identity import versions
from collector.identity.inheritance import spoken

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
    stored: pl.DataFrame, after: pl.DataFrame, batch: pl.DataFrame, never: frozenset[str]
) -> Turn:
    """Compare what the winners `after` the batch say with what the `stored` facts said."""
    before = versions.winners(stored)
    said, says = _speech(before, never), _speech(after, never)
    return Turn(
        before=before,
        after=after,
        changed=says if said.is_empty() else says.join(said, on=_CONTENT, how="anti"),
        vanished=said.join(says, on=_KEY, how="anti"),
        by_batch=says.join(batch.select("fact_id").unique(), on="fact_id", how="semi"),
    )


def _speech(facts: pl.DataFrame, never: frozenset[str]) -> pl.DataFrame:
    said = spoken(facts, never)
    return said.hstack(facts.select(*versions.VERSION, "received_at")[said["row"]])
