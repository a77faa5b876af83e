"""The derivation: reads on in the log, batch by batch, and keeps the telemetry store up to date.

Every result of a batch is stored before its cursor moves, and every row is keyed by what it is, so
that a crash costs a repetition and never a difference.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TypeVar

import polars as pl

from collector.decode import Decoded, decode
from collector.identity.graph import Graph
from collector.identity.stage import Identified, identify, rule
from collector.identity.ties import RULINGS
from metrics.derive import derive, mastery
from threadline.activation import Derivation, revision
from threadline.clock import Clock
from threadline.errors import TelemetryUnavailable, ThreadlineError, TooMuchAtOnce
from threadline.instruments import PipelineInstruments
from threadline.model.entries import Logged
from threadline.settings import PipelineSettings
from threadline.store.control.rulings import Ruling
from threadline.store.control.store import Known
from threadline.store.telemetry import Telemetry, cursors, tenures
from threadline.store.telemetry import derived as derived_store
from threadline.store.telemetry import observations as observation_store
from threadline.store.telemetry import threads as thread_store
from threadline.stretch import Inputs, Reading, reached, stretch

logger = logging.getLogger(__name__)

NOTHING_KNOWN = datetime.fromtimestamp(0, UTC)
_BUILT_UNDER, _REWRITTEN = "definitions", "log rewritten"

# While input goes on coming, what comes in so many times as long as deriving cases took last shares
# one derivation of cases and one move of the cursor: it tells of the same contracts again and
# again. More saves little and lets cases lag behind.
_PATIENCE = 1
_ROOTS_AT_ONCE = 8_000  # bounds the memory of deriving cases

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
    ruled: int  # the number of the last ruling taken in
    rewritten: str


class Pipeline:
    """Turns the log into facts, identity and cases; `run` is its loop, for a thread of its own."""

    def __init__(
        self,
        *,
        log: Inputs,
        telemetry: Telemetry,
        control: Known,
        derivation: Derivation,
        clock: Clock,
        settings: PipelineSettings,
        instruments: PipelineInstruments,
        rewritten: Callable[[], str] = lambda: "",
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        """`rewritten` names how the log was rewritten last, by an erasure or by forgetting, '' if
        never: an index of another log is derived anew. `moved` is told whenever more is derived.
        """
        self._log, self._telemetry, self._control = log, telemetry, control
        self._clock, self._settings, self._instruments = clock, settings, instruments
        self._derivation, self._rewritten, self._moved = derivation, rewritten, moved
        self._index: _Index | None = None
        self._watermark: datetime | None = NOTHING_KNOWN
        self._rebuilding = telemetry.rebuilt_because or ""
        self._failing = ""
        self._cases_seconds = 0.0
        self._stopping = threading.Event()

    @property
    def derivation(self) -> Derivation:
        """The definitions that are gone by."""
        return self._derivation

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
        if self._take_rulings(index):
            return True
        cursor, touched = dict(index.cursor), set[str]()
        for batch, decoded in self._stretch(index):
            if cursor == index.cursor:
                self._watermark = min(logged.entry.received_at for logged in batch)
            touched |= self._take_in(index, decoded)
            cursor |= reached(batch)
        if cursor == index.cursor:
            self._watermark = None
            self._rebuilding = ""
            return False
        begun = self._clock.monotonic()
        self._timed("cases", lambda: self._derive_cases(index, touched))
        self._cases_seconds = self._clock.monotonic() - begun
        cursors.move(self._telemetry, cursor, index.generation)
        index.cursor = cursor
        self._moved()
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
        if (
            index is None
            or index.derivation is not derivation
            or index.rewritten != self._rewritten()
            or self._telemetry.damage
        ):
            index = self._index = self._open_index(derivation)
        return index

    def _open_index(self, derivation: Derivation) -> _Index:
        self._watermark = NOTHING_KNOWN
        if damage := self._telemetry.damage:
            self._derive_anew(f"the index cannot be read: {damage}")
        built_under = cursors.built_under(self._telemetry, _BUILT_UNDER)
        if built_under != derivation.digest:
            if built_under is not None:
                self._derive_anew("the definitions have changed")
            cursors.build_under(self._telemetry, _BUILT_UNDER, derivation.digest)
        rewritten = self._of_this_log(derivation)
        cursor = cursors.read(self._telemetry)
        ruled = cursor.pop(cursors.RULINGS, 0)
        known = _as_frame(self._control.rulings.up_to(ruled))
        return _Index(
            derivation=derivation,
            revision=revision(self._control),
            graph=Graph.load(self._telemetry, derivation.mapping, known),
            cursor=cursor,
            generation=cursors.generation(self._telemetry),
            ruled=ruled,
            rewritten=rewritten,
        )

    def _of_this_log(self, derivation: Derivation) -> str:
        """How the log was rewritten last, the index derived anew if that was since."""
        rewritten = self._rewritten()
        if (cursors.built_under(self._telemetry, _REWRITTEN) or "") != rewritten:
            if cursors.read(self._telemetry):
                self._derive_anew("what was erased or forgotten is left out")
            else:
                self._telemetry.reset()  # of what a crash left half done
            cursors.build_under(self._telemetry, _BUILT_UNDER, derivation.digest)
            cursors.build_under(self._telemetry, _REWRITTEN, rewritten)
        return rewritten

    def _derive_anew(self, because: str) -> None:
        self._rebuilding = because
        logger.warning("%s: everything is derived anew from the log", because)
        self._telemetry.reset()

    def _take_rulings(self, index: _Index) -> bool:
        """Take in what people have ruled since; False when they have not."""
        fresh = self._control.rulings.after(index.ruled)
        if not fresh:
            return False
        index.generation += 1
        ruled = rule(_as_frame(fresh), self._telemetry, index.graph, index.generation)
        for table, frame in ruled.frames.items():
            self._telemetry.insert(table, frame)
        self._derive_cases(index, ruled.touched_roots | index.graph.take_unsettled())
        cursors.move(self._telemetry, {cursors.RULINGS: fresh[-1].number}, index.generation)
        index.ruled = fresh[-1].number
        self._moved()
        return True

    def _stretch(self, index: _Index) -> Iterator[tuple[Sequence[Logged], Decoded]]:
        """Batches from the cursor on, decoded."""
        mapping, wanted = index.derivation.mapping, index.derivation.wanted

        def decoded(batch: Sequence[Logged]) -> Decoded:
            return self._timed(
                "decode", lambda: decode(batch, mapping, wanted, index.revision, self._telemetry)
            )

        def goes_on() -> bool:
            return not self._stopping.is_set() and self._clock.monotonic() < until

        until = self._clock.monotonic() + _PATIENCE * self._cases_seconds
        return stretch(Reading(self._log, self._settings, index.cursor), decoded, goes_on)

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
        waiting = iter(sorted(tenures.homes(self._telemetry, touched)))
        while roots := list(islice(waiting, _ROOTS_AT_ONCE)):
            self._derive_parted(index, roots)

    def _derive_parted(self, index: _Index, roots: Sequence[str]) -> None:
        """Derive the cases of `roots`, by halves where there is too much about them."""
        try:
            self._derive_some(index, roots)
        except TooMuchAtOnce:
            if len(roots) == 1:
                raise
            half = len(roots) // 2
            self._derive_parted(index, roots[:half])
            self._derive_parted(index, roots[half:])

    def _derive_some(self, index: _Index, roots: Collection[str]) -> None:
        definitions = index.derivation.definitions
        read = observation_store.gathered(self._telemetry, roots, definitions.event_names)
        observed, members = read.observations, read.members
        derived = derive(observed, members, read.relations, definitions, roots)
        here = pl.col("root_id").is_in(roots)
        told = mastery(observed.filter(here), index.derivation.mapping.mastered)
        fresh = {"cases": derived.cases, "steps": derived.steps, "exceptions": derived.exceptions}
        fresh["remedies"] = derived.remedies
        fresh |= {"attribute_values": told.values, "mismatches": told.mismatches}
        threads = thread_store.put_together(members.filter(here), read.links, fresh)
        stored = derived_store.keys_of(self._telemetry, roots)
        for table, frame in (fresh | {"threads": threads}).items():
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


def _as_frame(rulings: Sequence[Ruling]) -> pl.DataFrame:
    rows = [
        {
            "number": ruling.number,
            "kind": ruling.kind,
            "child": str(ruling.child),
            "parent": str(ruling.parent),
            "act": ruling.act,
            "at": ruling.at,
            "who": ruling.who,
            "why": ruling.why,
        }
        for ruling in rulings
    ]
    return pl.DataFrame(rows, schema=RULINGS)


def _stamped(frame: pl.DataFrame, generation: int, deleted: int = 0) -> pl.DataFrame:
    return frame.with_columns(
        pl.lit(generation, pl.UInt64).alias("generation"),
        pl.lit(deleted, pl.UInt8).alias("deleted"),
    )


def _vanished(stored: pl.DataFrame, fresh: pl.DataFrame) -> pl.DataFrame:
    """Keys that were stored and are not derived any more; their other columns take defaults."""
    return stored.join(fresh.select(stored.columns), on=stored.columns, how="anti")
