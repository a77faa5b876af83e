"""Versions of facts: which one speaks, and what was only sent again."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

# Where an input stands in the log; unique for every decoded fact.
POSITION = ["partition", "offset", "ordinal"]
VERSION = ["fact_id", "mapping_revision", "content_hash"]
_ARRIVAL = ["received_at", *POSITION]


@dataclass(frozen=True, kw_only=True)
class Versions:
    """What became of the versions of some facts.

    `winners`: one row per fact, stored and new alike. `new`: which rows of the batch to store.
    `again` and `rivals`: the positions of rows that were only sent again, and of versions that
    contradict an earlier one under the same mapping revision.
    """

    winners: pl.DataFrame
    new: pl.Series
    again: pl.DataFrame
    rivals: pl.DataFrame


def settle(prior: pl.DataFrame, batch: pl.DataFrame) -> Versions:
    """Settle the versions of `batch` against `prior`, what is stored of the same facts.

    The newest mapping revision wins, within it the greatest content hash; of equal versions the
    earliest received stands. Both frames have the same columns. A row of the batch that is stored
    already, because the batch was interrupted, counts as new: it is not its own duplicate.
    """
    rows = pl.concat(
        [
            prior.with_columns(stored=pl.lit(value=True)),
            batch.with_columns(stored=pl.lit(value=False)),
        ]
    ).with_row_index("row")
    # Nearly all facts come once; only the others are worth sorting.
    several = pl.col("fact_id").is_duplicated()
    keys = rows.select("row", *VERSION, *_ARRIVAL, "stored", several=several)
    once = keys.filter(~pl.col("several"))
    contested = _judged(keys.filter("several"))
    winners = pl.concat([once["row"], contested.filter("wins")["row"]]).sort()
    unknown = ~pl.col("stored")
    new = pl.concat([once.filter(unknown)["row"], contested.filter("first", unknown)["row"]]).sort()
    return Versions(
        winners=rows[winners].drop("row", "stored"),
        new=new - prior.height,
        again=contested.filter("again", unknown).select(POSITION),
        rivals=contested.filter("rival", unknown).select(POSITION),
    )


def winners(facts: pl.DataFrame) -> pl.DataFrame:
    """The version that speaks, of each of the facts."""
    return settle(facts, facts.clear()).winners


def counts(settled: Versions, batch: pl.DataFrame, dead_letters: pl.DataFrame) -> pl.DataFrame:
    """Per log entry and source: requests, facts, duplicates (sent again), versions (rivals),
    last_received_at.
    """
    entry = ["partition", "offset", "source"]
    facts = batch.group_by(entry).agg(
        facts=pl.len(), last_received_at=pl.col("received_at").first()
    )
    letters = dead_letters.group_by(entry).agg(last_received_at=pl.col("received_at").first())
    letters = letters.join(facts, on=entry, how="anti").with_columns(facts=pl.lit(0, pl.UInt32))
    found = pl.concat([facts, letters.select(facts.columns)])
    for name, rows in (("duplicates", settled.again), ("versions", settled.rivals)):
        number = rows.group_by(entry[:2]).agg(pl.len().alias(name))
        found = found.join(number, on=entry[:2], how="left")
    numbers = pl.col("facts", "duplicates", "versions").fill_null(0).cast(pl.UInt64)
    return found.with_columns(numbers, requests=pl.lit(1, pl.UInt64)).sort(entry)


def _judged(contested: pl.DataFrame) -> pl.DataFrame:
    """Adds what became of each row: `first` of its version, sent `again`, `rival` of an earlier
    version, `wins`.
    """
    arrived = contested.sort(*_ARRIVAL, "stored")
    seen = arrived.with_columns(first=pl.struct(VERSION).is_first_distinct())
    # What was received earlier may be read later: it replaces what is stored, and was told before.
    before = pl.col("stored") & ~pl.struct(*VERSION, *POSITION).is_duplicated()
    told = seen.sort(~before, maintain_order=True).with_columns(
        again=~pl.struct(VERSION).is_first_distinct(),
        lone=pl.struct("fact_id", "mapping_revision").is_first_distinct(),
    )
    told = told.with_columns(rival=~pl.col("again") & ~pl.col("lone"))
    ranked = told.sort(*_ARRIVAL, "stored").sort(
        "fact_id",
        "mapping_revision",
        "content_hash",
        descending=[False, True, True],
        maintain_order=True,
    )
    return ranked.with_columns(wins=pl.col("fact_id").is_first_distinct())
