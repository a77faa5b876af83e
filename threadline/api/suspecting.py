"""Suspicions over what is stored now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from collector.identity import suspicions as rules
from collector.identity.suspicions import Orphan, Suspicion
from collector.mapping import Mapping
from threadline.store.telemetry import Telemetry, suspects

ORPHANS = 200  # looked at in one go; asking about thousands would take minutes
CLAIMS = 500

Place = tuple[datetime, str]  # when an orphan was last named, and which
Pair = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Look:
    """Suspicions about `looked_at` of the `orphans` named lately; `last`: where to go on."""

    found: Sequence[Suspicion]
    looked_at: int
    orphans: int
    last: Place | None


def look(
    telemetry: Telemetry,
    mapping: Mapping,
    ruled: Collection[Pair],
    since: datetime,
    before: Place,
    first: bool,
) -> Look:
    """The orphans named from `since` on, those named last before `before`; the `first` look also
    asks what names may be of one object. Pairs in `ruled` are settled and left out.
    """
    never = [name for name, kind in mapping.objects.items() if not kind.links]
    rows = suspects.orphaned(telemetry, never, since, before, ORPHANS)
    orphans = [
        Orphan(identifier=name, facts=n)
        for name, n in rows.select("identifier", "facts").iter_rows()
    ]
    found = [*_about(telemetry, mapping, orphans, never)]
    if first:
        claims = suspects.beside_each_other(telemetry, CLAIMS)
        found += rules.two_names(claims.iter_rows(), mapping)
    whole = rows.height == ORPHANS
    return Look(
        found=[one for one in found if (one.kind, one.child, one.parent) not in ruled],
        looked_at=rows.height,
        orphans=rows["orphans"][0] if rows.height else 0,
        last=rows.select("last", "identifier").row(-1) if whole else None,
    )


def _about(
    telemetry: Telemetry, mapping: Mapping, orphans: Sequence[Orphan], never: Sequence[str]
) -> Iterator[Suspicion]:
    candidates = {name for one in orphans for name in rules.variants(one.identifier)}
    rooted = suspects.rooted(telemetry, candidates)
    named = {one.identifier for one in orphans} | rooted.keys()
    beside = _sets(suspects.beside(telemetry, named, never).iter_rows())
    shared = {name for one in orphans for name in beside.get(one.identifier, ())}
    sharing = _sets(suspects.sharing(telemetry, shared).iter_rows())
    roots = {root for some in sharing.values() for root in some}
    types = suspects.types_of(telemetry, roots)
    yield from rules.mistypes(orphans, rooted, beside)
    yield from rules.missing_links(orphans, beside, sharing, types, mapping)


def _sets(rows: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in rows:
        found[key].add(value)
    return found
