"""The derivation, stage by stage."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from metrics.calendars import Clocks
from metrics.definitions import Definitions
from metrics.definitions.versions import JourneyVersion
from metrics.derive.case_rows import with_annotations, with_counts, with_standing, with_value
from metrics.derive.clocks import with_calendars, with_deadlines, with_step_deadlines, worked
from metrics.derive.evidence import Evidence, evidence
from metrics.derive.failures import exceptions, spells, step_failures
from metrics.derive.failures import named as named_failures
from metrics.derive.pauses import pauses
from metrics.derive.progress import steps
from metrics.derive.remedies import remedies
from metrics.derive.reopening import course
from metrics.derive.repeats import countable, with_progress
from metrics.derive.rows import CASES, EXCEPTIONS, REMEDIES, STEPS, Derived, conform
from metrics.derive.runs import runs
from metrics.derive.scopes import case_objects
from metrics.derive.step_rows import (
    closed_steps,
    named,
    with_alternatives,
    with_failures,
)
from metrics.derive.told import Told, told
from metrics.derive.versions import Share, judged
from threadline.model.journeys import Journey

NOTHING = Derived(
    cases=pl.DataFrame(schema=CASES),
    steps=pl.DataFrame(schema=STEPS),
    exceptions=pl.DataFrame(schema=EXCEPTIONS),
)


_AT_ONCE = 2  # journeys: most of the work is Polars's, outside the interpreter's lock


def derive(
    observations: pl.DataFrame,
    members: pl.DataFrame,
    relations: pl.DataFrame,
    definitions: Definitions,
    roots: Collection[str] | None = None,
) -> Derived:
    """Every case, step and exception of the roots whose observations and members these are.

    With `roots`, only those under these: what was elsewhere before needs the facts of where it was.

    A pure function of the sets of rows: their order, repetition and the company of other roots
    change nothing. `observations` has one row per fact and identifier (object_type, object_id,
    fact_id, kind, system, name, outcome, message, at, plausible, sampled, payload, received_at);
    `members` every object of the roots (root_id, object_type, object_id, owner_id); `relations`
    their ties (kind, child_id, parent_id); each holds over `[valid_from, valid_to)`. Further
    columns are ignored.
    """
    known = told(observations, members, relations)

    def of(versions: Sequence[JourneyVersion]) -> list[Derived]:
        return judged(versions, known.facts, lambda share: _derive(share, known, roots))

    with ThreadPoolExecutor(_AT_ONCE, "derive") as journeys:
        parts = [
            part for found in journeys.map(of, definitions.versions.values()) for part in found
        ]
    parts.append(NOTHING)
    return Derived(
        cases=pl.concat([part.cases for part in parts]),
        steps=pl.concat([part.steps for part in parts]),
        exceptions=pl.concat([part.exceptions for part in parts]),
        remedies=pl.concat([part.remedies for part in parts]),
    )


def _derive(
    share: Share,
    known: Told,
    roots: Collection[str] | None,
) -> Derived:
    journey, calendars = share.version.journey, share.version.calendars
    clocks = Clocks(calendars)
    cases = case_objects(journey, known.members, roots)
    told_of = evidence(journey, known, cases)
    begun = share.of(runs(cases, told_of))
    if begun.is_empty():
        return NOTHING
    run = course(journey, known, countable(journey, told_of), begun, calendars)
    found, gaps = run.evidence, run.gaps
    begun = with_calendars(journey, run.runs, calendars)
    paused = pauses(journey, found, begun, gaps, clocks)
    stops = pl.concat([paused, gaps])
    begun = worked(with_deadlines(journey, begun, stops, clocks), paused, gaps, clocks)
    closed = closed_steps(found, begun, run.closings)
    open_then = spells(journey, found, begun, closed, run.earlier)
    ruled = named_failures(journey, found, begun, open_then, gaps)
    failures = step_failures(journey, found, begun, open_then, ruled)
    taken = _steps(journey, found, begun, closed, failures)
    taken = with_step_deadlines(journey, taken, begun, stops, clocks)
    attempts = remedies(journey, told_of, begun)
    failed = exceptions(journey, found, begun, failures, ruled, attempts)
    begun = with_standing(journey, with_value(journey, begun), taken)
    begun = with_annotations(begun, told_of, taken)
    begun = with_counts(begun, known, failed)
    return _rows(journey, begun, taken, failed, attempts)


def _steps(
    journey: Journey,
    found: Evidence,
    begun: pl.DataFrame,
    closed: pl.DataFrame,
    failures: pl.DataFrame,
) -> pl.DataFrame:
    taken = steps(journey, begun).join(closed, on=["case", "index"], how="left")
    taken = with_progress(journey, found, begun, with_failures(taken, found, failures))
    taken = taken.with_columns(
        pl.col("closed_by", "object_id", "actor_type").fill_null(""),
        pl.col("sampled").fill_null(False),
        rework=pl.col("told") - pl.col("done"),
    )
    return with_alternatives(journey, named(journey, taken), found, failures)


def _rows(
    journey: Journey,
    begun: pl.DataFrame,
    taken: pl.DataFrame,
    failed: pl.DataFrame,
    attempts: pl.DataFrame,
) -> Derived:
    labelled = begun.with_columns(
        journey=pl.lit(journey.name),
        version=pl.lit(journey.version),
        criticality=pl.lit(journey.criticality),
    )
    ids = labelled.select("case", "case_id", "journey")
    return Derived(
        cases=conform(labelled, CASES),
        steps=conform(taken.join(ids, on="case"), STEPS),
        exceptions=conform(failed.join(ids, on="case"), EXCEPTIONS),
        remedies=conform(attempts.join(ids, on="case"), REMEDIES),
    )
