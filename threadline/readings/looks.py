"""How often each rule is looked at, and where the evaluator finds what was seen."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from alerts.policy import Policies
from threadline.api.receipts import received
from threadline.api.services import ApiServices
from threadline.clock import Clock
from threadline.errors import ThreadlineError
from threadline.model.readings import Reading
from threadline.readings import growth, kpis, silence
from threadline.store.telemetry import waiting

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5
FIGURES_EVERY = 60.0  # seconds; a figure of a day or a month does not move sooner
STALE = timedelta(minutes=3)


class Readings:
    """Taken on a thread of its own by `refresh`, and given to the evaluator once.

    A figure takes a look through all cases alive; the evaluator, which pages, must never wait for
    it. Nothing is read while the last look was not asked for (another process evaluates), while the
    index is rebuilt, or while the derivation is far behind: cases are known by half then.
    """

    def __init__(
        self,
        services: Callable[[], ApiServices],
        policies: Callable[[], Policies],
        heard: Callable[[], Mapping[str, datetime]],
        clock: Clock,
    ) -> None:
        self._services, self._policies, self._heard = services, policies, heard
        self._clock = clock
        self._figures_at = float("-inf")
        self._found: Sequence[Reading] | None = None

    def take(self, now: datetime) -> Sequence[Reading]:
        """What was seen since this was asked last; empty: nothing, or it is too long ago."""
        found, self._found = self._found, None
        return [one for one in found or () if now - one.at <= STALE]

    def refresh(self) -> None:
        """Look at whatever it is time for."""
        if self._found is not None:
            return
        services = self._services()
        if services.rebuilding() or services.alerting_waits():
            return
        try:
            found = list(self._look(services, self._policies()))
        except ThreadlineError as error:
            logger.warning("rules on figures wait: %s", error)
            return
        if not services.rebuilding():  # it may have begun in between
            self._found = found

    def _look(self, services: ApiServices, policies: Policies) -> Iterator[Reading]:
        now = services.clock.now()
        if any(policies.of("silent-source")):
            waits = partial(waiting.cases, services.telemetry)
            yield from silence.read(waits, services.mapping, self._heard(), now)
        if self._clock.monotonic() - self._figures_at < FIGURES_EVERY:
            return
        self._figures_at = self._clock.monotonic()
        yield from figures(services, policies, now)
        yield from growth.read(services, policies.of("growth"), now)


def figures(services: ApiServices, policies: Policies, now: datetime) -> Iterator[Reading]:
    """Every KPI and value that a rule watches, at `now`."""
    rules = [rule for on in kpis.WATCHED for rule in policies.of(on)]
    if not rules:
        return
    since = min(kpis.since(rule, services.calendar, now) for rule in rules)
    scene = kpis.Scene(
        definitions=services.definitions,
        derived=kpis.derived(services.figures(since)),
        calendar=services.calendar,
        silent=services.silent_systems(now),
        received=received(services),
    )
    for rule in rules:
        yield from kpis.read(rule, scene, now)
