"""The API's services over a handmade world: real stores, a clock that stands still."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import polars as pl
import uvicorn
from fastapi import FastAPI
from handmade_rows import NOW
from prometheus_client import CollectorRegistry

from alerts.service import AlertsService, load_policies
from collector import mapping as mappings
from metrics import definitions
from threadline.access import Gate, TokenBook
from threadline.access.acknowledging import AcknowledgeLinks
from threadline.access.denials import Denials
from threadline.api import ApiServices
from threadline.clock import FixedClock
from threadline.errors import OutOfReach
from threadline.model.entries import Entry
from threadline.model.incidents import Briefing, Incident
from threadline.sections import AccessSettings
from threadline.settings import AlertsSettings, ControlSettings, LogSettings
from threadline.store.control import ControlStore
from threadline.store.log import Log
from threadline.store.telemetry import Telemetry

LINK_KEY = b"a key that only these services know"
INPUTS = 20  # entries in the log; the handmade facts came in these, one each


@contextmanager
def services(
    telemetry: Telemetry, directory: Path, failing: pl.DataFrame | None = None
) -> Iterator[ApiServices]:
    """Incidents are those that evaluating the world's cases and the `failing` steps opens; all of
    them are delivered.
    """
    clock = FixedClock(NOW)
    with ExitStack() as stack:
        control = ControlStore.open(ControlSettings(path=directory / "control.sqlite"), clock)
        stack.callback(control.close)
        control.migrate()
        log = Log.open(LogSettings(dir=directory / "log"), clock)
        stack.callback(log.close)
        for number in range(INPUTS):
            log.append_blocking(_entry(number))
        alerts = _alerts(control, clock)
        stack.callback(alerts.close)
        cases = telemetry.query("SELECT * EXCEPT (generation, deleted) FROM cases FINAL")
        alerts.evaluate(cases, NOW, failing=failing)
        alerts.deliver(NOW)
        yield ApiServices(
            telemetry=telemetry,
            definitions=definitions.load(),
            mapping=mappings.load(),
            alerts=alerts,
            rulings=control.rulings,
            log=log,
            clock=clock,
            status=_current,
            rebuilding=lambda: "",
            alerting_waits=lambda: "",
            evaluator=lambda: "",
            silent_systems=lambda _: (),
            registry=CollectorRegistry(),
            gate=Gate(TokenBook(control, clock), None, required=False),
            audit=control.audit,
            closes=control.closes,
            silences=control.silences,
            overrides=control.overrides,
            activations=control.definitions,
            denials=Denials(control.audit, clock),
            redact=AccessSettings().redact,
            view=_no_past,
            acknowledging=AcknowledgeLinks(
                LINK_KEY, clock, address="https://threadline.example", lifetime=timedelta(hours=72)
            ),
            dashboards_url="https://dashboards.example",
        )


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """`app` on a port of its own; its address."""
    config = uvicorn.Config(app, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    bound = socket.create_server(("127.0.0.1", 0))  # listens: who asks early waits
    thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def _alerts(control: ControlStore, clock: FixedClock) -> AlertsService:
    briefing: Callable[[Incident], Briefing] = lambda one: Briefing(title=one.journey)  # noqa: E731
    return AlertsService(
        control, load_policies(AlertsSettings()), clock, briefing=briefing, links=lambda _: {}
    )


def _no_past(instant: datetime) -> NoReturn:
    raise OutOfReach(f"{instant.isoformat()}: no past is kept here")


def _current() -> SimpleNamespace:
    return SimpleNamespace(watermark=NOW, lag=timedelta(), entries_behind=0, failing=None)


def _entry(number: int) -> Entry:
    event = {"specversion": "1.0", "id": str(number), "source": "/clm", "type": "example"}
    return Entry(
        kind="cloudevents",
        source="local",
        content_type="application/cloudevents+json",
        received_at=NOW,
        body=json.dumps(event).encode(),
    )
