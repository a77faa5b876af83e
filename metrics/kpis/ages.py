"""Business time of cases, reckoned from what their rows say."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from metrics.calendars import Clocks, as_nanoseconds, as_seconds
from metrics.definitions import Definitions
from metrics.derive.clocks import case_calendar
from metrics.states import INSTANT


def working_time(
    cases: pl.DataFrame, since: str, until: str, definitions: Definitions
) -> pl.Series:
    """Business seconds between two instants of each case, on the case's own calendar."""
    clocks, calendar = Clocks(definitions.calendars), _calendar(cases, definitions)
    return clocks.between(calendar, cases[since], cases[until])


def worked_by(cases: pl.DataFrame, at: datetime, definitions: Definitions) -> pl.Series:
    """Business seconds, pauses left out, that each case had taken by `at`, its end not yet reached.

    Reckoned from where its clock last stopped, backwards or forwards, so earlier pauses are in;
    exact unless more than one pause began after `at`.
    """
    resumed = pl.when(pl.col("paused_from").is_not_null()).then(
        pl.min_horizontal("paused_until", "completed_at")
    )
    instants = cases.select(
        "journey",
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
    clocks, calendar = Clocks(definitions.calendars), _calendar(instants, definitions)
    names = [name for name in instants.columns if name not in ("journey", "dimensions")]
    return pl.DataFrame({name: clocks.position(calendar, instants[name]) for name in names})


def _calendar(cases: pl.DataFrame, definitions: Definitions) -> pl.Series:
    """The name of each case's calendar, chosen by the dimension that carries the chooser."""
    name = pl.lit(None, pl.String)
    for journey in definitions.journeys.values():
        chooser = journey.calendar.attribute
        dimension = next((each for each, source in journey.dimensions if source == chooser), "")
        text = pl.col("dimensions").str.json_path_match(f'$["{dimension}"]')
        chosen = case_calendar(journey.calendar, text, definitions.calendars)
        name = pl.when(pl.col("journey") == journey.name).then(chosen).otherwise(name)
    return cases.select(name).to_series()
