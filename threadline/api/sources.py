"""What each source has sent, what was not understood, and every fact down to its input."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Query

from threadline.api import cursors
from threadline.api.services import ApiServices, Services
from threadline.api.threads import fact_row
from threadline.errors import LogUnavailable, NotFound
from threadline.model.entries import Position
from threadline.store.telemetry import identity as identity_store
from threadline.store.telemetry import sources as source_store
from threadline.store.telemetry import threads as thread_store
from threadline.wire import DeadLetter, FactDetail, Page, RawInput, SourceRow

ORPHANS_OVER = timedelta(days=7)  # older ones cost a walk through the whole store
_IDENTIFIER = ("object_type", "namespace", "value")

router = APIRouter(tags=["sources"])


@router.get("/sources")
def sources(services: Services) -> Page[SourceRow]:
    """One row per source that has ever sent anything."""
    now = services.clock.now()
    silent = set(services.silent_systems(now))
    counted = identity_store.orphans(services.telemetry, now - ORPHANS_OVER, now)
    orphans = dict(counted.select("source", "orphans").iter_rows())
    return Page(
        items=[
            _source(services, {**row, "orphans": orphans.get(row["source"], 0)}, silent)
            for row in source_store.sources(services.telemetry).to_dicts()
        ]
    )


@router.get("/dead-letters")
def dead_letters(
    services: Services,
    source: str = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: str | None = None,
) -> Page[DeadLetter]:
    """What could not be understood, newest first."""
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
    return Page(items=[_letter(row) for row in found[:limit]], next=following)


@router.get("/facts/{fact_id}")
def fact(services: Services, fact_id: str) -> FactDetail:
    """One fact as it was understood, and the input it came in, as received."""
    versions = thread_store.versions_of(services.telemetry, fact_id)
    if versions.is_empty():
        raise NotFound("fact", fact_id)
    said = thread_store.mentioned_by(services.telemetry, fact_id)
    kept = pl.col("content_hash").is_in(said["content_hash"].implode())
    shown = (versions.filter(kept) if said.height else versions).row(0, named=True)
    names = [":".join(name) for name in said.select(_IDENTIFIER).iter_rows()]
    how = said["how"][0] if said.height else "shared"
    raw, missing = _raw(services, Position(partition=shown["partition"], offset=shown["offset"]))
    return FactDetail(
        fact=fact_row({**shown, "how": how, "objects": names}),
        attributes=json.loads(shown["attributes"] or "{}"),
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


def _letter(row: dict[str, Any]) -> DeadLetter:
    position = f"{row.pop('partition')}-{row.pop('offset')}"
    return DeadLetter(position=position, **row)


def _raw(services: ApiServices, position: Position) -> tuple[RawInput | None, str]:
    try:
        entry = services.log.entry(position)
    except (NotFound, LogUnavailable) as error:
        return None, str(error)
    text = None if entry.content_encoding else _text(entry.body)
    raw = RawInput(
        position=f"{position.partition}-{position.offset}",
        kind=entry.kind,
        source=entry.source,
        content_type=entry.content_type,
        content_encoding=entry.content_encoding,
        headers=dict(entry.headers),
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
