"""Judging deadlines and delivering what is owed, again and again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler

from alerts.service import AlertsService
from collector.silence import silent_systems
from threadline.activation import Active
from threadline.clock import Clock
from threadline.errors import ThreadlineError
from threadline.pipeline import Pipeline
from threadline.settings import AlertsSettings
from threadline.store.telemetry import Telemetry, deadlines, failing, sources

logger = logging.getLogger(__name__)


def schedule(
    alerts: Callable[[], AlertsService],
    telemetry: Telemetry,
    pipeline: Pipeline,
    clock: Clock,
    settings: AlertsSettings,
) -> BackgroundScheduler:
    """A started scheduler; `shutdown()` waits for the work at hand."""
    scheduler = BackgroundScheduler(timezone=UTC)

    def every(seconds: float, work: Callable[[], None]) -> None:
        scheduler.add_job(work, "interval", seconds=seconds, max_instances=1, coalesce=True)

    every(
        settings.evaluate_seconds,
        lambda: _said(lambda: evaluate(alerts(), telemetry, pipeline)),
    )
    every(settings.deliver_seconds, lambda: _said(lambda: alerts().deliver(clock.now())))
    scheduler.start()
    return scheduler


def evaluate(alerts: AlertsService, telemetry: Telemetry, pipeline: Pipeline) -> None:
    """Bring incidents in line with the cases, as of what is derived.

    While the index is rebuilt nothing is judged: cases that are not derived yet are not gone.
    """
    status = pipeline.status()
    if status.rebuilding:
        return
    watched = alerts.watched()
    today = deadlines.resolutions(telemetry, watched)  # identifiers outlive what they resolve to
    cases = deadlines.passed(telemetry, status.watermark, {*watched, *today.values()})
    alerts.evaluate(cases, status.watermark, today=today, failing=failing.steps(telemetry))


def silent(telemetry: Telemetry, active: Active, now: datetime) -> Collection[str]:
    """The systems not heard of within their cadence at `now`."""
    heard = {
        row["system"]: row["last_received_at"]
        for row in sources.systems(telemetry).iter_rows(named=True)
    }
    return silent_systems(heard, active.derivation.mapping, now)


def _said(work: Callable[[], object]) -> None:
    try:
        work()
    except ThreadlineError as error:
        logger.warning("alerting waits: %s", error)
