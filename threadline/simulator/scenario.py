"""Scenarios: what happens in a world, and under which conditions its systems tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from threadline import definitions
from threadline.simulator.acts import BANK, REVENUE, TRACED

DIRECTORY = Path(__file__).parent / "scenarios"
SCHEMA = Path(__file__).parent / "scenario.schema.json"
DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """How one system tells what it does. Shares are of its acts, between 0 and 1.

    `delivery` is live, hourly, nightly (at two in the morning in `zone`) or two-days-late, where
    everything takes that long; `skew` is by how much its clock is ahead; `late` arrives two days
    after the rest, `lost` never, `resent` once more and unchanged later on; of its own traces
    `sampled` are kept, as W3C trace state says.
    """

    zone: ZoneInfo
    skew: timedelta = timedelta(0)
    delivery: str = "live"
    late: float = 0.0
    lost: float = 0.0
    resent: float = 0.0
    sampled: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A stretch of time before the end of a world, and what it concerns."""

    service: str
    since: timedelta
    until: timedelta

    def covers(self, at: datetime, end: datetime) -> bool:
        """Whether `at` lies in it, in a world that ends at `end`."""
        return end - self.since <= at < end - self.until


@dataclass(frozen=True, kw_only=True)
class LiveOutage:
    """The ERP does not answer: so long `after` the world has gone live, and for how long."""

    after: timedelta
    lasts: timedelta


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A checked scenario file.

    `fates` weighs what becomes of a contract, by the names of `fates` and `troubles`. Numbers of
    milestones and amendments are drawn from the lists. `quarter_end` is the share of milestones
    that move to the last three days of a quarter; `traced` engagements leave spans too; `renewed`
    contracts are amended in one trace; one amendment and one order in `moved` goes over to another
    contract; one payment in `returned` is taken back, and one invoice in `compensated` of those on
    old terms is put right; `migration` is how long before the end the new ERP takes over.
    """

    name: str
    title: str
    days: int
    contracts: int
    fates: Mapping[str, int]
    milestones: tuple[int, ...]
    amendments: tuple[int, ...]
    systems: Mapping[str, Conditions]
    quarter_end: float
    traced: bool
    renewed: int
    moved: int
    returned: int
    compensated: int
    outage: Stretch | None
    silence: Stretch | None
    migration: timedelta | None
    live_outage: LiveOutage | None = None

    def conditions(self, service: str) -> Conditions:
        """How `service` tells of itself."""
        return self.systems[service]


def names() -> list[str]:
    """The scenarios that ship."""
    return sorted(file.stem for file in DIRECTORY.glob("*.yaml"))


def load(name: str) -> Scenario:
    """The scenario of that name that ships, or the one in the file of that path.

    Raises `DefinitionErrors` naming file, line, key and rule.
    """
    shipped = DIRECTORY / f"{name}.yaml"
    file = shipped if shipped.exists() else Path(name)
    given = definitions.read(file, definitions.schema(SCHEMA)).content
    days: Mapping[str, Any] = given.get("migration", {})
    systems = given.get("systems", {})
    return Scenario(
        name=file.stem,
        title=given["title"],
        days=given["days"],
        contracts=given["contracts"],
        fates=given["fates"],
        milestones=tuple(given["milestones"]),
        amendments=tuple(given["amendments"]),
        systems={name: _conditions(systems.get(name, {})) for name in (*TRACED, BANK, REVENUE)},
        quarter_end=given.get("quarter_end", 0.0),
        traced=given.get("traced", False),
        renewed=given.get("renewed", 0),
        moved=given.get("moved", 0),
        returned=given.get("returned", 0),
        compensated=given.get("compensated", 0),
        outage=_stretch(given.get("outage")),
        silence=_stretch(given.get("silence")),
        migration=DAY * days["since"] if days else None,
        live_outage=_live_outage(given.get("live_outage")),
    )


def _conditions(given: Mapping[str, Any]) -> Conditions:
    shares = {name: float(given[name]) for name in ("late", "lost", "resent") if name in given}
    return Conditions(
        zone=ZoneInfo(given.get("zone", "UTC")),
        skew=timedelta(seconds=given.get("skew_seconds", 0)),
        delivery=given.get("delivery", "live"),
        sampled=float(given.get("sampled", 1.0)),
        **shares,
    )


def _live_outage(given: Mapping[str, Any] | None) -> LiveOutage | None:
    if given is None:
        return None
    after, lasts = (timedelta(seconds=given[name]) for name in ("after_seconds", "seconds"))
    return LiveOutage(after=after, lasts=lasts)


def _stretch(given: Mapping[str, Any] | None) -> Stretch | None:
    if given is None:
        return None
    since, until = DAY * given["since"], DAY * given.get("until", 0)
    return Stretch(service=given["system"], since=since, until=until)
