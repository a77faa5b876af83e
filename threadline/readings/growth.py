"""How many more there are of what people have to look into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import polars as pl

from alerts.rules import Rule
from metrics.mismatches import standing
from threadline.api.services import ApiServices
from threadline.model.readings import Reading
from threadline.store.telemetry import arrivals, mastery

# A dead letter has to be replayed however old it is; beyond this it is taken as given up.
REPLAYABLE = timedelta(days=90)


def read(services: ApiServices, rules: Iterable[Rule], now: datetime) -> Iterator[Reading]:
    """One reading per growth rule, or per system (or source) that it tells apart."""
    for rule in rules:
        of = rule.figure.of if rule.figure else ""
        back = REPLAYABLE if of == "dead-letters" else rule.within
        yield from parts(rule, came(services, rule, now - back, now), known(services), now)


def came(services: ApiServices, rule: Rule, since: datetime, now: datetime) -> pl.DataFrame:
    """What the rule watches that came from `since` on and still waits: part, at, count."""
    return _CAME[rule.figure.of if rule.figure else ""](services, since, now)


def known(services: ApiServices) -> frozenset[str]:
    """All that growth may be told apart by: sources and systems."""
    declared = {source.system for source in services.mapping.sources}
    return frozenset(declared) | arrivals.sources(services.telemetry)


def parts(
    rule: Rule, arrived: pl.DataFrame, everyone: Iterable[str], now: datetime
) -> Iterator[Reading]:
    """What `arrived` (columns part, at and count) means for the rule.

    Of which nothing came there is a reading too, because that is how growth ends.
    """
    by_part: dict[str, list[tuple[datetime, int]]] = {}
    for part, at, count in arrived.sort("at").iter_rows():
        place = part if rule.each else ""
        by_part.setdefault(place, []).append((at.astimezone(UTC), count))
    names = rule.systems or (by_part.keys() | set(everyone) if rule.each else {""})
    for name in sorted(names):
        yield Reading(
            rule=rule.qualified,
            part=name,
            at=now,
            criticality="reference",
            arrivals=tuple(by_part.get(name, ())),
        )


def _mismatches(services: ApiServices, since: datetime, now: datetime) -> pl.DataFrame:
    """A copy counts from when it was to follow its master; one whose source is silent does not."""
    differing = mastery.mismatches(services.telemetry)
    stated = standing(differing, now, services.silent_systems(now))
    late = stated.filter(pl.col("state") == "open", pl.col("due_at") >= since)
    return late.group_by(part="system", at="due_at").agg(count=pl.len())


_CAME: Mapping[str, Callable[[ApiServices, datetime, datetime], pl.DataFrame]] = {
    "dead-letters": lambda services, since, _: arrivals.dead_letters(services.telemetry, since),
    "orphans": lambda services, since, _: arrivals.orphans(services.telemetry, since),
    "conflicts": lambda services, since, _: arrivals.conflicts(services.telemetry, since),
    "mismatches": _mismatches,
}
