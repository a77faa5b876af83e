"""Ties that sources took back: which of them have to be looked at as a whole."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from collector.identity import versions
from collector.identity.links import asserted
from collector.identity.speech import Turn
from collector.identity.ties import Pair, text
from collector.mapping import Mapping

_TIE = ["kind", "child", "parent"]


class Retractions:
    """The ties that any fact has ever taken back.

    They are few, and what stands of them cannot be told from the best evidence alone: whenever
    something is said of one, all that was ever said of it has to be read again.
    """

    def __init__(self, facts: pl.DataFrame, mapping: Mapping) -> None:
        self._mapping = mapping
        self._ties: set[Pair] = set()
        self._add(versions.winners(facts))

    def concerned(self, turn: Turn) -> list[Pair]:
        """The ties taken back, now or before, of which a fact of this turn says or said so."""
        self._add(turn.after)
        if not self._ties:
            return []
        children = pl.Series([tie.child for tie in self._ties])
        told = pl.concat([turn.before, turn.after])
        naming = told.select(
            pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"), name="identifiers"
        )
        rows = naming.explode("name").filter(pl.col("name").is_in(children.implode()))["row"]
        said = _ties(asserted(told[rows.unique(maintain_order=True)], self._mapping))
        return sorted(said & self._ties)

    def unconcerned(self, found: pl.DataFrame, concerned: Iterable[Pair]) -> pl.Series:
        """A mask over `found` (columns `ties.EVIDENCE`): what is no word on another tie taken back.

        That is a part of what was ever said of it, and a part does not tell what stands.
        """
        others = self._ties.difference(concerned)
        if not others:
            return pl.repeat(True, found.height, dtype=pl.Boolean, eager=True)
        ties = pl.DataFrame([tie[:3] for tie in others], schema=_TIE, orient="row")
        told = found.select("kind", child=text("child_"), parent=text("parent_"))
        marked = told.join(
            ties.with_columns(other=True), on=_TIE, how="left", maintain_order="left"
        )
        return marked["other"].is_null()

    def _add(self, facts: pl.DataFrame) -> None:
        names = pl.Series(sorted(self._mapping.retractions), dtype=pl.String)
        named = facts.filter(pl.col("name").is_in(names.implode()))
        if named.height:
            self._ties |= _ties(asserted(named, self._mapping))


def _ties(told: pl.DataFrame) -> set[Pair]:
    return {Pair(*tie) for tie in told.select(_TIE).unique().iter_rows()}
