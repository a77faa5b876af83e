"""Where cases were lost that were dropped silently: who saw them last, and who never did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

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
    found = _places(services, dropped)
    return [row.model_copy(update={"lost": found.get((row.journey, row.case_id))}) for row in rows]


def _places(services: ApiServices, dropped: Sequence[CaseRow]) -> dict[tuple[str, str], Lost]:
    """Where cases were lost, by journey and case_id."""
    now = services.clock.now()
    since = min(row.current_since for row in dropped if row.current_since)
    roots = {row.contract for row in dropped}
    seen, objects = sightings.sightings(services.telemetry, roots, since, now)
    lost = [(row, *found) for row in dropped if (found := _last(services, seen, objects, row))]
    hops = [(row.journey, step.name, last["at"]) for row, step, last in lost]
    through = sightings.passed(services.telemetry, hops, now)
    return {
        (row.journey, row.case_id): Lost(
            last=last["system"],
            to=step.system,
            at=last["at"],
            name=last["name"],
            fact_id=last["fact_id"],
            passed=cases,
            passed_at=latest,
        )
        for (row, step, last), (cases, latest) in zip(lost, through, strict=True)
    }


def _last(
    services: ApiServices, seen: pl.DataFrame, objects: pl.DataFrame, row: CaseRow
) -> tuple[Step, dict[str, Any]] | None:
    """The step that a case was dropped before, and what was seen of the case last."""
    journey = services.definitions.known_journey(row.journey)
    step = services.definitions.known_step(row.journey, row.current_step)
    if journey is None or step is None:
        return None
    aside = pl.col("system").is_in([*_aside(journey, step), ""])
    own = pl.col("object_id").is_in(_own(objects, row.case_id))
    here = seen.filter(own & ~aside & (pl.col("at") >= row.current_since), root_id=row.contract)
    last = here.tail(1).to_dicts()
    return (step, last[0]) if last else None


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
