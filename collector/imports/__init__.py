"""Importing logs of past events: read, converted to CloudEvents, and sent through the intake."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from collector.imports import mapping as mappings
from collector.imports import ocel, ties
from collector.imports.conversion import Conversion, in_batches

BATCH_TYPE = "application/cloudevents-batch+json"
BATCH_EVENTS = 1_000

__all__ = ["BATCH_TYPE", "ImportReport", "import_file"]


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What a file held and what was made of it.

    `posted` counts CloudEvents: one for each event, object and object-object relation. `unowned`
    and `disputed` objects are of a type with an owner, and have none or several. `undated` events
    have no readable time; `dangling` ends of relations name objects the file does not list.
    """

    source: str
    journey: str
    events: int
    objects: int
    event_objects: int
    object_objects: int
    posted: int
    by_event_type: Mapping[str, int]
    by_object_type: Mapping[str, int]
    empty_event_types: tuple[str, ...]
    unowned: int
    disputed: int
    undated: int
    dangling: int


def import_file(
    file: Path,
    mapping: Path,
    post: Callable[[bytes], None],
    progress: Callable[[int, int], None] = lambda *_: None,
) -> ImportReport:
    """Send all of the OCEL 2.0 SQLite log `file` as CloudEvents, objects and relations first.

    `post` gets one body of `BATCH_TYPE` at a time and returns once it is accepted; what it raises
    ends the import. Ids are those of the log, so that importing again changes nothing.
    `progress(done, total)` counts CloudEvents. Raises `DefinitionErrors` for the mapping and
    `UnreadableFile` for the file, before anything is sent.
    """
    rules = mappings.read(mapping)
    log = ocel.read(file)
    conversion = Conversion(log, rules)
    total, done = len(log.objects) + len(log.relations) + len(log.events), 0
    everything = chain(conversion.objects(), conversion.relations(), conversion.events())
    for batch in in_batches(everything, BATCH_EVENTS):
        post(json.dumps(batch, ensure_ascii=False, separators=(",", ":")).encode())
        done += len(batch)
        progress(done, total)
    return _report(rules, log, conversion, done)


def _report(
    rules: mappings.ImportMapping, log: ocel.Ocel, conversion: Conversion, posted: int
) -> ImportReport:
    owners = ties.owners(log, rules)
    return ImportReport(
        source=rules.source,
        journey=rules.journey,
        events=len(log.events),
        objects=len(log.objects),
        event_objects=log.event_objects(),
        object_objects=len(log.relations),
        posted=posted,
        by_event_type=Counter(log.events.values()),
        by_object_type=Counter(log.objects.values()),
        empty_event_types=log.empty_event_types,
        unowned=sum(not found for found in owners.values()),
        disputed=sum(len(found) > 1 for found in owners.values()),
        undated=conversion.undated(),
        dangling=ties.dangling(log),
    )
