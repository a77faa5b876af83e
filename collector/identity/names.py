"""Identifiers as numbers: an index into whatever is known of each."""

from __future__ import annotations

import polars as pl


class Names:
    """Numbers identifiers from 0 on, in the order in which they first come; it only ever grows."""

    def __init__(self) -> None:
        self._type = pl.Categorical(pl.Categories.random("identifiers"))
        self._kept = pl.Series(dtype=self._type)  # the numbering lives as long as a series of it

    def numbers(self, names: pl.Series) -> pl.Series:
        """The number of every name; names that were never seen get the next ones."""
        return names.cast(self._type).to_physical()

    def texts(self, numbers: pl.Series) -> pl.Series:
        """The name of every number; null for null."""
        return numbers.cat.to(self._type).cast(pl.String)
