"""Journeys and their cases."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import polars as pl
from fastapi import APIRouter, Query

from metrics.states import with_states
from threadline.api import cases, cursors, lost
from threadline.api.access import requires
from threadline.api.problems import Refusal
from threadline.api.services import ApiServices, ServicesAsOf
from threadline.errors import NotFound
from threadline.model.journeys import Journey
from threadline.model.people import Permission
from threadline.store.telemetry import cases as case_store
from threadline.wire import CaseRow, CaseState, JourneyRow, Page, SlaState

# States are known only when read, so a list that asks for rare ones looks through several reads.
READ_AT_ONCE = 2_000

router = APIRouter(
    prefix="/journeys", tags=["journeys"], dependencies=[requires(Permission.FIGURES)]
)


@router.get("")
def journeys(services: ServicesAsOf) -> Page[JourneyRow]:
    """Every journey, with how many of its cases are in which state now.

    `annotations` says of how many cases the instants are doubtful, and why: out of order, a step
    skipped, a clock ahead, an impossible time.
    """
    known = services.definitions.journeys.values()

    def counted() -> list[JourneyRow]:
        return [_journey(services, journey) for journey in known]

    return Page(items=services.answer("journeys", counted))


@router.get("/{journey}/cases")
def journey_cases(
    services: ServicesAsOf,
    journey: str,
    state: Annotated[str, Query(description="open, paused…; several with commas")] = "",
    sla: Annotated[str, Query(description="breached, at_risk…; several with commas")] = "",
    step: Annotated[str, Query(description="only cases that wait at this step")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: str | None = None,
) -> Page[CaseRow]:
    """Cases of a journey in the states asked for, latest start first."""
    if journey not in services.definitions.journeys:
        raise NotFound("journey", journey)
    wanted = _Wanted(
        journey,
        step,
        _named("state", state, get_args(CaseState)),
        _named("sla", sla, get_args(SlaState)),
    )
    found = _found(services, wanted, cursor, limit)
    following = None
    if len(found) > limit:
        last = found[limit - 1]
        following = cursors.encode(last["started_at"].isoformat(), last["case_id"])
    shown = [cases.row(services, row) for row in found[:limit]]
    return Page(items=lost.located(services, shown), next=following)


class _Wanted:
    """What a list of cases asks for."""

    def __init__(self, journey: str, step: str, states: set[str], slas: set[str]) -> None:
        self.journey, self.step = journey, step
        self.states, self.slas = states, slas

    def fits(self, stated: pl.DataFrame) -> pl.DataFrame:
        if self.states:
            stated = stated.filter(pl.col("state").is_in(self.states))
        if self.slas:
            stated = stated.filter(pl.col("sla").is_in(self.slas))
        return stated


def _found(
    services: ApiServices, wanted: _Wanted, cursor: str | None, limit: int
) -> list[dict[str, Any]]:
    """One more than `limit` when there is more."""
    now = services.clock.now()
    silent = services.silent_systems(now)
    after = _place(cursor) if cursor else None
    found: list[dict[str, Any]] = []
    while len(found) <= limit:
        read = case_store.cases_page(
            services.telemetry, wanted.journey, step=wanted.step, after=after, limit=READ_AT_ONCE
        )
        found += wanted.fits(with_states(read, now, silent)).to_dicts()
        if read.height < READ_AT_ONCE:
            break
        last = read.row(-1, named=True)
        after = (last["started_at"], last["case_id"])
    return found


def _place(cursor: str) -> tuple[Any, str]:
    started_at, case_id = cursors.decode(cursor, str, str)
    return cursors.instant(started_at), str(case_id)


def _named(parameter: str, text: str, known: tuple[str, ...]) -> set[str]:
    asked = {part.strip() for part in text.split(",") if part.strip()}
    unknown = sorted(asked - set(known))
    if unknown:
        raise Refusal(422, f"{parameter}: {', '.join(unknown)} is none of {', '.join(known)}")
    return asked


def _journey(services: ApiServices, journey: Journey) -> JourneyRow:
    now = services.clock.now()
    clocks = case_store.clocks(services.telemetry, journey.name)
    stated = with_states(clocks, now, services.silent_systems(now))
    return JourneyRow(
        journey=journey.name,
        title=journey.title,
        case_type=journey.case_type,
        criticality=journey.criticality,
        owner=journey.owner,
        steps=[step.name for step in journey.steps],
        dimensions=[name for name, _ in journey.dimensions],
        cases=stated.height,
        states=dict(stated["state"].value_counts().sort("state").iter_rows()),
        sla=dict(stated["sla"].value_counts().sort("sla").iter_rows()),
        annotations=dict(
            stated["annotations"].explode().drop_nulls().value_counts().sort("annotations").rows()
        ),
    )
