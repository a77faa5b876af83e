"""Judging deadlines and delivering what is owed, again and again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler

from alerts.service import AlertsService
from collector.mapping import Mapping as SourceMapping
from collector.silence import silent_systems
from threadline.clock import Clock
from threadline.errors import ThreadlineError
from threadline.pipeline import Pipeline, Status
from threadline.settings import AlertsSettings
from threadline.store.telemetry import Telemetry, deadlines, failing, sources

logger = logging.getLogger(__name__)

_HEARD_FOR = 5  # seconds
MANY = 2_000  # entries of the log waiting: far behind, however lately they came


class Evaluation:
    """Judges deadlines turn by turn.

    While the derivation is far behind, cases are known by half: a promise whose keeping still waits
    to be read would be called late by the thousand. So a turn waits then, though never for longer
    than `settings.wait_at_most_seconds`: who cannot keep up shall not mute alerts. `waiting` says
    so; '' when it does not wait.
    """

    def __init__(
        self,
        alerts: Callable[[], AlertsService],
        telemetry: Telemetry,
        pipeline: Pipeline,
        clock: Clock,
        settings: AlertsSettings,
    ) -> None:
        self._alerts, self._telemetry, self._pipeline = alerts, telemetry, pipeline
        self._clock, self._settings = clock, settings
        self._busy = threading.Lock()
        self._ended, self._took = clock.monotonic(), 0.0
        self.waiting = ""

    def turn(self) -> bool:
        """Evaluate if it is time; whether it did. A turn never begins while another one lasts, nor
        sooner after it than it lasted, so that deriving gets its half of the machine.
        """
        if not self._busy.acquire(blocking=False):
            return False
        try:
            self._wait_if_far_behind(self._pipeline.status())
            if self.waiting or self._clock.monotonic() - self._ended < self._took:
                return False
            begun = self._clock.monotonic()
            evaluate(self._alerts(), self._telemetry, self._pipeline)
            self._ended = self._clock.monotonic()
            self._took = self._ended - begun
            return True
        finally:
            self._busy.release()

    def _wait_if_far_behind(self, status: Status) -> None:
        behind = status.lag.total_seconds()
        far = behind > self._settings.wait_seconds or status.entries_behind > MANY
        long = self._clock.monotonic() - self._ended > self._settings.wait_at_most_seconds
        was = self.waiting
        self.waiting = ""
        if far and not long:
            inputs = f"{status.entries_behind:,} inputs"
            self.waiting = f"{inputs} wait to be derived, the oldest for {behind:.0f} s"
        if bool(was) != bool(self.waiting):
            logger.info("deadlines %s", f"wait: {self.waiting}" if self.waiting else "are judged")


def schedule(
    evaluation: Evaluation, deliver: Callable[[], object], settings: AlertsSettings
) -> BackgroundScheduler:
    """A started scheduler; `shutdown()` waits for the work at hand."""
    scheduler = BackgroundScheduler(timezone=UTC)

    def every(seconds: float, work: Callable[[], None]) -> None:
        scheduler.add_job(work, "interval", seconds=seconds, max_instances=1, coalesce=True)

    every(settings.evaluate_seconds, lambda: _said(evaluation.turn))
    every(settings.deliver_seconds, lambda: _said(deliver))
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
