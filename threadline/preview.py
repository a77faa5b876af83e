"""What a change of definitions would do: cases derived under both, side by side, nothing stored."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from metrics.definitions import Definitions
from metrics.derive import NOTHING, Derived, derive
from metrics.kpis import evaluate
from metrics.states import with_states
from threadline.model.kpis import KpiValue, Window
from threadline.store.telemetry import Telemetry
from threadline.store.telemetry import cases as case_store
from threadline.store.telemetry import observations as observation_store

ROOTS_AT_ONCE = 2_000  # bounds the memory of deriving cases
KEYS = ["journey", "case_id"]
STANDING = ["version", "state", "sla", "due_at", "current_step"]
MISSED = ["breached", "missed"]


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Cases and KPIs under the definitions in force and under others.

    `cases`: one row per case that either has: journey, case_id, root_id, and `version`, `state`,
    `sla`, `due_at`, `current_step` of it, each once more with `_then`, under the others; null where
    it is no case. `kpis`: every value of both that either has. `contracts` of `known` were read,
    the latest. `unread`: attributes that only the others ask for; what facts said of them is not
    at hand, so that they count as not said.
    """

    cases: pl.DataFrame
    kpis: Sequence[tuple[KpiValue | None, KpiValue | None]]
    contracts: int
    known: int
    unread: Sequence[str]

    @property
    def judged_otherwise(self) -> int:
        """How many cases another version would judge, or none would, or none does."""
        return self.cases.filter(~pl.col("version").eq_missing(pl.col("version_then"))).height

    @property
    def moved(self) -> pl.DataFrame:
        """The cases that would stand otherwise, breaches first; another version alone is none."""
        apart = [~pl.col(name).eq_missing(pl.col(f"{name}_then")) for name in STANDING[1:]]
        turned = pl.col("sla").is_in(MISSED) != pl.col("sla_then").is_in(MISSED)
        found = self.cases.filter(pl.any_horizontal(apart))
        return found.sort(turned.fill_null(True), *KEYS, descending=[True, False, False])

    @property
    def won(self) -> int:
        """Cases that are late, and would not be."""
        return self._late("sla", "sla_then")

    @property
    def lost(self) -> int:
        """Cases that would be late, and are not."""
        return self._late("sla_then", "sla")

    def _late(self, here: str, there: str) -> int:
        late, not_late = pl.col(here).is_in(MISSED), ~pl.col(there).is_in(MISSED).fill_null(False)
        return self.cases.filter(late, not_late).height


def preview(
    telemetry: Telemetry,
    present: Definitions,
    others: Definitions,
    *,
    window: Window,
    now: datetime,
    silent: Collection[str],
    most: int,
) -> Preview:
    """What would be if `others` were activated `now`, over the `most` contracts heard of last."""
    others = others.after(present, now)
    found = case_store.latest_roots(telemetry, most)
    before, after = [NOTHING], [NOTHING]
    for roots in _some(found.roots):
        read = observation_store.gathered(
            telemetry, roots, present.event_names | others.event_names
        )
        observed = read.observations, read.members, read.relations
        before.append(derive(*observed, present, roots))
        after.append(derive(*observed, others, roots))
    here, there = _whole(before), _whole(after)
    told: dict[str, Any] = {"window": window, "now": now, "silent": silent}
    return Preview(
        cases=_beside(*(with_states(one.cases, now, silent) for one in (here, there))),
        kpis=_pairs(
            evaluate(present, here, kpis=_of_cases(present), **told),
            evaluate(others, there, kpis=_of_cases(others), **told),
        ),
        contracts=len(found.roots),
        known=found.known,
        unread=sorted(others.wanted - present.wanted),
    )


def _some(roots: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(roots), ROOTS_AT_ONCE):
        yield roots[first : first + ROOTS_AT_ONCE]


def _whole(parts: Sequence[Derived]) -> Derived:
    return Derived(
        cases=pl.concat(part.cases for part in parts),
        steps=pl.concat(part.steps for part in parts),
        exceptions=pl.concat(part.exceptions for part in parts),
    )


def _of_cases(definitions: Definitions) -> list[str]:
    """Facts are as they are, and mismatches too, whatever a journey says."""
    return [
        kpi.name
        for kpi in definitions.kpis.values()
        if kpi.counts == "cases" and kpi.measure != "revenue-leakage"
    ]


def _beside(here: pl.DataFrame, there: pl.DataFrame) -> pl.DataFrame:
    columns = [*KEYS, "root_id", *STANDING]
    both = here.select(columns).join(
        there.select(columns), on=KEYS, how="full", coalesce=True, suffix="_then"
    )
    root = pl.coalesce("root_id", "root_id_then")
    return both.with_columns(root_id=root).drop("root_id_then").sort(KEYS)


def _pairs(
    here: Sequence[KpiValue], there: Sequence[KpiValue]
) -> list[tuple[KpiValue | None, KpiValue | None]]:
    before = {(value.kpi, value.unit): value for value in here}
    after = {(value.kpi, value.unit): value for value in there}
    return [(before.get(key), after.get(key)) for key in {**before, **after}]
