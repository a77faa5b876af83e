"""Judging deadlines and delivering what is owed, again and again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler

from alerts.service import AlertsService
from collector.mapping import Mapping as SourceMapping
from collector.silence import silent_systems
from threadline.clock import Clock
from threadline.errors import ThreadlineError
from threadline.pipeline import Pipeline
from threadline.settings import AlertsSettings
from threadline.store.telemetry import Telemetry, deadlines, failing, sources

logger = logging.getLogger(__name__)

_HEARD_FOR = 5


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


class Hearing:
    """Which systems are silent, for any thread.

    What was heard is read again every `_HEARD_FOR` seconds: that takes a look at eight days of
    facts, and the shortest patience is days.
    """

    def __init__(self, telemetry: Telemetry, clock: Clock) -> None:
        self._telemetry, self._clock = telemetry, clock
        self._heard: Mapping[str, datetime] = {}
        self._until = float("-inf")

    def silent(self, mapping: SourceMapping, now: datetime) -> Collection[str]:
        """The systems not heard of within their cadence at `now`."""
        if self._clock.monotonic() >= self._until:
            heard = sources.systems(self._telemetry)
            self._heard = dict(heard.select("system", "last_received_at").iter_rows())
            self._until = self._clock.monotonic() + _HEARD_FOR
        return silent_systems(self._heard, mapping, now)


def _said(work: Callable[[], object]) -> None:
    try:
        work()
    except ThreadlineError as error:
        logger.warning("alerting waits: %s", error)
