"""Where cases were lost that were dropped silently: who saw them last, and who never did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import polars as pl

from threadline.api.services import ApiServices
from threadline.model.journeys import Journey, Step
from threadline.store.telemetry import sightings
from threadline.wire import CaseRow, Lost

DROPPED = "dropped-silently"


def located(services: ApiServices, rows: Sequence[CaseRow]) -> list[CaseRow]:
    """`rows`, those that were dropped silently with where that was, as far as anybody saw them."""
    dropped = [row for row in rows if row.stuck_reason == DROPPED and row.current_since]
    if not dropped:
        return list(rows)
    since = min(row.current_since for row in dropped if row.current_since)
    roots = {row.contract for row in dropped}
    seen, objects = sightings.sightings(services.telemetry, roots, since, services.clock.now())
    find = partial(_lost, services, seen, objects)
    return [row.model_copy(update={"lost": find(row)}) if row in dropped else row for row in rows]


def _lost(
    services: ApiServices, seen: pl.DataFrame, objects: pl.DataFrame, row: CaseRow
) -> Lost | None:
    journey = services.definitions.known_journey(row.journey)
    step = services.definitions.known_step(row.journey, row.current_step)
    since = row.current_since
    if journey is None or step is None or since is None:
        return None
    aside = pl.col("system").is_in([*_aside(journey, step), ""])
    here = pl.col("object_id").is_in(_own(objects, row.case_id)) & (pl.col("at") >= since) & ~aside
    last = next(seen.filter(here, root_id=row.contract).tail(1).iter_rows(named=True), None)
    if last is None:
        return None
    now = services.clock.now()
    passed = sightings.passed(services.telemetry, row.journey, step.name, last["at"], now)
    return Lost(
        last=last["system"],
        to=step.system,
        at=last["at"],
        name=last["name"],
        fact_id=last["fact_id"],
        passed=passed[0],
        passed_at=passed[1],
    )


def _own(objects: pl.DataFrame, case_id: str) -> set[str]:
    """The case's object and what it owns."""
    owners = dict(objects.iter_rows())
    found, more = {case_id}, {case_id}
    while more := {one for one, owner in owners.items() if owner in more} - found:
        found |= more
    return found


def _aside(journey: Journey, step: Step) -> set[str]:
    """Systems that do other steps and none on the way to this one: what they saw says nothing."""
    known = step.name in journey.positions  # not if only an older version has it
    before = journey.preceding(step.name) if known else frozenset()
    way = [*(journey.step(name) for name in before), step]
    return _systems(journey.steps) - _systems(way)


def _systems(steps: Iterable[Step]) -> set[str]:
    steps = list(steps)
    return {step.system for step in steps} | {a.system for step in steps for a in step.alternatives}
