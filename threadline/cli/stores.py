"""Definitions and stores: check, import, rebuild, migrate."""

from __future__ import annotations

import argparse

import httpx
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from collector.imports import BATCH_TYPE, ImportReport, RowsReport, import_file
from collector.mapping import Mapping
from collector.mapping.explanation import explain, warnings
from threadline import activation
from threadline import settings as settings_module
from threadline.access.gate import SOURCE_HEADER
from threadline.cli.clients import client, remedy
from threadline.cli.outcomes import DONE, NO, Away
from threadline.clock import SystemClock
from threadline.errors import DefinitionErrors, ThreadlineError
from threadline.rebuilding import rebuild as rebuild_index
from threadline.store.control import ControlStore

console = Console()
complaints = Console(stderr=True)


def check(arguments: argparse.Namespace) -> int:
    """Settings and definitions, each fault on a line of its own."""
    settings = settings_module.load(arguments.settings)
    try:
        active = activation.load(settings)
    except DefinitionErrors as errors:
        for error in errors.errors:
            complaints.print(str(error), markup=False, soft_wrap=True)
        complaints.print(f"{len(errors.errors)} fault(s): the service would not start")
        return NO
    derivation = active.derivation
    console.print(
        f"settings and definitions are sound: {len(derivation.mapping.objects)} object types,"
        f" {len(derivation.mapping.sources)} sources,"
        f" {len(derivation.definitions.journeys)} journeys,"
        f" {len(derivation.definitions.kpis)} KPIs, {len(active.policies.escalations)} policies"
    )
    console.print(_identity(derivation.mapping))
    for source in derivation.mapping.sources:
        if source.senders:
            senders = ", ".join(sorted(source.senders))
            console.print(f"only {senders} may speak for {source.system}", markup=False)
    for warning in warnings(derivation.mapping):
        complaints.print(f"warning: {warning}", markup=False, soft_wrap=True)
    return DONE


def _identity(mapping: Mapping) -> Table:
    """What names what, and what it belongs to."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for head in ("Object", "Belongs to", "System of record", "Named by"):
        table.add_column(head, overflow="fold")
    for one in explain(mapping):
        owners = " or ".join(one.belongs_to) or "it is a root"
        tied = owners if one.links else "never tied"
        tied += f" ({one.validity})" if one.validity else ""
        table.add_row(one.object_type, tied, one.master, ", ".join(one.names))
    return table


def import_log(arguments: argparse.Namespace) -> int:
    """An event log or a CSV file, sent as CloudEvents to the running service.

    Rows that could not be sent are named, each with what mends it, and make the answer no.
    """
    settings = settings_module.load(arguments.settings)
    address = arguments.intake or settings.intake.http
    url = f"{settings.tls.scheme}://{address}/v1/events"
    source = {SOURCE_HEADER: arguments.source} if arguments.source else {}
    headers = {"content-type": BATCH_TYPE, **source}
    with client(settings, 60) as http, Progress(console=complaints) as progress:
        task = progress.add_task(f"importing {arguments.file.name}", total=None)

        def post(body: bytes) -> None:
            answer = http.post(url, content=body, headers=headers)
            if answer.is_error:
                what = f"{answer.text}{remedy(answer.status_code)}"
                raise ThreadlineError(f"the intake refused a batch: {what}")

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        try:
            report = import_file(arguments.file, arguments.mapping, post, show)
        except httpx.HTTPError as error:
            message = f"the intake at {url} does not answer ({error}): is the service up?"
            raise Away(message) from error
    if isinstance(report, ImportReport):
        console.print(_imported(report))
        return DONE
    return _imported_rows(report)


def rebuild(arguments: argparse.Namespace) -> int:
    """Everything derived anew, and held against what was there."""
    settings = settings_module.load(arguments.settings)
    with Progress(console=complaints) as progress:
        task = progress.add_task("deriving anew from the log", total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        report = rebuild_index(settings, SystemClock(), show)
    for table, rows in report.rows.items():
        mark = "equal" if table not in report.different else "DIFFERENT"
        console.print(f"{table:<12} {rows:>10,} rows  {mark}", markup=False)
    if report.different:
        complaints.print("the index held something else before: " + ", ".join(report.different))
        return NO
    return DONE


def migrate(arguments: argparse.Namespace) -> int:
    """The control store at this version's schema."""
    store = ControlStore.open(settings_module.load(arguments.settings).control, SystemClock())
    try:
        console.print(f"the control store is at revision {store.migrate()}")
    finally:
        store.close()
    return DONE


def _imported_rows(report: RowsReport) -> int:
    for complaint in report.complaints:
        place = f"{report.file}:{complaint.line}: {complaint.column or '(row)'}"
        sent = "sent without a time" if complaint.sent else "not sent"
        complaints.print(f"{place}: {complaint.rule} ({sent})", markup=False, soft_wrap=True)
    undated = len(report.complaints) - report.refused
    console.print(
        f"{report.posted:,} of {report.rows:,} rows sent; {undated:,} without a time;"
        f" {report.refused:,} not sent"
    )
    return NO if report.refused else DONE


def _imported(report: ImportReport) -> str:
    empty = ", ".join(report.empty_event_types) or "none"
    return (
        f"{report.posted:,} CloudEvents sent for {report.events:,} events and"
        f" {report.objects:,} objects: {report.event_objects:,} event-object and"
        f" {report.object_objects:,} object-object relations\n"
        f"event types without events: {empty}; objects without an owner: {report.unowned};"
        f" with several: {report.disputed}"
    )
