"""The threads of alerting: who judges, judging, and delivering what is owed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from prometheus_client import CollectorRegistry

from alerts.service import AlertsService
from threadline.clock import Clock
from threadline.evaluation import Evaluation, Seen
from threadline.instruments import AlertsInstruments
from threadline.leading import Leading
from threadline.pipeline import Pipeline
from threadline.promises import Marks, Promises
from threadline.recurring import Recurring
from threadline.settings import AlertsSettings
from threadline.store.control import ControlStore
from threadline.store.telemetry import Telemetry

_COURIERS = 2  # so that one slow receiver does not keep every other one waiting
_OLDEST_EVERY = 5.0  # seconds


class Alerting:
    """One of several services judges and escalates, all deliver.

    Judging is woken by whatever was derived and by the next promise that passes, delivering by
    whatever judging owes; what other services owe is looked for every `deliver_seconds`.
    """

    def __init__(
        self,
        alerts: Callable[[], AlertsService],
        telemetry: Telemetry,
        pipeline: Pipeline,
        control: ControlStore,
        clock: Clock,
        settings: AlertsSettings,
        registry: CollectorRegistry,
        marks: Callable[[], Marks | None],
        readings: Seen,
    ) -> None:
        """`marks` are those that the rules of `alerts` name, `readings` what was seen lately of the
        figures, the silence and the growth that they watch.
        """
        self._alerts, self._clock = alerts, clock
        self.leading = Leading(control.leases, clock, settings.lease_seconds)
        self.evaluation = Evaluation(
            alerts,
            Promises(telemetry),
            pipeline,
            clock,
            settings,
            lambda: self.leading.leads,
            marks,
            readings,
        )
        self._owed_since: datetime | None = None
        self._looked = float("-inf")
        self._instruments = AlertsInstruments(
            registry,
            lag=self.evaluation.lag,
            leads=lambda: self.leading.leads,
            oldest=self._oldest,
        )
        self._asking = Recurring("evaluator-lease", self._ask, lambda: self.leading.every)
        self._judging = Recurring("evaluator", self._judge, self.evaluation.due_in)
        self._delivering = Recurring(
            "courier", self._deliver, lambda: settings.deliver_seconds, threads=_COURIERS
        )

    def wake(self) -> None:
        """Something was derived."""
        self._judging.wake()

    @contextmanager
    def running(self) -> Iterator[None]:
        """All threads run until the block ends; then another service takes over at once."""
        threads = (self._asking, self._judging, self._delivering)
        for each in threads:
            each.start()
        try:
            yield
        finally:
            for each in reversed(threads):
                each.stop()
            self.leading.let_go()

    def _ask(self) -> None:
        led = self.leading.leads
        self.leading.ask()
        if self.leading.leads and not led:
            self._judging.wake()

    def _judge(self) -> None:
        begun = self._clock.monotonic()
        counts = self.evaluation.turn()
        if counts is not None:
            self._instruments.evaluation_seconds.observe(self._clock.monotonic() - begun)
        escalated = self.leading.leads and self._alerts().escalate(self._clock.now())
        if counts or escalated:
            self._delivering.wake()

    def _deliver(self) -> None:
        alerts = self._alerts()
        for outcome, count in alerts.send(self._clock.now()).items():
            self._instruments.deliveries.labels(outcome=outcome).inc(count)
        if self._clock.monotonic() - self._looked >= _OLDEST_EVERY:
            self._looked = self._clock.monotonic()
            self._owed_since = alerts.owed_since()

    def _oldest(self) -> float:
        since = self._owed_since
        # What waits for its time is owed from then on.
        return max(0.0, (self._clock.now() - since).total_seconds()) if since else math.nan
