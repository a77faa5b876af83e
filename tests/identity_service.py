"""Identity as the pipeline runs it, over a real store."""

from __future__ import annotations

import polars as pl
from identity_inputs import START, Decoded, Input, hexed, logged

from collector.identity.graph import Graph
from collector.identity.stage import Identified, identify, rule
from collector.identity.ties import RULINGS
from collector.mapping import Mapping
from threadline.store.telemetry import Telemetry, cursors, identity


class Service:
    """Batches in, and what the store then tells."""

    def __init__(self, telemetry: Telemetry, mapping: Mapping) -> None:
        self.telemetry, self._mapping = telemetry, mapping
        self.touched: set[str] = set()
        self._offset = 0
        self.start()

    def start(self) -> None:
        self._graph = Graph.load(self.telemetry, self._mapping, RULINGS.to_frame())
        self._generation = cursors.generation(self.telemetry)

    def receive(self, *inputs: Input, crash_after: int | None = None) -> Identified:
        """One batch; with `crash_after`, the process ends after so many frames and starts anew."""
        batch = logged(inputs, self._offset)
        if crash_after is not None:
            self._derive(batch, crash_after)
            self.start()
        identified = self._derive(batch)
        self._offset += len(batch)
        return identified

    def _derive(self, batch: list[Input], frames: int | None = None) -> Identified:
        self._generation += 1
        decoded = Decoded(batch)
        identified = identify(decoded, self.telemetry, self._graph, self._mapping, self._generation)
        for table, frame in list(identified.frames.items())[:frames]:
            self.telemetry.insert(table, frame)
        if frames is None:
            self.touched |= identified.touched_roots
            offset = batch[-1].offset if batch else 0
            cursors.move(self.telemetry, {0: offset}, self._generation)
        return identified

    def rule(self, act: str, child: str, parent: str) -> None:
        """Somebody rules that one belongs to the other, or not, or lifts that."""
        self._generation += 1
        row = (self._generation, "belongs_to", child, parent, act, START, "ana", "seen")
        made = pl.DataFrame([row], schema=RULINGS, orient="row")
        ruled = rule(made, self.telemetry, self._graph, self._generation)
        for table, frame in ruled.frames.items():
            self.telemetry.insert(table, frame)

    def places(self) -> dict[str, tuple[str, str, str]]:
        frame = self.telemetry.query("SELECT * FROM identifiers FINAL")
        names = frame.select(pl.concat_str("object_type", "namespace", "value", separator=":"))
        rows = frame.select("object_id", "owner_id", "root_id").rows()
        return dict(zip(names.to_series().to_list(), rows, strict=True))

    def mentions(self, fact: str) -> set[tuple[str, str]]:
        frame = self.telemetry.query(
            "SELECT concat(object_type, ':', namespace, ':', value) AS name, how"
            " FROM mentions FINAL WHERE fact_id = {fact:String}",
            {"fact": hexed(fact)},
        )
        return set(frame.rows())

    def orphans(self) -> int:
        found = identity.orphans(self.telemetry, START, START.replace(year=2027))
        return int(found["orphans"].sum())
