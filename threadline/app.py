"""The composition root: builds every part, registers its clean-up the moment it exists, runs it."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlencode

from apscheduler.schedulers.background import BackgroundScheduler
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from alerts.service import AlertsService
from collector.intake import grpc as grpc_intake
from collector.intake import http as http_intake
from collector.intake.counts import IntakeCounts
from collector.intake.senders import known_to
from metrics.kpis import FirmCalendar
from threadline import activation, closing_day, keeping
from threadline.access import TokenBook, admitted
from threadline.access.acknowledging import AcknowledgeLinks
from threadline.access.denials import Denials
from threadline.access.link_key import link_key
from threadline.activation import Active
from threadline.alerting import Alerting
from threadline.api import ApiServices, create_api
from threadline.api.answers import Answers
from threadline.clock import Clock
from threadline.erasing import Erasing
from threadline.errors import ThreadlineError
from threadline.evaluation import Hearing
from threadline.exposure import REFRESH_SECONDS, Exposed
from threadline.forgetting import Forgetting, rewritten
from threadline.instruments import PipelineInstruments
from threadline.keeping import Keeper
from threadline.marks import marking
from threadline.model.incidents import Incident
from threadline.on_call import OnCall
from threadline.pipeline import Pipeline
from threadline.readings import LOOK_SECONDS, Readings
from threadline.serving import listen, serve_http
from threadline.settings import Settings
from threadline.store.control import ControlStore
from threadline.store.control.leases import Lease
from threadline.store.log import Log
from threadline.store.telemetry import Telemetry, databases
from threadline.store.telemetry.alive import Alive
from threadline.summaries.post import mailer
from threadline.summaries.service import LOOK_SECONDS as SUMMARIES_SECONDS
from threadline.summaries.service import Summaries
from threadline.summaries.writing import Office
from threadline.views import Views

logger = logging.getLogger(__name__)

GRPC_GRACE_SECONDS = 10
# Identity holds millions of tuples that never form cycles; looking through them for some at the
# usual pace took a third of its time.
GARBAGE_THRESHOLDS = (100_000, 20, 50)


async def serve(settings: Settings, clock: Clock, ready: Callable[[], None] = lambda: None) -> None:
    """Run the service until SIGTERM or SIGINT; SIGHUP takes up changed definitions.

    `ready` is called once everything answers. Raises `ThreadlineError` when it cannot start.
    """
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    active = activation.load(settings)
    async with AsyncExitStack() as stack:
        intake_socket = listen(settings.intake.http, "intake over HTTP", "intake.http")
        stack.callback(intake_socket.close)
        api_socket = listen(settings.api.listen, "the API", "api.listen")
        stack.callback(api_socket.close)

        log = Log.open(settings.log, clock)
        stack.callback(log.close)
        control = ControlStore.open(settings.control, clock)
        stack.callback(control.close)
        control.migrate()
        active = activation.activate(active, control)
        tokens = TokenBook(control, clock)
        gate = stack.enter_context(admitted(settings, tokens, clock))
        denials = Denials(control.audit, clock)
        acknowledging = AcknowledgeLinks(
            link_key(settings.alerts),
            clock,
            address=settings.public_api_url,
            lifetime=timedelta(hours=settings.alerts.link_hours),
        )
        telemetry = Telemetry.open(settings.telemetry)
        stack.callback(telemetry.close)

        registry = _registry()

        def forget_the_past() -> None:
            views.forget()

        erasing = Erasing(
            log,
            control,
            settings,
            clock,
            derivation=lambda: pipeline.derivation,
            forget=forget_the_past,
        )
        forgetting = Forgetting(
            log,
            telemetry,
            control,
            settings,
            clock,
            derivation=lambda: pipeline.derivation,
            status=lambda: pipeline.status(),  # noqa: PLW0108  it does not exist yet
            forget_views=forget_the_past,
        )
        pipeline = Pipeline(
            log=log,
            telemetry=telemetry,
            control=control,
            derivation=active.derivation,
            clock=clock,
            settings=settings.pipeline,
            instruments=PipelineInstruments(registry),
            rewritten=lambda: rewritten(erasing.applied, forgetting.last),
            moved=lambda: alerting.wake(),  # noqa: PLW0108  it does not exist yet
        )
        hearing = Hearing(telemetry, clock)
        looks = Readings(
            lambda: api.state.services,
            lambda: api.state.services.alerts.policies,
            hearing.heard,
            clock,
        )
        alerting = Alerting(
            lambda: api.state.services.alerts,
            telemetry,
            pipeline,
            control,
            clock,
            settings.alerts,
            registry,
            lambda: marking(api.state.services.alerts.policies, api.state.services.definitions),
            looks.take,
        )
        thread = threading.Thread(target=pipeline.run, name="pipeline")
        thread.start()
        stack.callback(thread.join)
        stack.callback(pipeline.stop)

        databases.drop_views(telemetry)
        views = Views(log, control, settings, clock, pipeline.status)
        stack.callback(views.close)

        keeper = Keeper(log, control, settings, clock, registry)
        summaries = Summaries(
            settings.summaries,
            mailer(settings.smtp, clock),
            Office(
                dashboards=settings.dashboards_url,
                contact=settings.smtp.sender,
                clock=settings.reporting.zone,
            ),
            watermarks=control.watermarks,
            audit=control.audit,
            clock=clock,
            registry=registry,
        )

        alive = Alive(telemetry)

        def services(declared: Active) -> ApiServices:
            fence = alerting.leading.fence
            alerts = _alerts(declared, control, clock, settings, acknowledging, fence)
            stack.callback(alerts.close)
            answers = Answers(clock, settings.api.stale_seconds)
            stack.callback(answers.close)
            return ApiServices(
                telemetry=telemetry,
                definitions=declared.derivation.definitions,
                alerts=alerts,
                rulings=control.rulings,
                log=log,
                clock=clock,
                status=pipeline.status,
                rebuilding=lambda: pipeline.status().rebuilding,
                alerting_waits=lambda: alerting.evaluation.waiting,
                evaluator=lambda: alerting.leading.who,
                silent_systems=lambda now: hearing.silent(declared.derivation.mapping, now),
                mapping=declared.derivation.mapping,
                registry=registry,
                gate=gate,
                audit=control.audit,
                closes=control.closes,
                silences=control.silences,
                overrides=control.overrides,
                rotas=declared.rotas.by_name,
                maintenance=declared.windows.all,
                activations=control.definitions,
                denials=denials,
                redact=settings.access.redact,
                calendar=FirmCalendar(
                    clock=settings.reporting.zone,
                    fiscal_start=settings.reporting.fiscal_year_start,
                ),
                view=views.at,
                alive=alive,
                answers=answers,
                acknowledging=acknowledging,
                dashboards_url=settings.dashboards_url,
                keeper=keeper,
                erasing=erasing,
                forgetting=forgetting,
                summaries=summaries,
            )

        def reload() -> None:
            try:
                fresh = activation.activate(activation.load(settings), control)
            except ThreadlineError as error:
                logger.error(
                    "the definitions were not taken up, the last good ones stay: %s", error
                )
                return
            api.state.services = services(fresh)
            pipeline.adopt(fresh.derivation)
            logger.info("the definitions were taken up")

        api = create_api(services(active), max_body_bytes=settings.limits.body_bytes)
        exposed = Exposed(lambda: api.state.services, clock)
        registry.register(exposed)
        stack.enter_context(alerting.running())
        scheduler = BackgroundScheduler(timezone=UTC)
        scheduler.start()
        stack.callback(scheduler.shutdown)
        scheduler.add_job(
            exposed.refresh,
            "interval",
            seconds=REFRESH_SECONDS,
            max_instances=1,
            coalesce=True,
        )
        scheduler.add_job(
            tokens.refresh,
            "interval",
            seconds=settings.access.refresh_seconds,
            max_instances=1,
            coalesce=True,
        )

        scheduler.add_job(
            looks.refresh,
            "interval",
            seconds=LOOK_SECONDS,
            max_instances=1,
            coalesce=True,
        )

        keeping.schedule(scheduler, keeper)
        scheduler.add_job(
            lambda: closing_day.close_when_due(api.state.services, settings.closes),
            "interval",
            seconds=closing_day.LOOK_SECONDS,
            max_instances=1,
            coalesce=True,
        )
        keeping.finish(scheduler, erasing, forgetting)
        scheduler.add_job(
            lambda: summaries.turn(api.state.services),
            "interval",
            seconds=SUMMARIES_SECONDS,
            max_instances=1,
            coalesce=True,
        )

        counts = IntakeCounts(registry)
        room: Any = {"clock": clock, "counts": counts, "authenticate": known_to(gate)}
        intake = http_intake.create_app(erasing.intake, settings.intake, **room)
        wire: Any = {"tls": settings.tls, "limits": settings.limits}
        grpc = await grpc_intake.serve(erasing.intake, settings.intake, **room, **wire)
        stack.push_async_callback(grpc.stop, GRPC_GRACE_SECONDS)
        for served, bound in ((intake, intake_socket), (api, api_socket)):
            serving = serve_http(served, bound, only_loopback=lambda: gate.open, **wire)
            await stack.enter_async_context(serving)
        ready()
        await _until_told_to_stop(reload)


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


def _alerts(
    active: Active,
    control: ControlStore,
    clock: Clock,
    settings: Settings,
    acknowledging: AcknowledgeLinks,
    fence: Callable[[], Lease],
) -> AlertsService:
    return AlertsService(
        control,
        active.policies,
        clock,
        briefing=active.briefing,
        links=lambda incident: _links(settings.dashboards_url, incident),
        acknowledging=acknowledging.to,
        surroundings=OnCall(active, control.silences, control.overrides).surroundings,
        fence=fence,
    )


def _links(dashboards: str, incident: Incident) -> Mapping[str, str]:
    """The pages that show the incident, the contract it is about, and who waits at its hop."""
    pages = {"incident": f"{dashboards}/on-call?{urlencode({'incident': incident.id})}"}
    if incident.root_id:
        pages["contract"] = f"{dashboards}/contract?{urlencode({'id': incident.root_id})}"
    if incident.of_hop:
        hop = urlencode({"journey": incident.journey, "waiting": incident.step})
        pages["hop"] = f"{dashboards}/journeys?{hop}"
    return pages


async def _until_told_to_stop(reload: Callable[[], None]) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    await told.wait()
