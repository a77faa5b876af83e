"""Instants that rules name relative to a promise: a share of the SLA, or so long before it ends.

A case keeps the instants of its promise, not the promise itself: that is found again as the one of
its journey's version by which warning and deadline lie as they do. Time runs on the promise's own
clock, or that of the case's calendar, and stands still during the last pause. A row knows nothing
of pauses before the last: a mark that lies on the far side of one, seen from the warning or the end
it is reckoned from, is off by that pause.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from alerts.case import MARK, STEP_MARK
from alerts.policy import Policies
from alerts.rules import Mark, When
from metrics.calendars import ELAPSED, Clocks, as_nanoseconds
from metrics.definitions import Definitions
from metrics.definitions.versions import JourneyVersion
from metrics.derive.clocks import case_calendar
from metrics.kpis.ages import calendar_chooser
from threadline.model.journeys import WARN, Duration, Journey

INSTANT = pl.Datetime("ns", "UTC")
_EXACT = 2**62  # nanoseconds: more than any promise


@dataclass(frozen=True, kw_only=True)
class Marking:
    """Gives cases the instants of marks beside their promise, and of those beside that of the step
    they wait for: one column each, `mark:<name>` or `step-mark:<name>`, null where there is none.
    """

    definitions: Definitions
    of_cases: frozenset[Mark]
    of_steps: frozenset[Mark]

    def __call__(self, cases: pl.DataFrame) -> pl.DataFrame:
        """In the order of `cases`, whose columns are those of the telemetry store's table."""
        schema = dict.fromkeys((name for name, _, _ in self._columns()), INSTANT)
        found = [pl.DataFrame(schema={"place": pl.UInt32, **schema})]
        groups = cases.with_row_index("place").partition_by(["journey", "version"], as_dict=True)
        for (name, label), part in groups.items():
            version = self._version(str(name), str(label))
            if version is not None:
                walk = _Walk(version, part)
                marked = [walk.mark(mark, step=step) for _, mark, step in self._columns()]
                named = zip(schema, marked, strict=True)
                found.append(part.select("place", *(one.alias(column) for column, one in named)))
        every = pl.DataFrame({"place": pl.int_range(cases.height, dtype=pl.UInt32, eager=True)})
        return (
            every.join(pl.concat(found), on="place", how="left").sort("place").select(list(schema))
        )

    def _columns(self) -> Iterator[tuple[str, Mark, bool]]:
        for mark in sorted(self.of_cases, key=lambda one: one.name):
            yield MARK + mark.name, mark, False
        for mark in sorted(self.of_steps, key=lambda one: one.name):
            yield STEP_MARK + mark.name, mark, True

    def _version(self, name: str, label: str) -> JourneyVersion | None:
        versions = self.definitions.versions.get(name, ())
        known = (one for one in versions if one.journey.version == label)
        return next(known, versions[-1] if versions else None)


def marking(policies: Policies, definitions: Definitions) -> Marking | None:
    """For the marks that rules of `policies` name; None where there are none."""
    asked: tuple[When, ...] = ("case-deadline", "step-deadline")
    of_cases, of_steps = (
        frozenset(rule.mark for rule in policies.of(on) if rule.mark) for on in asked
    )
    if not of_cases and not of_steps:
        return None
    return Marking(definitions=definitions, of_cases=of_cases, of_steps=of_steps)


class _Walk:
    """Cases of one version of a journey, and walking along their clocks."""

    def __init__(self, version: JourneyVersion, cases: pl.DataFrame) -> None:
        self._journey, self._clocks = version.journey, Clocks(version.calendars)
        chosen = case_calendar(
            version.journey.calendar, calendar_chooser(version.journey), version.calendars
        )
        days = {name: calendar.day_seconds for name, calendar in version.calendars.items()}
        self._cases = cases.with_columns(calendar=chosen).with_columns(
            day_seconds=pl.col("calendar").replace_strict(days, return_dtype=pl.Float64)
        )

    def mark(self, mark: Mark, *, step: bool) -> pl.Series:
        """The instant of each case."""
        if mark.share is not None:
            share = float(mark.share) / 100
            return self._share_of_step(share) if step else self._share_of_case(share)
        clock = self._clock(pl.lit(mark.clock == "business"))
        offset = (mark.offset or timedelta()) // timedelta(microseconds=1) * 1_000
        return self._from_end(clock, self._cases["current_due_at" if step else "due_at"], offset)

    def _share_of_case(self, share: float) -> pl.Series:
        """By the promise between whose warning and end as much time lies as there does; where none
        fits so well, because of an earlier pause, by the one that comes nearest.
        """
        walked = [self._walked(within, warn, share) for within, warn in _promises(self._journey)]
        if not walked:
            return pl.Series([None] * self._cases.height, dtype=INSTANT)
        best = pl.max_horizontal(f"fit_{number}" for number in range(len(walked)))
        fitting = [
            pl.when(pl.col(f"fit_{number}") == best).then(f"at_{number}")
            for number in range(len(walked))
        ]
        named = [
            one.rename({name: f"{name}_{number}" for name in one.columns})
            for number, one in enumerate(walked)
        ]
        return pl.concat(named, how="horizontal").select(pl.coalesce(fitting)).to_series()

    def _walked(self, within: Duration, warn: float, share: float) -> pl.DataFrame:
        """`at` what share of this promise, supposing it was made, and how well that does `fit`."""
        clock, budget = self._clock(pl.lit(within.business)), self._budget(within)
        whole, until_warning = as_nanoseconds(budget), as_nanoseconds(budget * warn)
        rows = self._positions(clock, self._cases["due_at"]).with_columns(
            warned=self._clocks.position(clock, self._cases["warn_at"]),
            left=whole - until_warning,
            until_warning=until_warning,
            target=as_nanoseconds(budget * share),
        )
        before, between = (
            pl.when(those).then("lost").otherwise(0).fill_null(0)
            for those in (
                pl.col("paused") < pl.col("warned"),
                (pl.col("paused") >= pl.col("warned")) & (pl.col("paused") < pl.col("due")),
            )
        )
        seen = pl.col("due") - pl.col("warned") - between
        exact = pl.when(seen == pl.col("left")).then(_EXACT)
        near = pl.when(pl.col("left") < seen).then("left").otherwise(0)
        start = pl.col("warned") - pl.col("until_warning") - before
        rows = rows.with_columns(start=start, fit=pl.coalesce(exact, near))
        return rows.select("fit", self._reached(rows, clock).alias("at"))

    def _share_of_step(self, share: float) -> pl.Series:
        budget, business = pl.lit(None, pl.Float64), pl.lit(False)
        for step in self._journey.steps:
            if step.within:
                here = pl.when(pl.col("current_step") == step.name)
                seconds = pl.col("day_seconds") * step.within.days + step.within.seconds
                budget = here.then(seconds).otherwise(budget)
                business = here.then(pl.lit(step.within.business)).otherwise(business)
        clock = self._clock(business)
        allowed = self._cases.select(budget).to_series()
        rows = self._positions(clock, self._cases["current_due_at"], self._cases["current_since"])
        counted = pl.when(pl.col("paused") < pl.col("due")).then("lost").otherwise(0).fill_null(0)
        rows = rows.with_columns(
            start=pl.col("due") - as_nanoseconds(allowed) - counted,
            target=as_nanoseconds(allowed * share),
        )
        return self._reached(rows, clock)

    def _reached(self, rows: pl.DataFrame, clock: pl.Series) -> pl.Series:
        """When `target` has run since `start`; a pause counts if it begins before that."""
        used = pl.col("paused") - pl.col("start")
        lost = pl.when(used < pl.col("target")).then("lost").otherwise(0).fill_null(0)
        position = rows.select(pl.col("start") + pl.col("target") + lost).to_series()
        return self._clocks.instant(clock, position)

    def _from_end(self, clock: pl.Series, due: pl.Series, offset: int) -> pl.Series:
        """So many nanoseconds from `due` on; before it, a pause on the way is stepped over."""
        target, lost = pl.col("due") + offset, pl.col("lost")
        back = (pl.col("paused") < pl.col("due")) & (target < pl.col("paused") + lost)
        ahead = (pl.col("paused") >= pl.col("due")) & (pl.col("paused") < target)
        over = pl.when(back).then(-lost).when(ahead).then(lost).otherwise(0).fill_null(0)
        rows = self._positions(clock, due)
        return self._clocks.instant(clock, rows.select(target + over).to_series())

    def _positions(
        self, clock: pl.Series, due: pl.Series, since: pl.Series | None = None
    ) -> pl.DataFrame:
        """On `clock`: the end of the promise, the begin of the last pause (not before `since`), and
        how much was lost in it.
        """
        begun, ended = self._cases["paused_from"], self._cases["paused_until"]
        if since is not None:
            begun = pl.select(
                pl.when(ended > since).then(pl.max_horizontal(begun, since))
            ).to_series()
        paused = self._clocks.position(clock, begun)
        resumed = self._clocks.position(clock, ended)
        return pl.DataFrame(
            {
                "due": self._clocks.position(clock, due),
                "paused": paused,
                "lost": resumed - paused,
            }
        )

    def _clock(self, business: pl.Expr) -> pl.Series:
        named = pl.when(business).then("calendar").otherwise(pl.lit(ELAPSED))
        return self._cases.select(named).to_series()

    def _budget(self, within: Duration) -> pl.Series:
        return self._cases["day_seconds"] * within.days + within.seconds


def _promises(journey: Journey) -> list[tuple[Duration, float]]:
    """What a case may have been promised, and at which share it is warned of."""
    made = [(promise.within, promise.warn) for promise in journey.promises]
    return made + [(rule.within, WARN) for rule in journey.reopen if rule.within]
