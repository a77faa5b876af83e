"""What the commands do, apart from `demo`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from rich.console import Console
from rich.progress import Progress

from collector.imports import BATCH_TYPE, ImportReport, import_file
from threadline import activation, app, terminal, wire
from threadline import settings as settings_module
from threadline.clock import SystemClock
from threadline.errors import DefinitionErrors, ThreadlineError
from threadline.rebuilding import rebuild as rebuild_index
from threadline.serving import require_free
from threadline.settings import Settings, host_and_port
from threadline.store.control import ControlStore

DONE, NO, AWAY = 0, 1, 3
DASHBOARDS = Path(__file__).parents[2] / "dashboards" / "app.py"

console = Console()
complaints = Console(stderr=True)


def up(arguments: argparse.Namespace) -> int:
    """The service and the dashboards, ended together."""
    settings = _settings(arguments)
    require_free(settings)
    with dashboards_beside(settings):
        return _serve(settings, f"dashboards  http://{settings.dashboards.listen}")


def serve(arguments: argparse.Namespace) -> int:
    """The service alone."""
    return _serve(_settings(arguments))


def dashboards(arguments: argparse.Namespace) -> int:
    """The dashboards alone, until they are stopped."""
    settings = _settings(arguments)
    return subprocess.run(
        _streamlit(settings), env=_dashboards_environment(settings), check=False
    ).returncode


def check(arguments: argparse.Namespace) -> int:
    """Settings and definitions, each fault on a line of its own."""
    settings = _settings(arguments)
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
    return DONE


def trace(arguments: argparse.Namespace) -> int:
    """A contract's thread."""
    answer = _ask(arguments, f"/contracts/{quote(arguments.id, safe='')}", {})
    if answer.is_error:
        complaints.print(terminal.problem(wire.Problem.model_validate(answer.json())))
        return NO
    if arguments.json:
        print(answer.text)
    else:
        console.print(terminal.thread(wire.Thread.model_validate(answer.json())))
    return DONE


def kpis(arguments: argparse.Namespace) -> int:
    """The KPIs of a window that ends now."""
    since = SystemClock().now() - timedelta(days=arguments.days)
    asked = {"from": since.isoformat()} | (
        {"journey": arguments.journey} if arguments.journey else {}
    )
    answer = _ask(arguments, "/kpis", asked)
    if answer.is_error:
        complaints.print(terminal.problem(wire.Problem.model_validate(answer.json())))
        return NO
    if arguments.json:
        print(answer.text)
    else:
        page = wire.Page[wire.Kpi].model_validate(answer.json())
        console.print(terminal.kpis(page.items))
    return DONE


def import_log(arguments: argparse.Namespace) -> int:
    """An OCEL 2.0 SQLite log, sent as CloudEvents to the running service."""
    settings = _settings(arguments)
    url = f"http://{arguments.intake or settings.intake.http}/v1/events"
    with httpx.Client(timeout=60) as client, Progress(console=complaints) as progress:
        task = progress.add_task(f"importing {arguments.file.name}", total=None)

        def post(body: bytes) -> None:
            answer = client.post(url, content=body, headers={"content-type": BATCH_TYPE})
            if answer.is_error:
                raise ThreadlineError(f"the intake refused a batch: {answer.text}")

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        try:
            report = import_file(arguments.file, arguments.mapping, post, show)
        except httpx.HTTPError as error:
            complaints.print(f"the intake at {url} does not answer ({error}): is the service up?")
            return AWAY
    console.print(_imported(report))
    return DONE


def rebuild(arguments: argparse.Namespace) -> int:
    """Everything derived anew, and held against what was there."""
    settings = _settings(arguments)
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
    store = ControlStore.open(_settings(arguments).control, SystemClock())
    try:
        console.print(f"the control store is at revision {store.migrate()}")
    finally:
        store.close()
    return DONE


@contextmanager
def dashboards_beside(settings: Settings) -> Iterator[None]:
    """The dashboards as a process that ends with this one."""
    process = subprocess.Popen(
        _streamlit(settings), env=_dashboards_environment(settings), start_new_session=True
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _serve(settings: Settings, *more: str) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for chatty in ("apscheduler", "httpx", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)

    def ready() -> None:
        lines = [
            f"OTLP/gRPC   {settings.intake.grpc}",
            f"OTLP/HTTP, CloudEvents  http://{settings.intake.http}",
            f"API         http://{settings.api.listen}/docs",
            *more,
        ]
        print("\n".join(["Threadline is up", *lines]), flush=True)

    asyncio.run(app.serve(settings, SystemClock(), ready))
    return DONE


def _settings(arguments: argparse.Namespace) -> Settings:
    return settings_module.load(arguments.settings)


def _streamlit(settings: Settings) -> list[str]:
    host, port = host_and_port(settings.dashboards.listen)
    flags = {
        "server.address": host,
        "server.port": str(port),
        "server.headless": "true",
        "browser.gatherUsageStats": "false",
    }
    program = [sys.executable, "-m", "streamlit", "run", str(DASHBOARDS)]
    return [*program, *(f"--{name}={value}" for name, value in flags.items())]


def _dashboards_environment(settings: Settings) -> Mapping[str, str]:
    return os.environ | {"THREADLINE_API_URL": f"http://{settings.api.listen}"}


def _ask(arguments: argparse.Namespace, path: str, asked: Mapping[str, Any]) -> httpx.Response:
    address = arguments.api or f"http://{_settings(arguments).api.listen}"
    try:
        return httpx.get(f"{address}/api/v1{path}", params=dict(asked), timeout=30)
    except httpx.HTTPError as error:
        raise Away(f"the API at {address} does not answer ({error}): is the service up?") from error


class Away(ThreadlineError):
    """A service that is needed does not answer."""


def _imported(report: ImportReport) -> str:
    empty = ", ".join(report.empty_event_types) or "none"
    return (
        f"{report.posted:,} CloudEvents sent for {report.events:,} events and"
        f" {report.objects:,} objects: {report.event_objects:,} event-object and"
        f" {report.object_objects:,} object-object relations\n"
        f"event types without events: {empty}; objects without an owner: {report.unowned};"
        f" with several: {report.disputed}"
    )
