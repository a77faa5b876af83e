"""What rules on figures, silence and growth would have seen at past instants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from alerts.policy import Policies
from threadline.api.receipts import received
from threadline.api.services import ApiServices
from threadline.model.readings import Reading
from threadline.readings import growth, kpis, silence
from threadline.store.telemetry import receipts

LEAST = timedelta(hours=1)
LOOKS = 90  # at figures and silence: one a day of a quarter


class Past:
    """Looks at the present index as if it were earlier: what had not happened is left out."""

    def __init__(
        self, services: ApiServices, policies: Policies, since: datetime, now: datetime
    ) -> None:
        self._services, self._now = services, now
        self._figures = [rule for on in kpis.WATCHED for rule in policies.of(on)]
        self._growth = list(policies.of("growth"))
        self._silence = any(policies.of("silent-source"))
        every = max((now - since) / LOOKS, LEAST)
        self.every_hours = every / timedelta(hours=1)
        counted = int((now - since) / every)
        self._grid = [since + every * place for place in range(1, counted + 1)]
        self._scene = self._computed_from(since)
        self._heard = self._heard_at(since)
        self._everyone = growth.known(services) if self._growth else frozenset()
        came = {rule.name: growth.came(services, rule, since, now) for rule in self._growth}
        self._came: Mapping[str, pl.DataFrame] = came

    @property
    def instants(self) -> Iterator[datetime]:
        """When there is something to see."""
        if self._figures or self._silence:
            yield from self._grid
        for rule in self._growth:
            for at in self._came[rule.name]["at"].to_list():
                yield at.astimezone(UTC)
                yield at.astimezone(UTC) + rule.within + timedelta(seconds=1)

    def seen(self, after: datetime, at: datetime, cases: pl.DataFrame) -> Sequence[Reading]:
        """What a look `at` that instant shows, of `cases` as they were, none since `after`."""
        found: list[Reading] = []
        if any(after < each <= at for each in self._grid):
            for rule in self._figures if self._scene else ():
                found += kpis.read(rule, self._scene, at) if self._scene else ()
            found += self._silent(at, cases)
        for rule in self._growth:
            came = self._came[rule.name].filter(pl.col("at") <= at)
            found += growth.parts(rule, came, self._everyone, at)
        return found

    def _silent(self, at: datetime, cases: pl.DataFrame) -> Iterator[Reading]:
        if not self._silence:
            return
        last = max((each for each in self._heard if each <= at), default=None)
        heard = self._heard[last] if last else {}

        def waits(system: str) -> pl.DataFrame:
            here = pl.col("waiting_systems").list.contains(system)
            running = pl.col("completed_at").is_null() & pl.col("cancelled_at").is_null()
            return cases.filter(here & running).with_columns(
                value=pl.col("root_value"), currency=pl.col("root_currency")
            )

        yield from silence.read(waits, self._services.mapping, heard, at)

    def _computed_from(self, since: datetime) -> kpis.Scene | None:
        if not self._figures:
            return None
        calendar = self._services.calendar
        start = min(kpis.since(rule, calendar, since) for rule in self._figures)
        return kpis.Scene(
            definitions=self._services.definitions,
            derived=kpis.derived(self._services.figures(start)),
            calendar=calendar,
            silent=(),
            received=received(self._services),
        )

    def _heard_at(self, since: datetime) -> dict[datetime, dict[str, datetime]]:
        """When each system was last heard of, at each instant of the grid."""
        if not self._silence or not self._grid:
            return {}
        found = receipts.heard(self._services.telemetry, [(since, at) for at in self._grid])
        heard: dict[datetime, dict[str, datetime]] = {at: {} for at in self._grid}
        for place, system, last in found.iter_rows():
            heard[self._grid[place]][system] = last.replace(tzinfo=UTC)
        return heard
