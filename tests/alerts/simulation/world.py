"""The truth of a run: its cases, what fails, what is silenced; and what that means when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import handmade_failures
import polars as pl
import pyarrow as pa

INSTANT = pl.Datetime("ns", "UTC")
CASES = {
    "journey": pl.String,
    "case_id": pl.String,
    "root_id": pl.String,
    "criticality": pl.String,
    "known_at": INSTANT,
    "completed_at": INSTANT,
    "cancelled_at": INSTANT,
    "paused_from": INSTANT,
    "paused_until": INSTANT,
    "warn_at": INSTANT,
    "due_at": INSTANT,
    "current_step": pl.String,
    "current_since": INSTANT,
    "current_due_at": INSTANT,
    "waiting_systems": pl.List(pl.String),
    "value": pl.Decimal(18, 2),
    "currency": pl.String,
    "root_value": pl.Decimal(18, 2),
    "root_currency": pl.String,
}
_ARROW = pl.DataFrame(schema=CASES).to_arrow().schema
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
JOURNEY = "activation"
SYSTEM = "erp"
RECOVERS = timedelta(minutes=10)  # how long a failure may be left alone
STEPS = ("order", "project", "billing")
JUST = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case as it is now."""

    name: str
    criticality: str
    value: int
    known_at: datetime
    warn_at: datetime
    due_at: datetime
    since: datetime
    step: int = 0
    step_due_at: datetime | None = None
    completed_at: datetime | None = None
    paused_from: datetime | None = None
    paused_until: datetime | None = None
    failed_at: datetime | None = None

    def over(self, at: datetime) -> bool:
        """Whether nothing is owed: done, or waiting for the customer."""
        paused = self.paused_from is not None and self.paused_from <= at < self.paused_until
        return self.completed_at is not None or paused

    def late(self, at: datetime) -> bool:
        """Whether it runs past a deadline."""
        ends = [one for one in (self.due_at, self.step_due_at) if one is not None]
        return not self.over(at) and any(end < at for end in ends)

    def late_here(self, at: datetime) -> datetime | None:
        """Since when it is late where it waits."""
        if self.over(at):
            return None
        here = self.step_due_at or (self.due_at if self.since <= self.due_at else None)
        return here if here is not None and here < at else None

    def row(self) -> dict:
        """As the telemetry store has it."""
        return {
            "journey": JOURNEY,
            "case_id": self.name,
            "root_id": self.name,
            "criticality": self.criticality,
            "known_at": self.known_at,
            "completed_at": self.completed_at,
            "cancelled_at": None,
            "paused_from": self.paused_from,
            "paused_until": self.paused_until,
            "warn_at": self.warn_at,
            "due_at": self.due_at,
            "current_step": STEPS[self.step],
            "current_since": self.since,
            "current_due_at": self.step_due_at,
            "waiting_systems": [SYSTEM],
            "value": Decimal(1),
            "currency": "GBP",
            "root_value": Decimal(self.value),
            "root_currency": "EUR",
        }


@dataclass(frozen=True, kw_only=True)
class Silenced:
    """Somebody wanted quiet about what has this label, over `[start, until)`."""

    label: str
    value: str
    start: datetime
    until: datetime
    ended: bool = False  # before its time

    def covers(self, labels: Mapping[str, str], at: datetime) -> bool:
        """Whether nobody is told at `at`."""
        return labels.get(self.label) == self.value and self.start <= at < self.until


@dataclass
class World:
    """What a run's acts have made of it."""

    cases: dict[str, Case] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)  # into which other case
    silences: list[Silenced] = field(default_factory=list)

    def change(self, name: str, **fields) -> None:
        """Derive a case anew."""
        self.cases[name] = replace(self.cases[name], **fields)

    def fails(self, name: str, now: datetime) -> None:
        """Its step fails."""
        if not self.cases[name].over(now):
            self.change(name, failed_at=self.cases[name].failed_at or now)

    def heals(self, name: str, _now: datetime) -> None:
        """Its step is tried again and done, or a failure recovers."""
        self.change(name, failed_at=None)

    def moves(self, name: str, now: datetime, minutes: float | None) -> None:
        """On to the next step, for which there is so much time."""
        case = self.cases[name]
        if case.step + 1 < len(STEPS) and not case.over(now):
            due_at = now + timedelta(minutes=minutes) if minutes else None
            fields = {"step": case.step + 1, "since": now, "step_due_at": due_at}
            self.change(name, failed_at=None, **fields)

    def pauses(self, name: str, now: datetime, minutes: float) -> None:
        """It waits for the customer."""
        if not self.cases[name].over(now):
            until = now + timedelta(minutes=minutes)
            self.change(name, paused_from=now, paused_until=until)

    def completes(self, name: str, now: datetime) -> None:
        """It is done."""
        self.change(name, completed_at=self.cases[name].completed_at or now, failed_at=None)

    def opens(self, name: str, _now: datetime) -> None:
        """What was taken for its end is taken back."""
        self.change(name, completed_at=None)

    def extends(self, name: str, _now: datetime, minutes: float) -> None:
        """Its deadline is moved."""
        case, by = self.cases[name], timedelta(minutes=minutes)
        self.change(name, due_at=case.due_at + by, warn_at=case.warn_at + by)

    def merges(self, name: str, _now: datetime, other: int) -> None:
        """It turns out to be another one."""
        into = f"contract:clm:C-{other}"
        there = {one.name for one in self.standing()}
        if name != into and {name, into} <= there and name not in self.merged.values():
            self.merged[name] = into

    def parts(self, name: str, _now: datetime) -> None:
        """It was not the other one after all."""
        self.merged.pop(name, None)

    def standing_at(self, at: datetime) -> object:
        """All that judging goes by: equal when nothing has to be judged anew."""
        # A deadline is the last good instant, the end of a pause the first after it.
        passed = frozenset((one, one < at) for one in self.instants() if one <= at)
        return tuple(self.standing()), tuple(self.merged.items()), passed

    def today(self) -> dict[str, str]:
        """What identifiers resolve to, where that is another."""
        return dict(self.merged)

    def standing(self) -> list[Case]:
        """The cases that there are: those merged into another are not."""
        return [case for name, case in sorted(self.cases.items()) if name not in self.merged]

    def failing(self, at: datetime) -> list[Case]:
        """Those whose step has failed and is waited for."""
        return [one for one in self.standing() if one.failed_at and not one.over(at)]

    def muted(self, labels: Mapping[str, str], at: datetime) -> datetime | None:
        """Until when nobody is told."""
        return max((one.until for one in self.silences if one.covers(labels, at)), default=None)

    def late(self, at: datetime) -> list[Case]:
        """Those that run past a deadline."""
        return [one for one in self.standing() if one.late(at)]

    def instants(self) -> Iterator[datetime]:
        """When something happens of itself."""
        for case in self.standing():
            failed = case.failed_at and case.failed_at + RECOVERS
            ends = (case.warn_at, case.due_at, case.step_due_at, case.paused_until, failed)
            yield from (at for at in ends if at is not None)
        yield from (one.until for one in self.silences)


def derived(cases: Iterable[Case]) -> pl.DataFrame:
    """As the evaluator is given them. Arrow reads rows of instants quicker than Polars does."""
    read = pl.from_arrow(pa.Table.from_pylist([case.row() for case in cases], schema=_ARROW))
    assert isinstance(read, pl.DataFrame)
    return read


def failures(cases: Iterable[Case]) -> pl.DataFrame:
    """Their failed steps, as the evaluator is given them."""
    return handmade_failures.frame(map(_failure, cases))


def _failure(case: Case) -> dict:
    return handmade_failures.failure(
        "",
        case.failed_at,
        journey=JOURNEY,
        case_id=case.name,
        root_id=case.name,
        criticality=case.criticality,
        step=STEPS[case.step],
        system=SYSTEM,
        known_at=case.known_at,
        value=Decimal(case.value),
    )


def fresh(number: int, at: datetime, warn: float, due: float, **more) -> Case:
    """A case that becomes known at `at`, with so many minutes until its promises (or since)."""
    return Case(
        name=f"contract:clm:C-{number}",
        known_at=at,
        warn_at=at + timedelta(minutes=warn),
        due_at=at + timedelta(minutes=due),
        since=min(at, at + timedelta(minutes=due)) - timedelta(minutes=1),
        **more,
    )


def instant(seconds: float) -> datetime:
    """So many seconds after noon, and just past that: a deadline is the last good instant."""
    return NOON + timedelta(seconds=seconds, microseconds=1)
