"""Importing files of past events: read, converted to CloudEvents, and sent through the intake."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from collector.imports import formats, ocel, row_mapping, ties
from collector.imports import mapping as mappings
from collector.imports.conversion import CloudEvent, Conversion, in_batches
from collector.imports.rows import Complaint, Rows
from threadline import definitions

BATCH_TYPE = "application/cloudevents-batch+json"
BATCH_EVENTS = 1_000

Post = Callable[[bytes], None]
Progress = Callable[[int, int], None]

__all__ = ["BATCH_TYPE", "Complaint", "ImportReport", "RowsReport", "import_file"]


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What a log held and what was made of it.

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


@dataclass(frozen=True, kw_only=True)
class RowsReport:
    """What a table held and what was made of it.

    Of `rows`, `posted` were sent; `complaints` are the rows that were not and those sent without a
    time, in the file's order.
    """

    source: str
    file: Path
    rows: int
    posted: int
    complaints: tuple[Complaint, ...]

    @property
    def refused(self) -> int:
        """How many rows were not sent."""
        return sum(not complaint.sent for complaint in self.complaints)


def import_file(
    file: Path, mapping: Path | None, post: Post, progress: Progress = lambda *_: None
) -> ImportReport | RowsReport:
    """Send all of `file` as CloudEvents: a table where the mapping says `format`, else an
    event log (see `formats.read`), of which objects and relations come first. Without a mapping the
    log's types keep their names, in small letters, and nothing of it ties anything together.

    `post` gets one body of `BATCH_TYPE` at a time and returns once it is accepted; what it raises
    ends the import. Ids are those of the log or of the rows' keys and versions, so that importing
    again changes nothing. `progress(done, total)` counts CloudEvents or rows. Raises
    `DefinitionErrors` for the mapping and `UnreadableFile` for the file, before anything is sent. A
    single row that cannot be read hinders no other: it is in the report.
    """
    content = definitions.parse(mapping).content if mapping else None
    if mapping and isinstance(content, Mapping) and "format" in content:
        return _import_rows(file, mapping, post, progress)
    return _import_log(file, mapping, post, progress)


def _import_rows(file: Path, mapping: Path, post: Post, progress: Progress) -> RowsReport:
    rows = Rows(file, row_mapping.read(mapping))
    complaints: list[Complaint] = []
    posted = 0
    for batch in in_batches(_events(rows, complaints), BATCH_EVENTS):
        post(_body(batch))
        posted += len(batch)
        progress(posted, rows.count)
    return RowsReport(
        source=rows.source, file=file, rows=rows.count, posted=posted, complaints=tuple(complaints)
    )


def _events(rows: Rows, complaints: list[Complaint]) -> Iterator[CloudEvent]:
    for event, complaint in rows.converted():
        if complaint is not None:
            complaints.append(complaint)
        if event is not None:
            yield event


def _import_log(file: Path, mapping: Path | None, post: Post, progress: Progress) -> ImportReport:
    given = mappings.read(mapping) if mapping else None
    log = formats.read(file)
    rules = given or mappings.plain(file, log.object_types)
    conversion = Conversion(log, rules)
    total, done = len(log.objects) + len(log.relations) + len(log.events), 0
    everything = chain(conversion.objects(), conversion.relations(), conversion.events())
    for batch in in_batches(everything, BATCH_EVENTS):
        post(_body(batch))
        done += len(batch)
        progress(done, total)
    return _report(rules, log, conversion, done)


def _body(batch: list[CloudEvent]) -> bytes:
    return json.dumps(batch, ensure_ascii=False, separators=(",", ":")).encode()


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
