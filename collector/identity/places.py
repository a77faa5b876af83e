"""Where every identifier is: what it is a name of, what owns that, and what is at the top."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable
from collections.abc import Mapping as Dictionary

import polars as pl

from collector.identity import ties
from collector.identity.names import Names
from collector.identity.ties import Place, Tenure
from collector.mapping import Mapping

_NONE = 2**32 - 1  # stands for no owner, no root
_COLUMNS = ("object_id", "owner_id", "root_id")
_NAME = pl.concat_str(list(ties.IDENTIFIER.values()), separator=":")


class Places:
    """The place of every identifier that was ever asked for: 13 bytes each beside its name.

    The few that are elsewhere at another time have a tenure besides, held as objects.
    """

    def __init__(self, names: Names, mapping: Mapping) -> None:
        self._names = names
        self._top = sorted(mapping.roots)
        self._of = tuple(array("I") for _ in _COLUMNS)
        self._stored = bytearray()
        self._tenures: dict[str, Tenure] = {}

    def __len__(self) -> int:
        return len(self._stored)

    def load(self, identifiers: Iterable[pl.DataFrame], tenures: pl.DataFrame) -> None:
        """Take over the rows of the store: of `identifiers`, in parts, and of `tenures`."""
        for part in identifiers:
            own = self._numbers(part.select(_NAME).to_series())
            given = [self._numbers(part[column]) for column in _COLUMNS]
            for numbers, values in zip(self._of, given, strict=True):
                for number, value in zip(own, values, strict=True):
                    numbers[number] = value
            self._mark(own, 1)
        self._tenures = ties.tenures(tenures)

    def of(self, identifiers: Collection[str]) -> dict[str, Place]:
        """The places of `identifiers`; one that nothing ties to another is alone."""
        own = self._numbers(pl.Series(list(identifiers), dtype=pl.String))
        columns = [[numbers[number] for number in own] for numbers in self._of]
        texts = [self._texts(column) for column in columns]
        return {i: Place(*place) for i, *place in zip(identifiers, *texts, strict=True)}

    def put(self, places: Dictionary[str, Place]) -> None:
        """Go by `places` from now on."""
        own = self._numbers(pl.Series(list(places), dtype=pl.String))
        for column, numbers in enumerate(self._of):
            texts = [place[column] for place in places.values()]
            values = self._numbers(pl.Series(texts, dtype=pl.String))
            for number, value in zip(own, values, strict=True):
                numbers[number] = value

    def tenures(self, identifiers: Iterable[str]) -> dict[str, Tenure]:
        """The tenures of `identifiers`, empty for those that are always at one place."""
        return {name: self._tenures.get(name, ()) for name in identifiers}

    def put_tenures(self, tenures: Dictionary[str, Tenure]) -> None:
        """Go by `tenures` from now on; an identifier with an empty one is always at its place."""
        for name, tenure in tenures.items():
            self._tenures.pop(name, None)
            if tenure:
                self._tenures[name] = tenure

    def roots(self, identifiers: Collection[str]) -> set[str]:
        """The roots that `identifiers` lead to at any time."""
        names = pl.Series(identifiers, dtype=pl.String).unique()
        roots = self._of[2]
        found = set(self._texts({roots[number] for number in self._numbers(names)}))
        sliced = self._tenures.keys() & set(names) if self._tenures else ()
        return (found | {one.place.root_id for n in sliced for one in self._tenures[n]}) - {""}

    def unstored(self, identifiers: pl.Series) -> list[str]:
        """Those of `identifiers` that the store has no row of."""
        distinct = identifiers.unique()
        missing = [not self._stored[number] for number in self._numbers(distinct)]
        return distinct.filter(pl.Series(missing, dtype=pl.Boolean)).to_list()

    def mark(self, identifiers: Iterable[str], *, stored: bool) -> None:
        """Remember which identifiers the store has a row of."""
        self._mark(self._numbers(pl.Series(list(identifiers), dtype=pl.String)), int(stored))

    def _mark(self, numbers: Iterable[int], stored: int) -> None:
        for number in numbers:
            if number != _NONE:
                self._stored[number] = stored

    def _numbers(self, names: pl.Series) -> list[int]:
        """The number of every name, `_NONE` for no name; new ones are alone."""
        numbers = self._names.numbers(names.set(names == "", None))
        highest = numbers.max()
        if isinstance(highest, int):
            self._reach(highest + 1)
        return numbers.fill_null(_NONE).to_list()

    def _reach(self, end: int) -> None:
        if end <= len(self):
            return
        fresh = pl.int_range(len(self), end, dtype=pl.UInt32, eager=True)
        kinds = self._names.texts(fresh).str.split_exact(":", 1).struct.field("field_0")
        tops = fresh.set(~kinds.is_in(self._top), _NONE)
        objects, owners, roots = self._of
        objects.extend(fresh.to_list())
        owners.extend([_NONE] * len(fresh))
        roots.extend(tops.to_list())
        self._stored.extend(bytes(len(fresh)))

    def _texts(self, numbers: Collection[int]) -> list[str]:
        series = pl.Series(list(numbers), dtype=pl.UInt32)
        return self._names.texts(series.set(series == _NONE, None)).fill_null("").to_list()
