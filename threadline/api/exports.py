"""Event logs for process mining, as files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from os import fstat
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from collector.exports import ocel_json, ocel_sqlite, ocel_xml, xes
from collector.exports.gathering import Gathering
from collector.exports.logs import Log
from collector.exports.restoring import restore
from threadline.api.access import requires
from threadline.api.contracts import root_of
from threadline.api.problems import Refusal
from threadline.api.services import ApiServices, ServicesAsOf
from threadline.errors import NotFound
from threadline.model.people import Permission
from threadline.store.telemetry import event_logs
from threadline.store.telemetry.alive import NEVER
from threadline.store.telemetry.tenures import ALWAYS

Format = Literal["jsonocel", "xmlocel", "sqlite", "xes", "xes.gz"]
WRITERS: Mapping[Format, Callable[[Log, Path], None]] = {
    "jsonocel": ocel_json.write,
    "xmlocel": ocel_xml.write,
    "sqlite": ocel_sqlite.write,
    "xes": xes.write,
    "xes.gz": xes.write_compressed,
}
_MEDIA: Mapping[Format, str] = {
    "jsonocel": "application/json",
    "xmlocel": "application/xml",
    "sqlite": "application/vnd.sqlite3",
    "xes": "application/xml",
    "xes.gz": "application/gzip",
}
_CHUNK = 1 << 18
_AT_ONCE = 200  # contracts

router = APIRouter(prefix="/exports", tags=["exports"], dependencies=[requires(Permission.FACTS)])


@router.get("/{format}", response_class=StreamingResponse)
def export(
    services: ServicesAsOf,
    format: Format,  # noqa: A002  # what the path calls it
    journey: Annotated[str, Query(description="contracts with a case of it")] = "",
    since: Annotated[
        AwareDatetime, Query(alias="from", description="… that started then or later")
    ] = ALWAYS,
    until: Annotated[AwareDatetime, Query(alias="to", description="… and before then")] = NEVER,
    contract: Annotated[str, Query(description="only this one, by any of its ids")] = "",
    log: Annotated[
        str, Query(description="instead, the event log that was imported as this source")
    ] = "",
) -> StreamingResponse:
    """All facts of the contracts asked for: OCEL 2.0 as JSON, XML or SQLite, or XES.

    In XES every contract is a trace; in OCEL what speaks of several contracts is one event.
    Contracts are whole or not there: `from` and `to` choose them by when their cases started. Facts
    without a time are left out; `Threadline-Untimed` counts them. Every export is audited.

    `log` gives back, as OCEL, what an import sent, with the ids, types and names of its file.
    """
    if journey and journey not in services.definitions.journeys:
        raise NotFound("journey", journey)
    if log and (format.startswith("xes") or journey or contract):
        detail = "log: an imported log is exported whole, and as OCEL: it may have no cases"
        raise Refusal(422, detail, title="The request breaks a rule")
    roots = [] if log else event_logs.roots(services.telemetry, journey, since, until)
    if contract:
        roots = [root for root in (root_of(services, contract),) if root in roots]
    services.audit.record(
        services.asker.who,
        "facts.export",
        by=services.asker.subject,
        format=format,
        contract=contract,
        journey=journey,
        log=log,
        contracts=len(roots),
        **{"from": since.isoformat(), "to": until.isoformat()},
    )
    return _answer(services, format, roots, log)


def _answer(
    services: ApiServices, kind: Format, roots: list[str], source: str
) -> StreamingResponse:
    directory = Path(mkdtemp(prefix="threadline-export-"))
    try:
        file = directory / f"threadline.{kind}"
        log = Log(directory=directory)
        if source:
            restore(services.telemetry, source, log, services.redaction.applied)
            if not log.objects + log.events + log.untimed:
                raise NotFound("imported event log", source)
        else:
            _gather(services, log, roots, by_contract=kind.startswith("xes"))
        WRITERS[kind](log, file)
        log.close()
        content = file.open("rb")  # it can be read to its end though its name is gone
    finally:
        shutil.rmtree(directory)
    counts = {"Contracts": len(roots), "Events": log.events, "Objects": log.objects}
    counts |= {"Untimed": log.untimed}
    headers = {f"Threadline-{name}": str(count) for name, count in counts.items()}
    headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    headers["Content-Length"] = str(fstat(content.fileno()).st_size)
    chunks = iter(partial(content.read, _CHUNK), b"")
    return StreamingResponse(chunks, media_type=_MEDIA[kind], headers=headers)


def _gather(services: ApiServices, log: Log, roots: list[str], *, by_contract: bool) -> None:
    redaction = services.redaction
    gathering = Gathering(
        services.telemetry, log, redaction.applied, redaction.hides, by_contract=by_contract
    )
    for first in range(0, len(roots), _AT_ONCE):
        gathering.add(roots[first : first + _AT_ONCE])
    gathering.close()
