"""Feeds batches to identity as the pipeline does, and counts what they cost."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from cost import Cost
from world import Batch

from collector.identity.graph import Graph
from collector.identity.stage import identify
from collector.identity.ties import RULINGS
from collector.mapping import load
from threadline.settings import TelemetrySettings
from threadline.store.telemetry import Telemetry, cursors


def opened(data: Path) -> Telemetry:
    """The store in `data`; not made durable, which is not what is measured."""
    return Telemetry.open(TelemetrySettings(dir=data / "telemetry", durable=False))


class Feed:
    """Identity over a store; `identifying` and `storing` are what they cost so far."""

    def __init__(self, store: Telemetry) -> None:
        self.store, self._mapping = store, load()
        self.identifying, self.storing = Cost(), Cost()
        self.facts = 0
        self.restart()

    def restart(self) -> float:
        """Forget what is in memory and read it from the store; seconds."""
        begun = time.perf_counter()
        self._graph = Graph.load(self.store, self._mapping, RULINGS.to_frame())
        self._generation = cursors.generation(self.store)
        return time.perf_counter() - begun

    def take(self, batches: Iterable[Batch]) -> None:
        """Identify and store."""
        for batch in batches:
            self._generation += 1
            with self.identifying.counted():
                found = identify(batch, self.store, self._graph, self._mapping, self._generation)
            with self.storing.counted():
                for table, frame in found.frames.items():
                    self.store.insert(table, frame)
                offset = int(batch.facts["offset"].max() or 0)  # type: ignore[arg-type]
                cursors.move(self.store, {0: offset}, self._generation)
            self.facts += batch.facts.height
