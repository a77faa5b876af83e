"""What KPIs of a window are computed from: the cases that were alive then and what they are of.

Reading them takes seconds where there are a million, and a page asks again and again. So they are
held in memory, and what was derived since is all that is read anew.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import polars as pl

from threadline.store.telemetry import Telemetry

NEVER = datetime(2200, 1, 1, tzinfo=UTC)
_KEY = ["journey", "case_id"]
_TABLES = ("cases", "steps", "exceptions")
_SPANS = 3  # held at once: the usual window, the one of a year ago, and one that somebody looks at
_AT_MOST_MB = 512  # of one span; a wider one is read each time
_DRIFT = timedelta(days=1)  # windows move on with the clock: so far, a span serves them

# A case that was over before, and due before, counts in no window that begins after; of a contract
# with a mismatch it says where that belongs.
_ALIVE = """
SELECT journey, case_id FROM cases FINAL
WHERE started_at <= {until:DateTime64(9, 'UTC')}
    AND (completed_at IS NULL AND cancelled_at IS NULL OR due_at >= {since:DateTime64(9, 'UTC')}
         OR least(completed_at, cancelled_at) >= {since:DateTime64(9, 'UTC')}
         OR root_id IN (SELECT root_id FROM mismatches FINAL
                        WHERE until IS NULL OR until >= {since:DateTime64(9, 'UTC')}))
"""

_MISMATCHES = """
SELECT * EXCEPT (generation, deleted) FROM mismatches FINAL
WHERE until IS NULL OR until >= {since:DateTime64(9, 'UTC')}
"""

_DERIVED = "SELECT journey, case_id FROM cases WHERE generation > {generation:UInt64}"

_STAMP = """
SELECT (SELECT max(generation) FROM cases) AS generation,
    (SELECT max(generation) FROM cursors) AS finished,
    (SELECT any(digest) FROM built_under FINAL WHERE name = 'made') AS made
"""


class Figures(NamedTuple):
    """Rows of the tables so named."""

    cases: pl.DataFrame
    steps: pl.DataFrame
    exceptions: pl.DataFrame
    mismatches: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class _Stamp:
    """How far the tables are: the last generation, and whether all of it is there."""

    generation: int
    finished: bool
    made: str


@dataclass(frozen=True, kw_only=True)
class _Held:
    """The figures of the cases alive over a span, as of a stamp."""

    since: datetime
    until: datetime
    stamp: _Stamp
    figures: Figures

    def serves(self, since: datetime, until: datetime) -> bool:
        return self.since <= since <= self.since + _DRIFT and until <= self.until <= until + _DRIFT


class Alive:
    """Figures held in memory, for any thread."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._held: list[_Held] = []  # the least recently asked for first
        self._guard = threading.Lock()

    def since(self, since: datetime, until: datetime = NEVER) -> Figures:
        """What `alive_since` reads, and what is older by up to a day beside it."""
        since, until = since.astimezone(UTC), until.astimezone(UTC)
        with self._guard:
            found = next((held for held in self._held if held.serves(since, until)), None)
            current = self._current(found) if found else self._read(since, until)
            if found:
                self._held.remove(found)
            if sum(frame.estimated_size("mb") for frame in current.figures) <= _AT_MOST_MB:
                self._held = [*self._held, current][-_SPANS:]
            return current.figures

    def _read(self, since: datetime, until: datetime) -> _Held:
        late = until if until == NEVER else until + _DRIFT
        stamp = _stamp(self._telemetry)
        figures = alive_since(self._telemetry, since, late)
        return _Held(since=since, until=late, stamp=stamp, figures=figures)

    def _current(self, held: _Held) -> _Held:
        """`held` with what was derived since; a generation that was unfinished is read again."""
        stamp = _stamp(self._telemetry)
        if stamp.made != held.stamp.made or stamp.generation < held.stamp.generation:
            return replace(self._read(held.since, held.until), until=held.until)
        if stamp == held.stamp and stamp.finished:
            return held
        after = held.stamp.generation - (not held.stamp.finished)
        figures = _renewed(self._telemetry, held, after)
        return replace(held, stamp=stamp, figures=figures)


def alive_since(telemetry: Telemetry, since: datetime, until: datetime = NEVER) -> Figures:
    """Everything of the cases open or due at `since` or later that had started by `until`."""
    asked = {"since": since, "until": until}
    cases, steps, exceptions = (_rows(telemetry, table, _ALIVE, asked) for table in _TABLES)
    return Figures(cases, steps, exceptions, telemetry.query(_MISMATCHES, asked))


def _renewed(telemetry: Telemetry, held: _Held, after: int) -> Figures:
    asked = {"since": held.since, "until": held.until, "generation": max(after, 0)}
    touched = telemetry.query(f"SELECT DISTINCT * FROM ({_DERIVED})", asked)
    if touched.is_empty():
        return held.figures
    alive = f"{_ALIVE} AND (journey, case_id) IN ({_DERIVED})"
    renewed = {
        table: pl.concat(
            [
                getattr(held.figures, table).join(touched, on=_KEY, how="anti"),
                _rows(telemetry, table, alive, asked),
            ]
        )
        for table in _TABLES
    }
    return Figures(**renewed, mismatches=telemetry.query(_MISMATCHES, asked))


def _rows(
    telemetry: Telemetry, table: str, which: str, asked: Mapping[str, object]
) -> pl.DataFrame:
    sql = f"SELECT * EXCEPT (generation, deleted) FROM {table} FINAL"
    return telemetry.query(f"{sql} WHERE (journey, case_id) IN ({which})", asked)


def _stamp(telemetry: Telemetry) -> _Stamp:
    generation, finished, made = telemetry.query(_STAMP).row(0)
    return _Stamp(generation=generation, finished=finished >= generation, made=made)
