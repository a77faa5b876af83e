"""The path that a journey's cases have really taken, and the cases behind each part of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Depends, Query

from metrics.discovery import FAILED, START, Discovered, discover, standing
from metrics.states import with_states
from threadline.api import cases, cursors
from threadline.api.access import requires
from threadline.api.asked import Question
from threadline.api.problems import Refusal
from threadline.api.services import ServicesAsOf
from threadline.model.journeys import Journey, Step
from threadline.model.people import Permission
from threadline.store.telemetry import cases as case_store
from threadline.wire import CaseRow, Page, PathEdge, PathNode, Paths, PathStep, PathVariant

VARIANTS = 50  # in one answer
DEVIATING = ("skips", "against", "failure")
LATE = pl.col("overdue") | (pl.col("sla") == "breached")

router = APIRouter(
    prefix="/journeys", tags=["journeys"], dependencies=[requires(Permission.FIGURES)]
)


class _Seen:
    """The cases of a journey that were started in a window, and the paths they have taken."""

    def __init__(self, services: ServicesAsOf, journey: str, asked: Question) -> None:
        self.services, self.now = services, asked.now
        self.journey = services.definitions.journeys[journey]
        self.span = (asked.window.start, asked.window.end)
        read = {
            table: case_store.started_in(services.telemetry, table, journey, self.span)
            for table in ("cases", "steps", "exceptions")
        }
        self.cases = with_states(read["cases"], self.now, asked.told["silent"])
        self.steps = read["steps"]
        self.found: Discovered = discover(
            self.journey, read["cases"], read["steps"], read["exceptions"], self.now
        )

    def deviating(self) -> pl.DataFrame:
        """The `case_id` of every case that has left the definition, once or more."""
        edges = self.found.edges.select("before", "act").iter_rows()
        left = [pair for pair in edges if standing(self.journey, *pair) in DEVIATING]
        pairs = pl.DataFrame(left, schema={"before": pl.String, "act": pl.String}, orient="row")
        acts = self.found.acts.join(pairs, on=["before", "act"], how="semi")
        return acts.select("case_id").unique()


Seen = Annotated[_Seen, Depends()]


@router.get("/{journey}/paths")
def paths(seen: Seen) -> Paths:
    """What followed upon what in the cases started in the window, beside what is defined."""
    found = seen.found
    variants = found.variants.head(VARIANTS).iter_rows(named=True)
    return Paths(
        journey=seen.journey.name,
        title=seen.journey.title,
        start=seen.span[0],
        end=seen.span[1],
        as_of=seen.now,
        cases=seen.cases.height,
        deviating=seen.deviating().height,
        annotations=dict(
            seen.cases["annotations"]
            .explode()
            .drop_nulls()
            .value_counts()
            .sort("annotations")
            .rows()
        ),
        steps=[_step(seen, step) for step in seen.journey.steps],
        nodes=[
            PathNode(**row, title=_title(seen.journey, row["act"]))
            for row in found.nodes.iter_rows(named=True)
        ],
        edges=[_edge(seen.journey, row) for row in found.edges.iter_rows(named=True)],
        variants=[_variant(seen.journey, row) for row in variants],
        variants_total=found.variants.height,
    )


@router.get("/{journey}/paths/cases")
def path_cases(
    seen: Seen,
    act: Annotated[str, Query(description="cases in which it happened: step or step:failed")] = "",
    before: Annotated[str, Query(description="only directly after this act, or start")] = "",
    waiting: Annotated[str, Query(description="live cases that wait at this step")] = "",
    late: Annotated[bool, Query(description="only past the deadline of step or case")] = False,
    variant: Annotated[str | None, Query(description="acts with commas: took exactly them")] = None,
    deviates: Annotated[bool, Query(description="only cases that left the definition")] = False,
    annotation: Annotated[str, Query(description="only cases of which this is said")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: str | None = None,
) -> Page[CaseRow]:
    """Exactly the cases behind a number of the paths, latest start first."""
    found = seen.cases
    if act or before:
        _require_known(seen.journey, act, before)
        wanted = [pl.col("act") == act] if act else []
        wanted += [pl.col("before") == before] if before else []
        found = found.join(seen.found.acts.filter(*wanted), on="case_id", how="semi")
    if waiting:
        found = found.filter(_waits_at(waiting))
    if late:
        found = found.filter(LATE)
    if deviates:
        found = found.join(seen.deviating(), on="case_id", how="semi")
    if annotation:
        found = found.filter(pl.col("annotations").list.contains(annotation))
    if variant is not None:
        taken = [name for name in variant.split(",") if name]
        found = found.join(_took(seen, taken), on="case_id", how="semi")
    start = int(cursors.decode(cursor, int)[0]) if cursor else 0
    found = found.sort("started_at", "case_id", descending=True)
    shown = found.slice(start, limit).iter_rows(named=True)
    following = cursors.encode(start + limit) if found.height > start + limit else None
    return Page(items=[cases.row(seen.services, row) for row in shown], next=following)


def _took(seen: _Seen, path: list[str]) -> pl.DataFrame:
    """Cases that took exactly `path`; without acts those that have done nothing yet."""
    acts = seen.found.acts
    if not path:
        return seen.cases.join(acts, on="case_id", how="anti").select("case_id")
    told = acts.group_by("case_id", maintain_order=True).agg(pl.col("act"))
    return told.filter(pl.col("act").list.join(",") == ",".join(path))


def _require_known(journey: Journey, act: str, before: str) -> None:
    for name, value in (("act", act), ("before", before)):
        step = value.removesuffix(FAILED)
        if value and step not in journey.positions and not (name == "before" and value == START):
            known = ", ".join(journey.positions)
            raise Refusal(422, f"{name}: {value!r} is no act of {journey.name}; steps: {known}")


def _waits_at(step: str) -> pl.Expr:
    return (pl.col("current_step") == step) & pl.col("state").is_in(["open", "paused"])


def _step(seen: _Seen, step: Step) -> PathStep:
    waiting = seen.cases.filter(_waits_at(step.name))
    closed = seen.steps.filter(pl.col("step") == step.name, pl.col("closed_at") <= seen.now)
    took = (closed["closed_at"] - closed["ready_at"]).dt.total_nanoseconds().drop_nulls() / 1e9
    failed = seen.found.nodes.filter(pl.col("act") == f"{step.name}{FAILED}")["cases"]
    return PathStep(
        step=step.name,
        title=step.title,
        system=step.system,
        after=list(step.after),
        waiting=waiting.height,
        late=waiting.filter(LATE).height,
        closed=closed.height,
        failed=int(failed.sum()),
        median_seconds=took.quantile(0.5, interpolation="linear"),
        p90_seconds=took.quantile(0.9, interpolation="linear"),
    )


def _edge(journey: Journey, row: Mapping[str, Any]) -> PathEdge:
    return PathEdge(
        before=row["before"],
        act=row["act"],
        cases=row["cases"],
        count=row["count"],
        median_seconds=row["median"],
        p90_seconds=row["p90"],
        standing=standing(journey, row["before"], row["act"]),
    )


def _variant(journey: Journey, row: Mapping[str, Any]) -> PathVariant:
    taken = zip([START, *row["path"]], row["path"], strict=False)
    deviates = any(standing(journey, *pair) in DEVIATING for pair in taken)
    return PathVariant(**row, deviates=deviates)


def _title(journey: Journey, act: str) -> str:
    title = journey.step(act.removesuffix(FAILED)).title
    return f"{title}: failed" if act.endswith(FAILED) else title
