"""Every case judged by the version of its journey that was in force when it started."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import polars as pl

from metrics.definitions.versions import JourneyVersion
from metrics.derive.rows import INSTANT, Derived

KEYS = ["journey", "case_id"]


@dataclass(frozen=True, kw_only=True)
class Share:
    """Which of the cases that have started a version judges."""

    version: JourneyVersion
    taken: Collection[str] = ()
    claimed: Collection[str] = ()

    def of(self, runs: pl.DataFrame) -> pl.DataFrame:
        """The runs that started while the version was in force, or that it claims."""
        since, until = self.version.since, self.version.until
        own = ~pl.col("case_id").is_in(list(self.taken)) if self.taken else pl.lit(True)
        if since is not None:
            own &= pl.col("started_at") >= pl.lit(since).cast(INSTANT)
        if until is not None:
            own &= pl.col("started_at") < pl.lit(until).cast(INSTANT)
        return runs.filter(own | pl.col("case_id").is_in(list(self.claimed)))


def judged(
    versions: Sequence[JourneyVersion],
    facts: pl.DataFrame,
    derive: Callable[[Share], Derived],
) -> list[Derived]:
    """What `derive` makes of each version's share; together every case once.

    A case that starts under several versions belongs to the first in whose time it does.
    """
    parts: list[Derived] = []
    for version in versions:
        taken = {name for part in parts for name in part.cases["case_id"]}
        claimed = {name for part in parts for name in _claimed(version, part.cases)}
        if not claimed and _nothing_then(version, facts):
            continue
        fresh = derive(Share(version=version, taken=taken, claimed=claimed))
        if claimed:
            parts = [_without(part, fresh.cases) for part in parts]
        parts.append(fresh)
    return parts


def _claimed(version: JourneyVersion, cases: pl.DataFrame) -> pl.Series:
    claims, since = version.journey.claims, version.since
    if claims == "new" or since is None:
        return cases["case_id"].clear()
    ended = pl.coalesce("completed_at", "cancelled_at") <= pl.lit(since).cast(INSTANT)
    kept = pl.lit(True) if claims == "all" else ~ended.fill_null(False)
    return cases.filter(kept)["case_id"]


def _nothing_then(version: JourneyVersion, facts: pl.DataFrame) -> bool:
    """Whether no fact is of the time the version was in force, so that no case started then."""
    first, last = facts.select(first=pl.col("at").min(), last=pl.col("at").max()).row(0)
    if first is None:
        return True
    too_early = version.since is not None and last < version.since
    return too_early or (version.until is not None and first >= version.until)


def _without(part: Derived, cases: pl.DataFrame) -> Derived:
    gone = cases.select(KEYS)
    return replace(
        part,
        cases=part.cases.join(gone, on=KEYS, how="anti"),
        steps=part.steps.join(gone, on=KEYS, how="anti"),
        exceptions=part.exceptions.join(gone, on=KEYS, how="anti"),
        remedies=part.remedies.join(gone, on=KEYS, how="anti"),
    )
