"""Business time of cases, reckoned from what their rows say."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from metrics.calendars import Calendar, Clocks, as_nanoseconds, as_seconds
from metrics.definitions import Definitions
from metrics.derive.clocks import case_calendar
from metrics.states import INSTANT
from threadline.model.journeys import Journey


def working_time(
    cases: pl.DataFrame, since: str, until: str, definitions: Definitions
) -> pl.Series:
    """Business seconds between two instants of each case, on the case's own calendar."""
    clocks, calendar = _clocks(cases, definitions)
    return clocks.between(calendar, cases[since], cases[until])


def worked_by(cases: pl.DataFrame, at: datetime, definitions: Definitions) -> pl.Series:
    """Business seconds, pauses left out, that each case had taken by `at`, its end not yet reached.

    Reckoned from where its clock last stopped, backwards or forwards, so earlier pauses are in, and
    what was between an end and a re-opening; exact unless more than one of these began after `at`.
    """
    cases = cases.with_columns(
        pl.when(pl.col("reopened_at") > pl.col("paused_from").fill_null(pl.col("started_at")))
        .then(pl.struct(paused_from="ended_before_at", paused_until="reopened_at"))
        .otherwise(pl.struct("paused_from", "paused_until"))
        .struct.unnest()
    )
    resumed = pl.when(pl.col("paused_from").is_not_null()).then(
        pl.min_horizontal("paused_until", "completed_at")
    )
    instants = cases.select(
        "journey",
        "version",
        "dimensions",
        "started_at",
        "completed_at",
        "paused_from",
        resumed=resumed,
        at=pl.lit(at).cast(INSTANT),
    )
    ran = _positions(instants, definitions).with_columns(
        worked=as_nanoseconds(cases["business_seconds"])
    )
    now, paused = pl.col("at"), pl.col("paused_from")
    later = pl.max_horizontal("resumed", now) - pl.max_horizontal(paused, now)
    later = pl.when(paused.is_not_null()).then(later).otherwise(0)  # of the last pause, after `at`
    from_pause = pl.col("worked") + now - paused - (pl.col("resumed") - paused - later)
    nanoseconds = (
        pl.when(pl.col("completed_at").is_not_null())
        .then(pl.col("worked") + now - pl.col("completed_at") + later)
        .when(paused.is_not_null())
        .then(from_pause)
        .otherwise(now - pl.col("started_at"))
    )
    return ran.select(as_seconds(nanoseconds)).to_series()


def _positions(instants: pl.DataFrame, definitions: Definitions) -> pl.DataFrame:
    """Every instant as its place, in nanoseconds, on the business clock of its row."""
    clocks, calendar = _clocks(instants, definitions)
    texts = ("journey", "version", "dimensions")
    names = [name for name in instants.columns if name not in texts]
    return pl.DataFrame({name: clocks.position(calendar, instants[name]) for name in names})


def _clocks(cases: pl.DataFrame, definitions: Definitions) -> tuple[Clocks, pl.Series]:
    """The name of each case's clock, and the clocks: those that the version judging it came with.

    A version that is not known counts as the last one.
    """
    calendars: dict[str, Calendar] = {}
    name = pl.lit(None, pl.String)
    for versions in definitions.versions.values():
        for place, version in enumerate(reversed(versions)):
            journey, label = version.journey, version.journey.version
            calendars |= {f"{label}/{name}": one for name, one in version.calendars.items()}
            here = pl.col("journey") == journey.name
            if place:
                here &= pl.col("version") == label
            chosen = case_calendar(journey.calendar, calendar_chooser(journey), version.calendars)
            name = pl.when(here).then(pl.format("{}/{}", pl.lit(label), chosen)).otherwise(name)
    return Clocks(calendars), cases.select(name).to_series()


def calendar_chooser(journey: Journey) -> pl.Expr:
    """The dimension that says which calendar a case has."""
    attribute = journey.calendar.attribute
    dimension = next((each for each, source in journey.dimensions if source == attribute), "")
    return pl.col("dimensions").str.json_path_match(f'$["{dimension}"]')
