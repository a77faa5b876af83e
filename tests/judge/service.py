"""A fresh service in this process whose clock stands until it is moved: the judge plays into it.

Intake over HTTP and gRPC, log, derivation, alerting and API are the real ones, on loopback. Only
the scheduler is missing: `drain` and `evaluate` are called where it would have called them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import grpc
import httpx
from judge.escalating import DEFINITIONS
from judge.tape import Delivery
from prometheus_client import CollectorRegistry

from alerts.service import AlertsService
from collector.imports import BATCH_TYPE, import_file
from collector.intake import grpc as grpc_intake
from collector.intake import http as http_intake
from collector.intake.counts import IntakeCounts
from threadline import activation, evaluation
from threadline.access import Gate, TokenBook
from threadline.access.denials import Denials
from threadline.activation import Active
from threadline.api import ApiServices, create_api
from threadline.api.services import View
from threadline.clock import FixedClock
from threadline.instruments import PipelineInstruments
from threadline.pipeline import Pipeline
from threadline.promises import Promises
from threadline.serving import listen, serve_http
from threadline.settings import (
    AlertsSettings,
    AsOfSettings,
    ControlSettings,
    IntakeSettings,
    LogSettings,
    PipelineSettings,
    Settings,
)
from threadline.store.control import ControlStore
from threadline.store.log import Log
from threadline.store.telemetry import Telemetry
from threadline.views import Views

# What is owed to it is compared; nothing is delivered to it, as if it never answered.
PAGED = "http://127.0.0.1/paged"
HEARS = "default/log"  # is told all that is due, whenever the judge has looked
AT_ONCE = 500
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@dataclass(kw_only=True)
class JudgedService:
    """The parts that a judge moves and reads."""

    clock: FixedClock
    log: Log
    telemetry: Telemetry
    control: ControlStore
    pipeline: Pipeline
    alerts: AlertsService
    promises: Promises
    http: str
    api: httpx.Client
    _intake: httpx.Client
    _channel: grpc.Channel

    def deliver(self, deliveries: Iterable[Delivery]) -> None:
        """Send each at its instant; raises what a sender would see when one is not accepted."""
        for delivery in deliveries:
            self.clock.move_to(delivery.at)
            self.send(delivery)

    def send(self, delivery: Delivery) -> None:
        """Send one as it was recorded, whatever the clock says."""
        if delivery.channel == "traces-grpc":
            self._channel.unary_unary(EXPORT)(delivery.body, timeout=60)
        elif delivery.channel == "file":
            assert delivery.file is not None
            assert delivery.mapping is not None
            import_file(delivery.file, delivery.mapping, self._post_batch)
        else:
            path = "/v1/traces" if delivery.channel == "traces-http" else "/v1/events"
            self._post(path, delivery.body, delivery.headers)

    def drain(self) -> None:
        """Derive all that the log holds."""
        while self.pipeline.step():
            pass

    def evaluate(self, now: datetime) -> None:
        """What the scheduler would do at `now`: derive, judge deadlines, escalate."""
        self.clock.move_to(now)
        self.drain()
        evaluation.evaluate(self.alerts, self.promises, self.pipeline)
        self.alerts.escalate(now)

    def hear(self, now: datetime) -> None:
        """Let `HEARS` be told all that is due at `now`, by the outbox alone."""
        outbox, until = self.control.outbox, now + timedelta(minutes=1)
        while claims := outbox.claim(
            now, receiver=HEARS, owner="judge", lease_until=until, most=AT_ONCE
        ):
            outbox.delivered(claims, now, message=claims[0].notification.key)

    def _post_batch(self, body: bytes) -> None:
        self._post("/v1/events", body, {"content-type": BATCH_TYPE})

    def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        self._intake.post(path, content=body, headers=headers).raise_for_status()


@contextmanager
def fresh_service(
    directory: Path, telemetry: Telemetry, at: datetime, batch_entries: int = 20_000
) -> Iterator[JudgedService]:
    """A service over `telemetry`, emptied first; its log and control store in `directory`."""
    telemetry.reset()
    clock = FixedClock(at)
    paged = AlertsSettings(webhook_url=PAGED)
    settings = Settings(data_dir=directory, definitions_dir=DEFINITIONS, alerts=paged)
    active = activation.load(settings)
    with ExitStack() as stack:
        log = Log.open(LogSettings(dir=directory / "log"), clock)
        stack.callback(log.close)
        control = ControlStore.open(ControlSettings(path=directory / "control.sqlite"), clock)
        stack.callback(control.close)
        control.migrate()
        activation.activate(active, control)
        pipeline = Pipeline(
            log=log,
            telemetry=telemetry,
            control=control,
            derivation=active.derivation,
            clock=clock,
            settings=PipelineSettings(batch_entries=batch_entries),
            instruments=PipelineInstruments(CollectorRegistry()),
        )
        alerts = AlertsService(
            control, active.policies, clock, briefing=active.briefing, links=lambda _: {}
        )
        stack.callback(alerts.close)
        views = Views(log, control, _beside(telemetry, settings), clock, pipeline.status)
        stack.callback(views.close)
        services = _services(active, log, telemetry, control, pipeline, alerts, clock, views.at)
        http, rpc, api = stack.enter_context(_served(log, clock, services))
        yield JudgedService(
            clock=clock,
            log=log,
            telemetry=telemetry,
            control=control,
            pipeline=pipeline,
            alerts=alerts,
            promises=Promises(telemetry),
            http=http,
            api=stack.enter_context(httpx.Client(base_url=api, timeout=120)),
            _intake=stack.enter_context(httpx.Client(base_url=http, timeout=120)),
            _channel=stack.enter_context(grpc.insecure_channel(rpc)),
        )


def _beside(telemetry: Telemetry, settings: Settings) -> Settings:
    """Settings whose views of the past lie beside `telemetry`; a question waits for them."""
    waits = AsOfSettings(wait_seconds=60)
    return settings.model_copy(update={"telemetry": telemetry._settings, "as_of": waits})


def _services(
    active: Active,
    log: Log,
    telemetry: Telemetry,
    control: ControlStore,
    pipeline: Pipeline,
    alerts: AlertsService,
    clock: FixedClock,
    view: Callable[[datetime], View],
) -> ApiServices:
    def silent(now: datetime) -> Collection[str]:
        return evaluation.Hearing(telemetry, clock).silent(active.derivation.mapping, now)

    return ApiServices(
        telemetry=telemetry,
        definitions=active.derivation.definitions,
        mapping=active.derivation.mapping,
        alerts=alerts,
        rulings=control.rulings,
        gate=Gate(TokenBook(control, clock), None, required=False),
        audit=control.audit,
        closes=control.closes,
        silences=control.silences,
        overrides=control.overrides,
        activations=control.definitions,
        denials=Denials(control.audit, clock),
        redact={},
        view=view,
        log=log,
        clock=clock,
        status=pipeline.status,
        rebuilding=lambda: pipeline.status().rebuilding,
        alerting_waits=lambda: "",
        evaluator=lambda: "",
        silent_systems=silent,
        registry=CollectorRegistry(),
    )


@contextmanager
def _served(log: Log, clock: FixedClock, services: ApiServices) -> Iterator[tuple[str, str, str]]:
    """Intake over HTTP and gRPC, and the API, in a thread of their own; their addresses."""
    started: list[tuple[str, str, str]] = []
    loop = asyncio.new_event_loop()
    over = asyncio.Event()
    up = threading.Event()

    async def run() -> None:
        async with _listening(log, clock, services) as addresses:
            started.append(addresses)
            up.set()
            await over.wait()

    def work() -> None:
        try:
            loop.run_until_complete(run())
        finally:
            up.set()
            loop.close()

    thread = threading.Thread(target=work, name="judged-service")
    thread.start()
    up.wait()
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


@asynccontextmanager
async def _listening(
    log: Log, clock: FixedClock, services: ApiServices
) -> AsyncIterator[tuple[str, str, str]]:
    counts = IntakeCounts(CollectorRegistry())
    settings = IntakeSettings(grpc="127.0.0.1:0")
    async with AsyncExitStack() as stack:
        rpc = await grpc_intake.serve(log, settings, clock=clock, counts=counts)
        stack.push_async_callback(rpc.stop, 1)
        addresses = []
        intake = http_intake.create_app(log, settings, clock=clock, counts=counts)
        for app in (intake, create_api(services)):
            bound = listen("127.0.0.1:0", "a judged service", "intake.http")
            addresses.append(f"http://127.0.0.1:{bound.getsockname()[1]}")
            await stack.enter_async_context(serve_http(app, bound))
        yield addresses[0], f"127.0.0.1:{rpc.port}", addresses[1]
