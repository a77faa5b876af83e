"""Views of past instants: the same pipeline over what had been received, ruled and activated then.

A view is an index of its own, a database beside the live one. It is derived in the background, so
that a question waits for it only so long, and slowly enough to leave intake and the live
derivation at least half of the time.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from threadline import activation
from threadline.activation import Derivation
from threadline.clock import Clock, FixedClock
from threadline.errors import OutOfReach, ViewNotReady
from threadline.evaluation import Hearing
from threadline.instruments import PipelineInstruments
from threadline.pipeline import Pipeline, Status
from threadline.settings import MIB, Settings
from threadline.store.control import ControlStore
from threadline.store.control.rulings import Rulings
from threadline.store.log import Log
from threadline.store.log.received import ReceivedBy
from threadline.store.telemetry import Telemetry, databases

logger = logging.getLogger(__name__)

WAITING = 4  # views that may wait to be built; who asks for more is told to ask again
_AT_ONCE = 4 * MIB  # of input, before the live derivation gets its turn
_BEHIND = timedelta(seconds=5)  # the live derivation needs the machine then
_SETTLED = timedelta(seconds=2)  # what was received before is in the log by then


@dataclass(frozen=True, kw_only=True)
class View:
    """What was known at `at`; its clock stands there."""

    at: datetime
    telemetry: Telemetry
    derivation: Derivation
    rulings: Rulings
    clock: Clock
    silent_systems: Callable[[datetime], Collection[str]]


class Views:
    """Builds views one after the other and keeps the last asked for, for any thread."""

    def __init__(
        self,
        log: Log,
        control: ControlStore,
        settings: Settings,
        clock: Clock,
        live: Callable[[], Status],
    ) -> None:
        self._log, self._control, self._settings = log, control, settings
        self._clock, self._live = clock, live
        self._views: dict[datetime, Future[View]] = {}  # the least recently asked for first
        self._progress: dict[datetime, tuple[int, int]] = {}
        self._guard = threading.Lock()
        self._closing = threading.Event()
        self._builder = ThreadPoolExecutor(1, "as-of")

    def at(self, instant: datetime) -> View:
        """What was known at `instant`, once it is derived.

        Raises `OutOfReach`, and `ViewNotReady` when it takes longer than a question may wait.
        """
        instant = instant.astimezone(UTC)
        building = self._wanted(instant)
        if not wait_for([building], timeout=self._settings.as_of.wait_seconds).done:
            done, total = self._progress.get(instant, (0, 0))
            share = f" ({done:,} of {total:,} inputs are read)" if total else ""
            raise ViewNotReady(instant, f"is being derived from the log{share}")
        try:
            return building.result()
        except Exception:
            with self._guard:  # the next question tries again
                self._views.pop(instant, None)
            raise

    def close(self) -> None:
        """Stop building, and drop every view."""
        self._closing.set()
        self._builder.shutdown(cancel_futures=True)
        with self._guard:
            while self._views:
                _drop(self._views.popitem()[1])

    def forget(self) -> None:
        """Drop every view that is built; one under way is built to its end and dropped then."""
        with self._guard:
            views, self._views = list(self._views.values()), {}
        for view in views:
            if not view.cancel():
                view.add_done_callback(_drop)

    def _wanted(self, instant: datetime) -> Future[View]:
        with self._guard:
            building = self._views.pop(instant, None)
            if building is None:
                self._require_within_reach(instant)
                waiting = sum(not other.done() for other in self._views.values())
                if waiting >= WAITING:
                    raise ViewNotReady(instant, f"waits for {waiting} others to be derived")
                building = self._builder.submit(self._build, instant)
            self._views[instant] = building
            return building

    def _require_within_reach(self, instant: datetime) -> None:
        now = self._clock.now()
        if instant > now:
            raise OutOfReach(f"{instant.isoformat()} has not come yet: it is {now.isoformat()}")
        if not self._log.read({}, 1, 1, received_by=instant):
            first = self._log.read({}, 1, 1)
            since = f": the log begins at {first[0].entry.received_at.isoformat()}" if first else ""
            raise OutOfReach(f"no input had been received by {instant.isoformat()}{since}")
        if self._log.read({}, 1, 1)[0].position.offset > 1:
            raise OutOfReach("the first inputs are not kept any more, so no past can be derived")

    def _build(self, at: datetime) -> View:
        begun = self._clock.monotonic()
        self._evict()
        self._closing.wait(max(0.0, (at + _SETTLED - self._clock.now()).total_seconds()))
        known = self._control.as_of(at)
        derivation = activation.restore(known)
        if derivation is None:
            raise OutOfReach(f"no definitions were active at {at.isoformat()}")
        clock = FixedClock(at)
        telemetry = Telemetry.open(
            self._settings.telemetry.model_copy(
                update={"database": self._database(at), "durable": False}
            )
        )
        try:
            telemetry.reset()  # what a crash left half done
            inputs = ReceivedBy(self._log, at)
            pipeline = Pipeline(
                log=inputs,
                telemetry=telemetry,
                control=known,
                derivation=derivation,
                clock=self._clock,
                settings=self._settings.pipeline.model_copy(update={"batch_bytes": _AT_ONCE}),
                instruments=PipelineInstruments(CollectorRegistry()),
            )
            self._derive(at, pipeline, sum(inputs.end().values()))
        except BaseException:
            databases.drop(telemetry)
            telemetry.close()
            raise
        finally:
            self._progress.pop(at, None)
        logger.info("derived as of %s in %.1f s", at, self._clock.monotonic() - begun)
        hearing = Hearing(telemetry, clock)
        return View(
            at=at,
            telemetry=telemetry,
            derivation=derivation,
            rulings=known.rulings,
            clock=clock,
            silent_systems=lambda now: hearing.silent(derivation.mapping, now),
        )

    def _derive(self, at: datetime, pipeline: Pipeline, total: int) -> None:
        begun = self._clock.monotonic()
        while pipeline.step():
            self._progress[at] = (total - pipeline.status().entries_behind, total)
            if pipeline.status().entries_behind:
                self._give_way(self._clock.monotonic() - begun)
            if self._closing.is_set():
                raise ViewNotReady(at, "is not built: the service ends")
            begun = self._clock.monotonic()

    def _give_way(self, took: float) -> None:
        """As long as the last step took, and while live input waits up to three times longer."""
        for _ in range(4):
            if self._closing.wait(took) or self._live().lag < _BEHIND:
                return

    def _evict(self) -> None:
        """Make room for one more view: drop those asked for least recently."""
        with self._guard:
            built = [at for at, view in self._views.items() if view.done()]
            bounds = self._settings.as_of
            while built and (len(built) >= bounds.views or self._bytes(built) > bounds.disk_bytes):
                _drop(self._views.pop(built.pop(0)))

    def _bytes(self, built: Collection[datetime]) -> int:
        views = [self._views[at] for at in built]
        return sum(databases.size(v.result().telemetry) for v in views if not v.exception())

    def _database(self, at: datetime) -> str:
        name = hashlib.sha256(at.isoformat().encode()).hexdigest()[:16]
        return f"{self._settings.telemetry.database}{databases.AS_OF}{name}"


def _drop(building: Future[View]) -> None:
    if building.cancelled() or not building.done() or building.exception():
        return
    telemetry = building.result().telemetry
    databases.drop(telemetry)
    telemetry.close()
