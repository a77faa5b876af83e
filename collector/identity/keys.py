"""A set of hex ids that only ever grows, eight bytes each."""

from __future__ import annotations

import polars as pl

_DIGITS = 16  # the last 64 bits of an id: two ids that share them cost a look-up, nothing else


class Keys:
    """Which ids were added; now and then one too many, never one too few."""

    def __init__(self, keys: pl.Series | None = None) -> None:
        self._sorted: list[pl.Series] = []
        if keys is not None:
            self._put(keys)

    def add(self, ids: pl.Series) -> None:
        """Add ids of at least 16 hex digits."""
        self._put(_keys(ids).drop_nulls())

    def contains(self, ids: pl.Series) -> pl.Series:
        """A mask over `ids`; anything but hex counts as contained."""
        keys = _keys(ids)
        found = keys.is_null()
        for known in self._sorted:
            place = known.search_sorted(keys.fill_null(0), side="left").clip(0, len(known) - 1)
            found = found | (known.gather(place) == keys.fill_null(0))
        return found

    def _put(self, keys: pl.Series) -> None:
        # Runs at least double in length from last to first, so there are few and each key is merged
        # into a longer run only a few times.
        run = keys.unique().sort()
        while self._sorted and len(self._sorted[-1]) < 2 * len(run):
            run = pl.concat([self._sorted.pop(), run]).unique().sort()
        if len(run):
            self._sorted.append(run)


def _keys(ids: pl.Series) -> pl.Series:
    return ids.str.slice(-_DIGITS).str.to_integer(base=16, dtype=pl.UInt64, strict=False)
