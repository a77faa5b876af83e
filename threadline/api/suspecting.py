"""Suspicions over what is stored now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from collector.identity import suspicions as rules
from collector.identity.suspicions import Orphan, Suspicion
from collector.mapping import Mapping
from threadline.store.telemetry import Telemetry, suspects

ORPHANS = 200  # those named last; asking about all of them would take minutes


def suspicions(telemetry: Telemetry, mapping: Mapping, limit: int) -> Sequence[Suspicion]:
    """The likeliest `limit` suspicions about the orphans that were named last."""
    never = [name for name, kind in mapping.objects.items() if not kind.links]
    orphans = [
        Orphan(identifier=identifier, facts=facts)
        for identifier, facts in suspects.orphaned(telemetry, never, ORPHANS).iter_rows()
    ]
    candidates = {name for one in orphans for name in rules.variants(one.identifier)}
    rooted = suspects.rooted(telemetry, candidates)
    named = {one.identifier for one in orphans} | rooted.keys()
    beside = _sets(suspects.beside(telemetry, named, never).iter_rows())
    shared = {name for one in orphans for name in beside.get(one.identifier, ())}
    sharing = _sets(suspects.sharing(telemetry, shared).iter_rows())
    roots = {root for some in sharing.values() for root in some}
    types = suspects.types_of(telemetry, roots)
    found = [
        *rules.mistypes(orphans, rooted, beside),
        *rules.missing_links(orphans, beside, sharing, types, mapping),
    ]
    return rules.ranked(found, limit)


def _sets(rows: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in rows:
        found[key].add(value)
    return found
