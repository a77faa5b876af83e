"""How long inputs are kept as received: for the retention, and as long as the disk has room."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from apscheduler.schedulers.background import BackgroundScheduler
from prometheus_client import CollectorRegistry, Gauge

from collector.keeping import reduced
from threadline.clock import Clock
from threadline.disk import GB, Forecast, Usage, measure
from threadline.errors import LogUnavailable, ThreadlineError
from threadline.sections import RetentionSettings
from threadline.settings import Settings
from threadline.store.control import ControlStore
from threadline.store.log import Dropped, Log, Segment

logger = logging.getLogger(__name__)

MEASURE_SECONDS = 60
RETAIN_SECONDS = 3_600
ITSELF = "threadline"


@dataclass(frozen=True, kw_only=True)
class Going:
    """A segment whose bodies go, and why."""

    segment: Segment
    why: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is kept, for how long and how much of it may be; `warning` is '' while there is room."""

    usage: Usage
    segments: Sequence[Segment]
    retention: RetentionSettings
    budget_bytes: int | None
    days_left: float | None
    warning: str


class Resumed(Protocol):
    """Work that may have been interrupted."""

    def resume(self) -> None: ...


class Forgets(Resumed, Protocol):
    """Work that is due from time to time."""

    def turn(self) -> None: ...


def schedule(scheduler: BackgroundScheduler, keeper: Keeper) -> None:
    """Keep house as long as `scheduler` runs."""
    for seconds, work in ((MEASURE_SECONDS, keeper.turn), (RETAIN_SECONDS, keeper.retain)):
        _every(scheduler, seconds, work)


def finish(scheduler: BackgroundScheduler, erasing: Resumed, forgetting: Forgets) -> None:
    """Finish first what an earlier process has begun, then forget from time to time."""
    for one in (erasing, forgetting):
        scheduler.add_job(_said, args=[one.resume])
    _every(scheduler, RETAIN_SECONDS, forgetting.turn)


def _every(scheduler: BackgroundScheduler, seconds: float, work: Callable[[], object]) -> None:
    times: Any = {"seconds": seconds, "max_instances": 1, "coalesce": True}
    scheduler.add_job(_said, "interval", args=[work], **times)


def _said(work: Callable[[], object]) -> None:
    try:
        work()
    except ThreadlineError as error:
        logger.warning("keeping waits: %s", error)


class Keeper:
    """Drops bodies that are older than the retention, and the oldest ones when the disk budget is
    used up; what was understood of them is sealed first and stays.

    For any thread; one turn at a time.
    """

    def __init__(
        self,
        log: Log,
        control: ControlStore,
        settings: Settings,
        clock: Clock,
        registry: CollectorRegistry,
    ) -> None:
        self._log, self._control, self._settings, self._clock = log, control, settings, clock
        self._forecast = Forecast()
        self._busy = threading.Lock()
        self.warning = ""  # as of the last turn: how full the disk is, where it is too full
        self._bytes = Gauge(
            "threadline_disk_bytes", "Disk taken, by class.", ["class"], registry=registry
        )
        budget = Gauge(
            "threadline_disk_budget_bytes", "The disk budget; 0: none.", registry=registry
        )
        budget.set(settings.disk.budget_bytes or 0)

    def turn(self) -> None:
        """Measure, and make room if more is taken than the budget allows."""
        try:
            usage = self._measured()
            if self._over(usage.total) > 0:
                self.retain()
            warning = self.standing().warning
        except (LogUnavailable, OSError) as error:
            logger.warning("the disk is not watched: %s", error)
            return
        if warning and not self.warning:
            logger.warning("%s", warning)
        self.warning = warning

    def retain(self, who: str = ITSELF) -> list[Going]:
        """Drop what is due, in the name of `who`; what was dropped.

        Raises `LogUnavailable`; what was dropped before stays so.
        """
        with self._busy:
            done = []
            self._end_closes(who)
            taken = self._measured().total
            for going in self._going(taken):
                self._drop(going, who)
                done.append(going)
            self._measured()
            return done

    def due(self) -> list[Going]:
        """What `retain` would drop now, if nothing of it were left when sealed."""
        return list(self._going(self._measured().total, pretend=True))

    def standing(self) -> Standing:
        """How much is kept and for how long there is room."""
        usage = self._measured()
        budget = self._settings.disk.budget_bytes
        room = usage.free if budget is None else min(budget - usage.total, usage.free)
        days = self._forecast.days_left(room)
        return Standing(
            usage=usage,
            segments=self._log.segments(),
            retention=self._settings.retention,
            budget_bytes=budget,
            days_left=days,
            warning=self._warning(usage, days),
        )

    def _going(self, taken: int, *, pretend: bool = False) -> Iterator[Going]:
        """What is too old, then what is too much, the oldest first."""
        retention, budget = self._settings.retention.bodies_days, self._settings.disk.budget_bytes
        now = self._clock.now()
        for segment in self._log.segments():
            if segment.newest or segment.dropped is not None:
                continue
            if retention is not None and segment.ended <= now - timedelta(days=retention):
                why = f"kept for {retention:g} days"
            elif self._over(taken) > 0:
                why = f"the disk budget of {(budget or 0) / GB:g} GB was used up"
            else:
                return
            yield Going(segment=segment, why=why)
            taken -= segment.bytes if pretend else segment.bytes - self._size(segment)

    def _end_closes(self, who: str) -> None:
        days = self._settings.retention.closes_days
        if days is not None:
            until = self._clock.now() - timedelta(days=days)
            if ended := self._control.closes.end(until, who=who):
                logger.info("%d closes taken until %s ended", ended, until)

    def _size(self, segment: Segment) -> int:
        return next(one.bytes for one in self._log.segments() if one.first == segment.first)

    def _drop(self, going: Going, who: str) -> None:
        segment = going.segment
        dropped = Dropped(at=self._clock.now(), why=going.why)
        self._log.drop_bodies(segment.first, reduced, dropped)
        freed = segment.bytes - self._size(segment)
        self._control.audit.record(
            who,
            "bodies.dropped",
            first=segment.first,
            begun=segment.begun.isoformat(),
            ended=segment.ended.isoformat(),
            why=going.why,
            freed_bytes=freed,
        )
        until = f"{segment.begun:%Y-%m-%d} to {segment.ended:%Y-%m-%d}"
        logger.info("bodies received %s dropped (%s), %d bytes freed", until, going.why, freed)

    def _over(self, total: int) -> int:
        budget = self._settings.disk.budget_bytes
        return 0 if budget is None else total - budget

    def _measured(self) -> Usage:
        usage = measure(self._settings, self._log)
        self._forecast.note(self._clock.now(), usage.total)
        for name, size in usage.by_class.items():
            self._bytes.labels(name).set(size)
        return usage

    def _warning(self, usage: Usage, days: float | None) -> str:
        budget, share = self._settings.disk.budget_bytes, self._settings.disk.warn_share
        whole = usage.total + usage.free if budget is None else budget
        said = "the disk" if budget is None else "the disk budget"
        if usage.total < share * whole and usage.free > (1 - share) * usage.total:
            return ""
        left = "" if days is None else f", which is enough for {days:.1f} days at the present rate"
        room = max(0, min(whole - usage.total, usage.free))
        return (
            f"Threadline takes {usage.total / GB:.2f} GB of {whole / GB:.2f} GB of {said};"
            f" {room / GB:.2f} GB are left{left}"
        )
