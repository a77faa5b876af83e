"""What was published of a period beside what is known of it: what differs, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

import polars as pl

from metrics.derive import Derived, derive, mastery
from metrics.kpis import Closed, changes, departed, unpacked
from threadline.api.closing import digest, figures, known
from threadline.api.services import ApiServices
from threadline.model.closes import Close, ClosedKpi
from threadline.model.kpis import Window
from threadline.store.telemetry import late, receipts, tenures
from threadline.store.telemetry import observations as observation_store

ROOTS_AT_ONCE = 2_000  # bounds the memory of deriving cases
KINDS = ("metrics", "mapping")  # of definitions that decide what a figure is


@dataclass(frozen=True, kw_only=True)
class Restated:
    """A KPI as published and as it is known now; None where there is none of the one.

    `changes` is what counts otherwise, None where the close did not keep what it rested on.
    `unknowable` says why nothing can be known of it any more, '' where that is not so.
    """

    published: ClosedKpi
    known: Closed | None
    changes: pl.DataFrame | None
    redefined: bool
    unknowable: str = ""


@dataclass(frozen=True, kw_only=True)
class Activated:
    """A definition that was activated, or withdrawn, after a close."""

    kind: str
    name: str
    active_from: datetime


def restate(services: ApiServices, close: Close, only: str = "") -> list[Restated]:
    """Every published KPI, or `only` one, evaluated again as of the close, by what is known now.

    Only knowledge differs: what was received after the close and happened after it is left out.
    """
    silent = still_silent(services, close)
    derived = _as_it_was(services, close.window, close.at)
    found = figures(services, derived, close.window, close.at, silent.__getitem__, only)
    now = {one.kpi.name: one for one in found}
    return [
        _restated(services, close, published, now.get(published.kpi))
        for published in services.closes.kpis(close.number)
        if only in ("", published.kpi)
    ]


def still_silent(services: ApiServices, close: Close) -> Mapping[datetime, Collection[str]]:
    """The systems that were silent at the close, and at the end of its period, and have not been
    heard of since."""
    heard = heard_since(services, close)
    return {
        close.window.end: [one for one in close.silent_before if one not in heard],
        close.at: [one for one in close.silent if one not in heard],
    }


def heard_since(services: ApiServices, close: Close) -> list[str]:
    """The systems that were silent at the close and have been heard of."""
    now = services.clock.now()
    if not close.silent or now <= close.at:
        return []
    told = receipts.heard(services.telemetry, [(close.at, now)])
    since = told.filter(pl.col("last_received_at") > close.at)["system"].to_list()
    return [system for system in close.silent if system in since]


def activated(services: ApiServices, close: Close) -> list[Activated]:
    """What was activated or withdrawn after the close, of what decides what a figure is."""
    found = []
    for kind in KINDS:
        before: dict[tuple[str, str], Any] = {}
        for at, versions in services.activations.history(kind):
            after = dict(_named({name: one.content for name, one in versions.items()}))
            if close.at < at <= services.clock.now():
                changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
                found += [Activated(kind=k, name=name, active_from=at) for k, name in changed]
            before = after
    return sorted(found, key=lambda one: (one.active_from, one.kind, one.name))


def _named(contents: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    """Each definition by kind and name; what has no names by its kind."""
    for kind, content in contents.items():
        if kind in ("objects", "holidays", "rates"):
            yield (kind, ""), content
        else:
            yield from (((kind, name), one) for name, one in content.items())


def _restated(
    services: ApiServices, close: Close, published: ClosedKpi, now: Closed | None
) -> Restated:
    redefined = digest(services.definitions, published.kpi) != published.digest
    content = services.closes.population(close.number, published.kpi) if now else None
    moved, unknowable = None, ""
    of_cases = published.counts in ("cases", "steps")
    if now and content is not None:
        before = unpacked(content)
        gone = departed(before, now.population)["subject"].unique()
        moved = changes(before, now.population, _now_called(services, gone) if of_cases else {})
    if _forgotten_since(services, close):
        unknowable = "" if of_cases else "facts of contracts forgotten since are not there any more"
    if moved is not None and of_cases and _forgotten_since(services, close):
        moved, forgotten = _but_forgotten(services, moved)
        unknowable = f"{forgotten:,} of what it rests on are forgotten" if forgotten else ""
    return Restated(
        published=published,
        known=None if unknowable else now,
        changes=moved,
        redefined=redefined,
        unknowable=unknowable,
    )


def _forgotten_since(services: ApiServices, close: Close) -> bool:
    """Whether contracts that were over have left the log since the close."""
    last = services.forgetting.last if services.forgetting else None
    return last is not None and last > close.at


def _but_forgotten(services: ApiServices, moved: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """`moved` without what left because its contract is known no more, and how much that is."""
    left = moved.filter(pl.col("how") == "left")["root_id_before"].unique()
    known = late.places(services.telemetry, left.to_list())["identifier"]
    gone = (pl.col("how") == "left") & ~pl.col("root_id_before").is_in(known.implode())
    kept = moved.filter(~gone)
    return kept, moved.height - kept.height


def _now_called(services: ApiServices, subjects: pl.Series) -> dict[str, str]:
    if subjects.is_empty():
        return {}
    found = late.places(services.telemetry, subjects.to_list())
    called = found.filter(pl.col("object_id") != pl.col("identifier"))
    return dict(called.select("identifier", "object_id").iter_rows())


def _as_it_was(services: ApiServices, window: Window, at: datetime) -> Derived:
    """What was derived, but for what happened after `at` and was not known then.

    A later pause stands in the place of an earlier one, and what is first told later was not known
    to hold: that is no knowledge of the period. Contracts of which nothing of the kind is told are
    read as they are stored.
    """
    stored = known(services, window, at)
    ahead = late.roots_ahead(services.telemetry, at)
    touched = tenures.homes(services.telemetry, ahead & set(stored.cases["root_id"]))
    parts = [_without(stored, touched)]
    waiting = iter(sorted(touched))
    while roots := list(islice(waiting, ROOTS_AT_ONCE)):
        parts.append(_derived_until(services, roots, at))
    return Derived(**{name: _together(parts, name) for name in vars(stored)})


def _together(parts: Sequence[Derived], table: str) -> pl.DataFrame:
    frames: list[pl.DataFrame] = [getattr(part, table) for part in parts]
    columns = frames[0].columns
    return pl.concat([frame.select(columns) for frame in frames], how="vertical_relaxed")


def _without(stored: Derived, roots: Collection[str]) -> Derived:
    theirs = pl.col("root_id").is_in(sorted(roots))
    keys = ["journey", "case_id"]
    gone = stored.cases.filter(theirs).select(keys)
    return replace(
        stored,
        cases=stored.cases.filter(~theirs),
        steps=stored.steps.join(gone, on=keys, how="anti"),
        exceptions=stored.exceptions.join(gone, on=keys, how="anti"),
        mismatches=stored.mismatches.filter(~theirs),
    )


def _derived_until(services: ApiServices, roots: Sequence[str], at: datetime) -> Derived:
    definitions = services.definitions
    read = observation_store.gathered(services.telemetry, roots, definitions.event_names)
    timed = pl.col("plausible") & pl.col("at").is_not_null()
    ahead = timed & (pl.col("at") > at) & (pl.col("received_at") > at)
    observed = read.observations.filter(~ahead)
    derived = derive(observed, read.members, read.relations, definitions, roots)
    told = mastery(observed.filter(pl.col("root_id").is_in(roots)), services.mapping.mastered)
    return replace(derived, mismatches=told.mismatches)
