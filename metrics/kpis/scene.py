"""What is asked of what was derived, and from which present."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import polars as pl

from metrics.definitions import Definitions
from metrics.derive import Derived
from metrics.states import INSTANT, with_states
from threadline.model.kpis import Kpi, Window

UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What was derived, seen from `now`, with the systems that are silent then.

    `received` has, for each window and KPI of what was received that is asked about, the counts.
    """

    derived: Derived
    definitions: Definitions
    now: datetime
    silent: Collection[str] = ()
    received: Mapping[tuple[Window, str], pl.DataFrame] = field(default_factory=dict)

    def cases(self, kpi: Kpi, journey: str | None) -> pl.DataFrame:
        """The cases of the KPI's journeys that have started, with states, and the `system` of the
        step they wait for, or of the last one closed where they wait for none; `alternative` names
        the implementations that have done or tried their steps, with commas; `raw_due_at` keeps a
        deadline that a pause has put off."""
        names = [journey] if journey else list(kpi.journeys)
        return self._stated.filter(pl.col("journey").is_in(names)) if names else self._stated

    @cached_property
    def _stated(self) -> pl.DataFrame:
        cases = self.derived.cases.filter(pl.col("started_at") <= self.instant)
        places = self.places.select("journey", "system", current_step="step")
        cases = cases.join(places, on=["journey", "current_step"], how="left")
        keys = ["journey", "case_id"]
        closed = self.derived.steps.filter(pl.col("closed_at") <= self.instant)
        last = (
            closed.select(*keys, "closed_at", "step", last_system="system")
            .filter(pl.col("closed_at") == pl.col("closed_at").max().over(keys))
            .sort("step")
            .unique(keys, keep="last", maintain_order=True)
            .drop("closed_at", "step")
        )
        cases = cases.join(last, on=keys, how="left")
        cases = cases.with_columns(system=pl.coalesce("system", "last_system")).drop("last_system")
        names = pl.col("alternative").unique().sort().str.join(", ")
        cases = cases.join(self.tried.group_by(keys).agg(names), on=keys, how="left")
        return with_states(cases.with_columns(raw_due_at="due_at"), self.now, self.silent)

    @cached_property
    def tried(self) -> pl.DataFrame:
        """Steps that one of their alternatives has done or tried: journey, case_id, step,
        alternative."""
        begun = pl.min_horizontal("closed_at", "first_failed_at") <= self.instant
        steps = self.derived.steps.filter(pl.col("alternative") != "", begun)
        return steps.select("journey", "case_id", "step", "alternative")

    @cached_property
    def places(self) -> pl.DataFrame:
        """Every step of every journey: journey, step, its system, its place in the order, and
        whether a person is to close it (`by_person`).

        Steps that only older versions have are there, too: cases wait for them.
        """
        rows = {
            (name, step.name): (name, step.name, step.system, place, step.performer == "person")
            for name, versions in self.definitions.versions.items()
            for version in versions
            for place, step in enumerate(version.journey.steps)
        }
        texts = dict.fromkeys(("journey", "step", "system"), pl.String())
        names = {**texts, "place": pl.UInt16(), "by_person": pl.Boolean()}
        return pl.DataFrame(list(rows.values()), schema=names, orient="row")

    @property
    def instant(self) -> pl.Expr:
        """Now, as an expression."""
        return pl.lit(self.now).cast(INSTANT)


@dataclass(frozen=True, kw_only=True)
class Question:
    """One KPI, in one window, of one journey or of all it concerns."""

    kpi: Kpi
    scene: Scene
    window: Window
    journey: str | None = None

    def anchored(self, name: str) -> pl.Expr:
        """Whether that instant lies in the window, has happened, and is mature."""
        mature = pl.lit(self.scene.now - self.kpi.maturity).cast(INSTANT)
        return self.within(name) & (pl.col(name) <= mature)

    def within(self, name: str) -> pl.Expr:
        """Whether that instant lies in the window, happened or not."""
        start, end = (pl.lit(at).cast(INSTANT) for at in (self.window.start, self.window.end))
        return (pl.col(name) >= start) & (pl.col(name) < end)
