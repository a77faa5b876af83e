"""What each source has sent, what was not understood, and every fact down to its input."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Query

from collector.decode.originals import ORIGINALS
from threadline.api import cursors
from threadline.api.access import requires
from threadline.api.redaction import HIDDEN
from threadline.api.services import ApiServices, Services
from threadline.api.threads import fact_row
from threadline.errors import BodyDropped, LogUnavailable, NotFound
from threadline.model.entries import Position
from threadline.model.people import Permission
from threadline.store.telemetry import identity as identity_store
from threadline.store.telemetry import sources as source_store
from threadline.store.telemetry import threads as thread_store
from threadline.wire import DeadLetter, FactDetail, Page, RawInput, SourceRow

ORPHANS_OVER = timedelta(days=7)  # older ones cost a walk through the whole store
_IDENTIFIER = ("object_type", "namespace", "value")

router = APIRouter(tags=["sources"])


@router.get("/sources", dependencies=[requires(Permission.FIGURES)])
def sources(services: Services) -> Page[SourceRow]:
    """One row per source that has ever sent anything."""
    return Page(items=services.answer("sources", lambda: _sources(services)))


def _sources(services: ApiServices) -> list[SourceRow]:
    now = services.clock.now()
    silent = set(services.silent_systems(now))
    counted = identity_store.orphans(services.telemetry, now - ORPHANS_OVER, now)
    orphans = dict(counted.select("source", "orphans").iter_rows())
    return [
        _source(services, {**row, "orphans": orphans.get(row["source"], 0)}, silent)
        for row in source_store.sources(services.telemetry).to_dicts()
    ]


@router.get("/dead-letters", dependencies=[requires(Permission.INPUTS)])
def dead_letters(
    services: Services,
    source: str = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: str | None = None,
) -> Page[DeadLetter]:
    """What could not be understood, newest first. Every look at its words is recorded."""
    before = None
    if cursor:
        partition, offset, ordinal = cursors.decode(cursor, int, int, int)
        before = (int(partition), int(offset), int(ordinal))
    found = source_store.dead_letters(
        services.telemetry, source=source, before=before, limit=limit + 1
    ).to_dicts()
    following = None
    if len(found) > limit:
        last = found[limit - 1]
        following = cursors.encode(last["partition"], last["offset"], last["ordinal"])
    asker = services.asker
    services.audit.record(
        asker.who, "dead-letters.read", source=source, items=len(found[:limit]), by=asker.subject
    )
    return Page(items=[_letter(services, row) for row in found[:limit]], next=following)


@router.get("/facts/{fact_id}", dependencies=[requires(Permission.FACTS)])
def fact(services: Services, fact_id: str) -> FactDetail:
    """One fact as it was understood, and the input it came in, as received.

    The input is shown to those who may see it whole, and every look at it is recorded.
    """
    versions = thread_store.versions_of(services.telemetry, fact_id)
    if versions.is_empty():
        raise NotFound("fact", fact_id)
    said = thread_store.mentioned_by(services.telemetry, fact_id)
    kept = pl.col("content_hash").is_in(said["content_hash"].implode())
    shown = (versions.filter(kept) if said.height else versions).row(0, named=True)
    names = [":".join(name) for name in said.select(_IDENTIFIER).iter_rows()]
    how = said["how"][0] if said.height else "shared"
    position = Position(partition=shown["partition"], offset=shown["offset"])
    raw, missing = _looked_at(services, fact_id, position)
    names = [name for name in names if not services.redaction.hides(name.partition(":")[0])]
    return FactDetail(
        fact=fact_row(services, {**shown, "how": how, "objects": names}),
        attributes=services.redaction.applied(json.loads(shown["attributes"] or "{}")),
        versions=versions["content_hash"].n_unique(),
        identifiers=names,
        ordinal=shown["ordinal"],
        raw=raw,
        raw_missing=missing,
    )


def _source(services: ApiServices, row: dict[str, Any], silent: set[str]) -> SourceRow:
    systems = [system for system in row["systems"] if system]
    cadences = services.mapping.cadences
    declared = [cadences[system] for system in systems if system in cadences]
    return SourceRow(
        **{**row, "systems": systems},
        cadence=declared[0] if declared else "",
        silent=bool(silent & set(systems)) if declared else None,
    )


def _letter(services: ApiServices, row: dict[str, Any]) -> DeadLetter:
    position = f"{row.pop('partition')}-{row.pop('offset')}"
    if services.redaction.active:
        row["excerpt"] = HIDDEN
    return DeadLetter(position=position, **row)


def _looked_at(
    services: ApiServices, fact_id: str, position: Position
) -> tuple[RawInput | None, str]:
    """The input, recorded as looked at before it is shown."""
    asker = services.asker
    if not asker.may(Permission.INPUTS):
        return None, "the roles held do not allow a look at inputs as received"
    if services.redaction.active:
        return None, "some attributes are hidden from the roles held, and inputs hold them all"
    place = f"{position.partition}-{position.offset}"
    services.audit.record(asker.who, "input.read", fact=fact_id, position=place, by=asker.subject)
    return _raw(services, position)


def _raw(services: ApiServices, position: Position) -> tuple[RawInput | None, str]:
    try:
        entry = services.log.entry(position)
    except BodyDropped as error:
        return None, f"{error}; what was understood of it is kept"
    except (NotFound, LogUnavailable) as error:
        return None, str(error)
    text = None if entry.content_encoding else _text(entry.body)
    raw = RawInput(
        position=f"{position.partition}-{position.offset}",
        kind=entry.kind,
        source=entry.source,
        content_type=entry.content_type,
        content_encoding=entry.content_encoding,
        headers={name: text for name, text in entry.headers.items() if name != ORIGINALS},
        received_at=entry.received_at,
        size=len(entry.body),
        text=text,
        base64=None if text is not None else base64.b64encode(entry.body).decode(),
    )
    return raw, ""


def _text(body: bytes) -> str | None:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if set(text) & _CONTROLS else text


_CONTROLS = set(map(chr, range(32))) - {"\t", "\n", "\r"}
