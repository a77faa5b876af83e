"""Facts that are held against the one that closed another step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl

from metrics.derive.evidence import Evidence
from metrics.derive.payloads import text_of
from metrics.derive.progress import closings
from threadline.model.journeys import ExceptionRule, Journey, Step
from threadline.model.matching import Comparison


def compared(journey: Journey, evidence: Evidence, runs: pl.DataFrame) -> Evidence:
    """`evidence` without the links of steps and exception rules whose comparison does not hold.

    What an exception rule found to differ is said in `words`.
    """
    asked = [("step", *one) for one in _comparing(journey.steps)]
    asked += [("exception", *one) for one in _comparing(journey.exceptions)]
    if not asked:
        return evidence
    closed, links = closings(journey, evidence, runs), evidence.links
    payloads = evidence.facts.select("fact", "payload")
    found = []
    for part, index, comparison in asked:
        here = (pl.col("part") == part) & (pl.col("index") == index)
        other = closed.filter(pl.col("index") == journey.positions[comparison.step])
        other = other.join(payloads, on="fact").select("case", other="payload")
        mine = links.filter(here).join(payloads, on="fact").join(other, on="case")
        kept = mine.filter(_holds(comparison, mine))
        links = pl.concat([links.filter(~here), kept.select(links.columns)])
        if part == "exception":
            said = kept.with_columns(words=_words(comparison, kept))
            found.append(said.select("case", "index", "fact", "words"))
    return replace(evidence, links=links, words=pl.concat(found) if found else None)


def _comparing(several: Sequence[Step | ExceptionRule]) -> list[tuple[int, Comparison]]:
    return [(place, each.compare) for place, each in enumerate(several) if each.compare]


def _holds(comparison: Comparison, both: pl.DataFrame) -> pl.Expr:
    verdicts = [
        (same if comparison.equal else ~same).fill_null(value=False)
        for _, _, same in _pairs(comparison, both)
    ]
    return pl.all_horizontal(verdicts) if comparison.equal else pl.any_horizontal(verdicts)


def _words(comparison: Comparison, both: pl.DataFrame) -> pl.Expr:
    """Each pair that differs, by name and value: `amount 110.00, not planned 100.00`."""
    told = zip(comparison.pairs, _pairs(comparison, both), strict=True)
    words = [
        pl.when(~same).then(pl.format(f"{mine} {{}}, not {theirs} {{}}", one, other))
        for (mine, theirs), (one, other, same) in told
    ]
    return pl.concat_str(words, separator="; ", ignore_nulls=True)


def _pairs(
    comparison: Comparison, both: pl.DataFrame
) -> Iterator[tuple[pl.Expr, pl.Expr, pl.Expr]]:
    """Of each pair both texts, and whether they are the same: null where either is missing."""
    for mine, theirs in comparison.pairs:
        one, other = (
            pl.lit(text_of(both[column], name).replace("", None))
            for column, name in (("payload", mine), ("other", theirs))
        )
        cents = (_cents(one) == _cents(other)).fill_null(value=False)
        yield one, other, (one == other) | cents


def _cents(text: pl.Expr) -> pl.Expr:
    return text.cast(pl.Decimal(38, 6), strict=False).round(2)
