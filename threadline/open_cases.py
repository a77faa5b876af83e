"""Open cases in memory: a large part that stands, and beside it what has changed since.

Of a million, few change and few have an instant passing from one look to the next. So the large
part is never written to: rows that are superseded are marked, and now and then both are put
together. Rows are found by the hash of their key; the instants of all lie in one sorted column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from alerts.case import MARK, STEP_MARK

KEY = ["journey", "case_id"]
_INSTANTS = ("warn_at", "due_at", "current_due_at", "paused_from", "paused_until")
# A few values over and over: kept as numbers.
_REPEATED = ("journey", "version", "criticality", "current_step", "currency", "root_currency")
_HASH = "key"
_BESIDE = 20_000  # rows, or a twentieth of the large part


class OpenCases:
    """Rows by `journey` and `case_id`; columns as `store.telemetry.deadlines` has them, and marks.

    A case that has ended stays among them until the next time both parts are put together.
    """

    def __init__(self, parts: Iterable[pl.DataFrame]) -> None:
        """All of them, in at least one part; each is made slim before the next one is read."""
        self._base = self._beside = self._instants = pl.DataFrame()
        self._superseded: npt.NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._lay(pl.concat([_kept(part) for part in parts]))

    def put(self, keys: pl.DataFrame, fresh: pl.DataFrame) -> None:
        """What became of the cases `keys`: `fresh` holds those that are still there."""
        if self._beside.height > max(_BESIDE, self._base.height // 20):
            self._lay(self._where(pl.lit(True)))
        keys = _kept(keys.select(KEY))
        self._superseded[self._places(keys)] = True
        others = self._beside.join(keys, on=KEY, how="anti")
        self._beside = pl.concat([others, _kept(fresh).select(others.columns)])

    def rows(self, keys: pl.DataFrame) -> pl.DataFrame:
        """The rows of `keys` (journey, case_id), where there are any."""
        keys = _kept(keys.select(KEY))
        beside = self._beside.join(keys, on=KEY, how="semi")
        return _whole(pl.concat([self._standing(self._places(keys)), beside]))

    def none(self) -> pl.DataFrame:
        """No row, with all the columns."""
        return _whole(self._beside.clear())

    def named(self, case_ids: Collection[str]) -> pl.DataFrame:
        """The rows of these cases, of whatever journeys."""
        return _whole(self._where(pl.col("case_id").is_in(sorted(case_ids))))

    def telling(self, now: datetime) -> pl.DataFrame:
        """All that have something to tell at `now`."""
        return _whole(self._where(tells(self._base.columns, now)))

    def late(self, now: datetime) -> pl.DataFrame:
        """All that run and are past a deadline at `now`."""
        return _whole(self._where(is_late(now)))

    def passing(self, since: datetime, until: datetime) -> pl.DataFrame:
        """Those of which an instant lies in [`since`, `until`]."""
        first = self._instants["at"].search_sorted(since, "left")
        last = self._instants["at"].search_sorted(until, "right")
        within = [pl.col(name).is_between(since, until) for name in _instants(self._beside)]
        beside = self._beside.filter(pl.any_horizontal(within).fill_null(False))
        standing = self._standing(self._instants["place"][first:last].unique().to_numpy())
        return _whole(pl.concat([standing, beside]))

    def next_instant(self, after: datetime) -> datetime | None:
        """The first instant behind `after` that any of them has; None: none is to come."""
        place = self._instants["at"].search_sorted(after, "right")
        coming = self._instants["at"][place : place + 1].to_list()
        for name in _instants(self._beside):
            behind = pl.col(name).filter(pl.col(name) > after)
            coming.append(self._beside.select(behind.min()).item())
        return min((at for at in coming if at is not None), default=None)

    def _lay(self, cases: pl.DataFrame) -> None:
        """Let `cases` be the large part, but for those that have ended."""
        self._base = cases.filter(~_ended()).sort(_HASH).rechunk()
        self._superseded = np.zeros(self._base.height, np.bool_)
        self._beside = self._base.clear()
        place = pl.int_range(pl.len(), dtype=pl.UInt32).alias("place")
        found = [
            self._base.select(pl.col(name).alias("at"), place).drop_nulls()
            for name in _instants(self._base)
        ]
        self._instants = pl.concat(found).sort("at").rechunk()

    def _places(self, keys: pl.DataFrame) -> npt.NDArray[Any]:
        """Where in the large part the rows of `keys` stand, superseded ones too."""
        first = self._base[_HASH].search_sorted(keys[_HASH], "left")
        last = self._base[_HASH].search_sorted(keys[_HASH], "right")
        places = pl.select(pl.int_ranges(first, last).explode()).to_series().drop_nulls()
        # Two keys may have one hash.
        found = self._base[places].select(KEY).with_columns(place=places)
        return found.join(keys, on=KEY, how="semi")["place"].to_numpy()

    def _standing(self, places: npt.NDArray[Any]) -> pl.DataFrame:
        standing: pl.DataFrame = self._base[places[~self._superseded[places]]]
        return standing

    def _where(self, those: pl.Expr) -> pl.DataFrame:
        current = ~pl.lit(pl.Series(self._superseded))
        return pl.concat([self._base.filter(those & current), self._beside.filter(those)])


def tells(columns: Iterable[str], now: datetime) -> pl.Expr:
    """Whether a case has something to tell at `now`: it runs, with a warning, a deadline or a mark
    behind it.
    """
    marked = [pl.col(name) <= now for name in columns if name.startswith((MARK, STEP_MARK))]
    behind = pl.any_horizontal(pl.col("warn_at") <= now, _past_deadline(now), *marked)
    return _runs(now) & behind.fill_null(False)


def is_late(now: datetime) -> pl.Expr:
    """Whether a case runs and is past its own deadline, or that of the step it waits for."""
    return _runs(now) & _past_deadline(now).fill_null(False)


def passed(now: datetime) -> pl.Expr:
    """How many deadlines a case is past: its own, and that of the step it waits for."""
    each = (pl.col(name) < now for name in ("due_at", "current_due_at"))
    return pl.when(_runs(now)).then(pl.sum_horizontal(*each)).otherwise(0)


def _past_deadline(now: datetime) -> pl.Expr:
    return pl.min_horizontal("due_at", "current_due_at") < now


def _runs(now: datetime) -> pl.Expr:
    paused = (pl.col("paused_from") <= now) & (pl.col("paused_until") > now)
    return ~_ended() & ~paused.fill_null(False)


def _ended() -> pl.Expr:
    return pl.any_horizontal(pl.col("completed_at", "cancelled_at").is_not_null())


def _instants(cases: pl.DataFrame) -> list[str]:
    return [*_INSTANTS, *(name for name in cases.columns if name.startswith((MARK, STEP_MARK)))]


def _kept(cases: pl.DataFrame) -> pl.DataFrame:
    """As they are kept: slim, and with the hash of their key."""
    hashed = cases.with_columns(pl.struct(KEY).hash().alias(_HASH))
    return hashed.with_columns(_repeated(hashed).cast(pl.Categorical()))


def _whole(kept: pl.DataFrame) -> pl.DataFrame:
    """As they came."""
    return kept.drop(_HASH).with_columns(_repeated(kept).cast(pl.String))


def _repeated(cases: pl.DataFrame) -> pl.Expr:
    return pl.col([name for name in _REPEATED if name in cases.columns])
