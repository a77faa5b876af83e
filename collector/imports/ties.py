"""What an object-centric log says of its objects together: owners, carried events, first sight."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from collector.imports.mapping import ImportMapping
from collector.imports.ocel import Ocel


def owners(log: Ocel, mapping: ImportMapping) -> Mapping[str, set[str]]:
    """The owners that the log asserts for each object of an owned type; empty for none."""
    rules = {thing: mapping.objects[kind].owner for thing, kind in log.objects.items()}
    found: dict[str, set[str]] = {thing: set() for thing, rule in rules.items() if rule}
    for source, target, qualifier in log.relations:
        for child, parent in ((source, target), (target, source)):
            if child in found and rules[child] == (log.objects.get(parent), qualifier):
                found[child].add(parent)
    return found


def carried(log: Ocel, mapping: ImportMapping) -> Mapping[str, list[str]]:
    """For objects whose events are those of other objects, too: these others."""
    found: dict[str, list[str]] = defaultdict(list)
    for source, target, qualifier in log.relations:
        given = mapping.objects.get(log.objects.get(source, ""))
        carries = given and qualifier in given.carriers and given.relations[qualifier]
        if carries and log.objects.get(target) == carries:
            found[source].append(target)
    return found


def first_seen(log: Ocel, times: Mapping[str, datetime | None]) -> Mapping[str, datetime]:
    """The instant of the first event each object takes part in; absent where there is none."""
    seen: dict[str, datetime] = {}
    for event, pairs in log.participants.items():
        if at := times.get(event):
            seen |= {thing: min(seen.get(thing, at), at) for thing, _ in pairs}
    return seen


def dangling(log: Ocel) -> int:
    """How many ends of relations name an object the log does not list."""
    named = [thing for pairs in log.participants.values() for thing, _ in pairs]
    named += [end for source, target, _ in log.relations for end in (source, target)]
    return sum(thing not in log.objects for thing in named)
