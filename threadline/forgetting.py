"""Forgetting contracts that were over long enough: out of the log, so that nothing derives them."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from collector.decode import decode
from collector.keeping import without
from threadline.activation import Derivation
from threadline.clock import Clock
from threadline.model.entries import Entry, Logged
from threadline.pipeline import Status
from threadline.settings import Settings
from threadline.store.control import ControlStore
from threadline.store.log import Log
from threadline.store.log.rows import sync_directory
from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.ended import Ended, ended

logger = logging.getLogger(__name__)

_EVERY = timedelta(days=30)  # by itself: each time everything is derived anew
_NOTHING = Ended(roots=[], facts=[])
FORGOTTEN = "contracts.forgotten"  # the name of the watermark and of the act
ITSELF = "threadline"


class Forgetting:
    """Takes the facts of contracts out of the log; one at a time, for any thread.

    What is going is noted in a file beside the log first, so that a crash leaves no contract in
    parts: `resume` finishes it. `forget_views` drops what was derived for past instants.
    """

    def __init__(
        self,
        log: Log,
        telemetry: Telemetry,
        control: ControlStore,
        settings: Settings,
        clock: Clock,
        derivation: Callable[[], Derivation],
        status: Callable[[], Status],
        forget_views: Callable[[], None],
    ) -> None:
        self._log, self._telemetry, self._control = log, telemetry, control
        self._settings, self._clock = settings, clock
        self._derivation, self._status, self._forget_views = derivation, status, forget_views
        self._busy = threading.Lock()
        self._plan = settings.log.dir / "forgetting.json"
        self._last = control.watermarks.get(FORGOTTEN)

    @property
    def last(self) -> datetime | None:
        """When contracts were forgotten last; an index older than that is derived anew."""
        return self._last

    def due(self) -> Ended:
        """What is over for longer than the retention; nothing while the index is not whole."""
        days, status = self._settings.retention.contracts_days, self._status()
        if days is None or status.rebuilding or status.failing:
            return _NOTHING
        objects = self._derivation().mapping.objects
        linked = [name for name, kind in objects.items() if kind.links]
        return ended(self._telemetry, self._clock.now() - timedelta(days=days), linked)

    def turn(self) -> None:
        """Forget what is due, unless that was done lately."""
        if self._last is None or self._clock.now() - self._last >= _EVERY:
            self.forget()

    def forget(self, who: str = ITSELF) -> Ended:
        """Forget what is due, in the name of `who`; what it was. Raises `LogUnavailable`."""
        with self._busy:
            going = self.due()
            if going.facts:
                plan = {"who": who, "contracts": len(going.roots), "facts": going.facts}
                _write(self._plan, json.dumps(plan))
                self._apply()
            return going

    def resume(self) -> None:
        """Finish what a crash has interrupted."""
        with self._busy:
            if self._plan.exists():
                self._apply()

    def _apply(self) -> None:
        plan = json.loads(self._plan.read_text(encoding="utf-8"))
        places = self._places(plan["facts"])

        def change(one: Logged) -> Entry | None:
            ordinals = places.get(one.position.offset)
            return without(one.entry, ordinals) if ordinals else None

        self._log.rewrite(change)
        self._forget_views()
        counts = {"contracts": plan["contracts"], "facts": len(plan["facts"])}
        self._control.audit.record(plan["who"], FORGOTTEN, inputs=len(places), **counts)
        now = self._clock.now()
        self._control.watermarks.advance(FORGOTTEN, now)
        self._last = now
        self._plan.unlink()
        logger.info("%d contracts and %d facts were forgotten", *counts.values())

    def _places(self, facts: Collection[str]) -> Mapping[int, list[int]]:
        """Where in the log facts stand, re-sent ones at each place: ordinals by offset."""
        gone = pl.Series(facts, dtype=pl.String).implode()
        mapping, cursor = self._derivation().mapping, dict[int, int]()
        found: dict[int, list[int]] = {}
        limits = self._settings.pipeline
        while batch := self._log.read(cursor, limits.batch_bytes, limits.batch_entries):
            said = decode(batch, mapping, frozenset(), 0, self._telemetry).facts
            ours = said.filter(pl.col("fact_id").is_in(gone)).group_by("offset").agg("ordinal")
            found |= dict(ours.iter_rows())
            cursor = {batch[-1].position.partition: batch[-1].position.offset}
        return found


def rewritten(erasures: int, forgotten: datetime | None) -> str:
    """What the pipeline calls a log that so many erasures, and forgetting then, have changed."""
    when = forgotten.isoformat() if forgotten else "never"
    return f"{erasures} erasures; forgotten {when}" if erasures or forgotten else ""


def _write(file: Path, text: str) -> None:
    new = file.with_suffix(".new")
    with new.open("w", encoding="utf-8") as plan:
        plan.write(text)
        plan.flush()
        os.fsync(plan.fileno())
    new.rename(file)
    sync_directory(file.parent)
