"""Judging deadlines, turn by turn."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from alerts.service import AlertsService
from collector.mapping import Mapping as SourceMapping
from collector.silence import silent_systems
from threadline.clock import Clock
from threadline.model.readings import Reading
from threadline.pipeline import NOTHING_KNOWN, Pipeline, Status
from threadline.promises import Marks, Promises
from threadline.settings import AlertsSettings
from threadline.store.telemetry import Telemetry, sources

logger = logging.getLogger(__name__)

_HEARD_FOR = 5  # seconds
_JUST = 0.001  # seconds; a deadline is the last good instant
MANY = 2_000  # entries of the log waiting: far behind, however lately they came


Seen = Callable[[datetime], Sequence[Reading]]


def no_readings(_now: datetime) -> Sequence[Reading]:
    """Where no rule watches figures, silence or growth."""
    return ()


class Evaluation:
    """Judges deadlines turn by turn, for one thread.

    While the derivation is far behind, cases are known by half: a promise whose keeping still waits
    to be read would be called late by the thousand. So a turn waits then, though never for longer
    than `settings.wait_at_most_seconds`: who cannot keep up shall not mute alerts. `waiting` says
    so; '' when it does not wait.

    A service that does not lead keeps up with what is derived, so that it may take over at once.
    """

    def __init__(
        self,
        alerts: Callable[[], AlertsService],
        promises: Promises,
        pipeline: Pipeline,
        clock: Clock,
        settings: AlertsSettings,
        leads: Callable[[], bool],
        marks: Callable[[], Marks | None] = lambda: None,
        readings: Seen = no_readings,
    ) -> None:
        self._alerts, self._promises, self._pipeline = alerts, promises, pipeline
        self._clock, self._settings, self._leads = clock, settings, leads
        self._marks, self._readings = marks, readings
        self._ended, self._took = clock.monotonic(), 0.0
        self._skipped = False
        self._judging: AlertsService | None = None
        self._until = clock.now()
        self.waiting = ""

    def turn(self) -> Counter[str] | None:
        """Judge what has to be judged, if it is time: how many incidents changed, by named reason;
        None: it was not.

        A turn begins no sooner after another than that one lasted, so that deriving gets its half
        of the machine.
        """
        alerts = self._alerts()  # another may come meanwhile, of which nothing was taken up yet
        self._take_up(alerts)
        if not self._leads():
            self._follow()
            return None
        self._wait_if_far_behind(self._pipeline.status())
        self._skipped = self._rest() > 0
        if self.waiting or self._skipped:
            return None
        begun = self._clock.monotonic()
        counts = self._judge(alerts)
        self._ended = self._clock.monotonic()
        self._took = self._ended - begun
        return counts

    def lag(self) -> float:
        """Seconds up to now for which deadlines are not judged; NaN where they need not be."""
        behind = max((self._clock.now() - self._until).total_seconds(), 0.0)
        return behind if self._leads() else math.nan

    def due_in(self) -> float:
        """In how many seconds there will be something to judge, as far as that is foreseen."""
        usual = self._settings.evaluate_seconds
        if self._skipped:
            return min(max(self._rest(), 0.0), usual)
        now = self._clock.now()
        coming = self._promises.next_instant(max(now, self._until))
        if coming is None or self.waiting:
            return usual
        return min(max((coming - now).total_seconds() + _JUST, self._rest()), usual)

    def _take_up(self, alerts: AlertsService) -> None:
        """Go by its rules from now on."""
        if alerts is not self._judging:
            self._promises.reconsider(self._marks())
            self._judging = alerts

    def _judge(self, alerts: AlertsService) -> Counter[str]:
        counts = evaluate(alerts, self._promises, self._pipeline, self._readings)
        self._until = self._promises.judged or self._until
        return counts

    def _follow(self) -> None:
        self._ended, self._until, self.waiting = self._clock.monotonic(), self._clock.now(), ""
        if not self._pipeline.status().rebuilding:
            self._promises.follow()

    def _rest(self) -> float:
        return self._took - (self._clock.monotonic() - self._ended)

    def _wait_if_far_behind(self, status: Status) -> None:
        behind = status.lag.total_seconds()
        far = behind > self._settings.wait_seconds or status.entries_behind > MANY
        long = self._clock.monotonic() - self._ended > self._settings.wait_at_most_seconds
        was = self.waiting
        self.waiting = ""
        if far and not long:
            known = status.watermark > NOTHING_KNOWN
            oldest = f"the oldest for {behind:.0f} s" if known else "nothing has been looked at yet"
            self.waiting = f"{status.entries_behind:,} inputs wait to be derived, {oldest}"
        if bool(was) != bool(self.waiting):
            logger.info("deadlines %s", f"wait: {self.waiting}" if self.waiting else "are judged")


def evaluate(
    alerts: AlertsService, promises: Promises, pipeline: Pipeline, readings: Seen = no_readings
) -> Counter[str]:
    """Bring incidents in line with the cases, as of what is derived, and with what `readings` have
    seen lately; changes by named reason.

    While the index is rebuilt nothing is judged: cases that are not derived yet are not gone. What
    raises, or was overtaken by somebody, is judged again as a whole the next time.
    """
    status = pipeline.status()
    if status.rebuilding:
        return Counter()
    look = promises.look(status.watermark, alerts.watched())
    counts = alerts.evaluate(
        look.cases,
        look.now,
        today=look.today,
        failing=look.failing,
        late=look.late,
        readings=readings(look.now),
    )
    if not counts["behind"] and not counts["overtaken"]:
        promises.settle(look)
    return counts


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
        return silent_systems(self.heard(), mapping, now)

    def heard(self) -> Mapping[str, datetime]:
        """When each system was last heard of; those of which it is too long ago are absent."""
        if self._clock.monotonic() >= self._until:
            heard = sources.systems(self._telemetry)
            self._heard = dict(heard.select("system", "last_received_at").iter_rows())
            self._until = self._clock.monotonic() + _HEARD_FOR
        return self._heard
