"""Definitions and stores: check, import, rebuild, migrate."""

from __future__ import annotations

import argparse

import httpx
from rich.console import Console
from rich.progress import Progress

from collector.imports import BATCH_TYPE, ImportReport, RowsReport, import_file
from threadline import settings as settings_module
from threadline.access.gate import SOURCE_HEADER
from threadline.cli.clients import client, remedy
from threadline.cli.outcomes import DONE, NO, Away
from threadline.clock import SystemClock
from threadline.errors import ThreadlineError
from threadline.rebuilding import rebuild as rebuild_index
from threadline.store.control import ControlStore

console = Console()
complaints = Console(stderr=True)


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
