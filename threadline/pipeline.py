"""The derivation: reads on in the log, batch by batch, and keeps the telemetry store up to date.

Every result of a batch is stored before its cursor moves, and every row is keyed by what it is, so
that a crash costs a repetition and never a difference.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TypeVar

import polars as pl

from collector.decode import Decoded, decode
from collector.identity.graph import Graph
from collector.identity.stage import Identified, identify
from collector.identity.ties import RULINGS
from metrics.derive import derive, mastery
from threadline.activation import Derivation, revision
from threadline.clock import Clock
from threadline.errors import TelemetryUnavailable, ThreadlineError
from threadline.instruments import PipelineInstruments
from threadline.model.entries import Logged
from threadline.settings import PipelineSettings
from threadline.store.control import ControlStore
from threadline.store.log import Log
from threadline.store.telemetry import Telemetry, cursors
from threadline.store.telemetry import derived as derived_store
from threadline.store.telemetry import observations as observation_store

logger = logging.getLogger(__name__)

_NOTHING_KNOWN = datetime.fromtimestamp(0, UTC)
_BUILT_UNDER = "definitions"

# While input waits, so many batches share one derivation of cases and one move of the cursor: a
# backlog tells of the same contracts again and again.
_STRETCH = 8
_ROOTS_AT_ONCE = 4_000  # bounds the memory of deriving cases

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Status:
    """How far the derivation is.

    Everything received by `watermark` is derived; `lag` is its distance from now. `failing` says
    why a batch is being tried again, `rebuilding` why everything is derived anew; '' when not so.
    """

    watermark: datetime
    lag: timedelta
    entries_behind: int
    failing: str
    rebuilding: str


@dataclass(kw_only=True)
class _Index:
    """What the derivation holds in memory of the store it writes to."""

    derivation: Derivation
    revision: int
    graph: Graph
    cursor: dict[int, int]
    generation: int


class Pipeline:
    """Turns the log into facts, identity and cases; `run` is its loop, for a thread of its own."""

    def __init__(
        self,
        *,
        log: Log,
        telemetry: Telemetry,
        control: ControlStore,
        derivation: Derivation,
        clock: Clock,
        settings: PipelineSettings,
        instruments: PipelineInstruments,
    ) -> None:
        self._log, self._telemetry, self._control = log, telemetry, control
        self._clock, self._settings, self._instruments = clock, settings, instruments
        self._derivation = derivation
        self._index: _Index | None = None
        self._watermark: datetime | None = _NOTHING_KNOWN
        self._rebuilding = telemetry.rebuilt_because or ""
        self._failing = ""
        self._stopping = threading.Event()

    def adopt(self, derivation: Derivation) -> None:
        """Go by other definitions from the next batch on; the index is derived anew for them."""
        self._derivation = derivation

    def stop(self) -> None:
        """End `run` after the batch in hand."""
        self._stopping.set()

    def run(self) -> None:
        """Derive until `stop`; whatever fails is tried again, and said in `status`."""
        while not self._stopping.is_set():
            try:
                busy = self.step()
                self._failing = ""
            except ThreadlineError as error:
                busy = self._failed(error)
            except Exception as error:  # one batch's fault must not end the derivation
                logger.exception("a batch could not be derived and is tried again")
                busy = self._failed(error)
            if not busy and self._index is not None:
                self._log.wait(self._settings.idle_seconds, self._index.cursor)

    def step(self) -> bool:
        """Derive a batch, or a stretch of full ones; False when the log holds nothing new.

        Raises `ThreadlineError`.
        """
        index = self._current_index()
        cursor, touched = dict(index.cursor), set[str]()
        for batch, decoded in self._stretch(index):
            if cursor == index.cursor:
                self._watermark = min(logged.entry.received_at for logged in batch)
            touched |= self._take_in(index, decoded)
            cursor |= _reached(batch)
        if cursor == index.cursor:
            self._watermark = None
            self._rebuilding = ""
            return False
        self._timed("cases", lambda: self._derive_cases(index, touched))
        cursors.move(self._telemetry, cursor, index.generation)
        index.cursor = cursor
        return True

    def status(self) -> Status:
        """How far the derivation is, as of now."""
        now, watermark, index = self._clock.now(), self._watermark, self._index
        cursor = index.cursor if index else {}
        behind = sum(end - cursor.get(partition, 0) for partition, end in self._log.end().items())
        reached = now if watermark is None else min(watermark, now)
        return Status(
            watermark=reached,
            lag=now - reached if behind else timedelta(),
            entries_behind=behind,
            failing=self._failing,
            rebuilding=self._rebuilding,
        )

    def _current_index(self) -> _Index:
        index, derivation = self._index, self._derivation
        if index is None or index.derivation is not derivation:
            index = self._index = self._open_index(derivation)
        return index

    def _open_index(self, derivation: Derivation) -> _Index:
        self._watermark = _NOTHING_KNOWN
        built_under = cursors.built_under(self._telemetry, _BUILT_UNDER)
        if built_under != derivation.digest:
            if built_under is not None:
                self._rebuilding = "the definitions have changed"
                logger.warning("%s: everything is derived anew from the log", self._rebuilding)
                self._telemetry.reset()
            cursors.build_under(self._telemetry, _BUILT_UNDER, derivation.digest)
        return _Index(
            derivation=derivation,
            revision=revision(self._control),
            graph=Graph.load(self._telemetry, derivation.mapping, self._rulings()),
            cursor=cursors.read(self._telemetry),
            generation=cursors.generation(self._telemetry),
        )

    def _rulings(self) -> pl.DataFrame:
        rows = [
            {
                "kind": ruling.kind,
                "child": str(ruling.child),
                "parent": str(ruling.parent),
                "act": ruling.act,
                "at": ruling.at,
                "who": ruling.who,
                "why": ruling.why,
            }
            for ruling in self._control.rulings.received_by(self._clock.now())
        ]
        return pl.DataFrame(rows, schema=RULINGS)

    def _stretch(self, index: _Index) -> Iterator[tuple[Sequence[Logged], Decoded]]:
        """Batches from the cursor on, decoded; the next is decoded while one is worked on."""
        mapping, wanted = index.derivation.mapping, index.derivation.wanted

        def decoded(batch: Sequence[Logged]) -> Decoded:
            return self._timed(
                "decode", lambda: decode(batch, mapping, wanted, index.revision, self._telemetry)
            )

        with ThreadPoolExecutor(1, "decode") as ahead:
            batches = islice(self._batches(index.cursor), _STRETCH)
            batch = next(batches, None)
            under_way = batch and ahead.submit(decoded, batch)
            while batch and under_way:
                result, following = under_way.result(), next(batches, None)
                under_way = following and ahead.submit(decoded, following)
                yield batch, result
                batch = following

    def _batches(self, cursor: Mapping[int, int]) -> Iterator[Sequence[Logged]]:
        """What the log holds beyond `cursor`, as long as it fills whole batches."""
        settings, full = self._settings, True
        while full:
            batch = self._log.read(cursor, settings.batch_bytes, settings.batch_entries)
            if not batch:
                return
            cursor = {**cursor, **_reached(batch)}
            size = sum(len(logged.entry.body) for logged in batch)
            full = len(batch) >= settings.batch_entries or size > settings.batch_bytes // 2
            yield batch

    def _take_in(self, index: _Index, decoded: Decoded) -> set[str]:
        """Store the facts of a batch and whom they tell of; the roots whose cases may change."""
        index.generation += 1
        identified = self._timed(
            "identify",
            lambda: identify(
                decoded, self._telemetry, index.graph, index.derivation.mapping, index.generation
            ),
        )
        self._timed("store", lambda: self._store(decoded, identified, index.generation))
        self._count(decoded, identified)
        return identified.touched_roots

    def _store(self, decoded: Decoded, identified: Identified, generation: int) -> None:
        for table, frame in identified.frames.items():
            self._telemetry.insert(table, frame)
        self._telemetry.insert("dead_letters", _stamped(decoded.dead_letters, generation))

    def _derive_cases(self, index: _Index, touched: Collection[str]) -> None:
        waiting = iter(sorted(touched))
        while roots := list(islice(waiting, _ROOTS_AT_ONCE)):
            self._derive_some(index, roots)

    def _derive_some(self, index: _Index, roots: Collection[str]) -> None:
        definitions = index.derivation.definitions
        observed = observation_store.observations(self._telemetry, roots, definitions.event_names)
        derived = derive(
            observed,
            observation_store.members(self._telemetry, roots),
            observation_store.relations(self._telemetry, roots),
            definitions,
        )
        told = mastery(observed, index.derivation.mapping.mastered)
        fresh = {"cases": derived.cases, "steps": derived.steps, "exceptions": derived.exceptions}
        fresh |= {"attribute_values": told.values, "mismatches": told.mismatches}
        stored = derived_store.keys_of(self._telemetry, roots)
        for table, frame in fresh.items():
            gone = _vanished(stored[table], frame)
            self._telemetry.insert(table, _stamped(frame, index.generation))
            self._telemetry.insert(table, _stamped(gone, index.generation, deleted=1))

    def _failed(self, error: Exception) -> bool:
        reason = "telemetry" if isinstance(error, TelemetryUnavailable) else type(error).__name__
        self._instruments.failures.labels(reason=reason).inc()
        self._failing = str(error) or reason
        self._index = None  # what a half-done batch left in memory is read anew from the store
        logger.warning("the derivation waits: %s", self._failing)
        self._stopping.wait(1.0)
        return True

    def _timed(self, stage: str, work: Callable[[], Result]) -> Result:
        with self._instruments.batch_seconds.labels(stage=stage).time():
            return work()

    def _count(self, decoded: Decoded, identified: Identified) -> None:
        instruments = self._instruments
        instruments.lag_seconds.set(self.status().lag.total_seconds())
        for row in identified.counts.iter_rows(named=True):
            instruments.facts.labels(source=row["source"]).inc(row["facts"])
            instruments.resent.labels(source=row["source"]).inc(row["duplicates"])
            instruments.version_conflicts.labels(source=row["source"]).inc(row["versions"])
        for source, count in decoded.dead_letters["source"].value_counts().iter_rows():
            instruments.dead_letters.labels(source=source).inc(count)
        odd = decoded.facts.filter(~pl.col("plausible"))["source"].value_counts()
        for source, count in odd.iter_rows():
            instruments.implausible.labels(source=source).inc(count)


def _reached(batch: Sequence[Logged]) -> dict[int, int]:
    return {logged.position.partition: logged.position.offset for logged in batch}


def _stamped(frame: pl.DataFrame, generation: int, deleted: int = 0) -> pl.DataFrame:
    return frame.with_columns(
        pl.lit(generation, pl.UInt64).alias("generation"),
        pl.lit(deleted, pl.UInt8).alias("deleted"),
    )


def _vanished(stored: pl.DataFrame, fresh: pl.DataFrame) -> pl.DataFrame:
    """Keys that were stored and are not derived any more; their other columns take defaults."""
    return stored.join(fresh.select(stored.columns), on=stored.columns, how="anti")
