"""A small world of contracts with known truth, drawn from a seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from random import Random

from threadline.simulator import moves, nightly, remedies, scenario
from threadline.simulator.acts import Act, Span
from threadline.simulator.contracts import draw, office_hours
from threadline.simulator.emission import Emission, Signal
from threadline.simulator.engagement import Engagement, only_recognised
from threadline.simulator.fates import (
    CLOSED_COST_CENTRE,
    FATES,
    HOUR,
    LONG_AGO,
    Course,
    Fate,
    answered,
    heals,
    linked_late,
    recovered,
    rejected,
    rekeyed,
    repeated,
    slow,
    smooth,
    stalled,
    validated_at,
)
from threadline.simulator.scenario import Scenario
from threadline.simulator.troubles import (
    TROUBLES,
    anonymous,
    claimed,
    corrected,
    doubled,
    misdated,
    mistyped,
    recycled,
    reopened,
    restated,
)

NEGLECT = timedelta(days=18)
DAY = timedelta(hours=24)
WHOLE_BREACHES = timedelta(seconds=30)
STEP_BREACHES = timedelta(seconds=42)
SPECIAL = 3
DELIVERED = (
    *(smooth, slow, heals, recovered, answered, repeated, rekeyed),
    *(corrected, mistyped, anonymous, doubled),
)
# Set up whole, and then nobody hears of them but revenue recognition.
SET_UP = (linked_late, misdated, claimed, reopened, recycled, restated)
BY_NAME = {fate.__name__: fate for fate in (*FATES, *TROUBLES)}
VALIDATED = "middleware.fields.validated"
FIRST_NUMBER, FURTHER_NUMBERS = 1_000, 10_000
HERO, PROMISED, AWAITED = 4711, 4801, 4802  # numbers of the special contracts


@dataclass(frozen=True, kw_only=True)
class Hero:
    """The contract a demonstration is about: stuck, and known by five names."""

    contract: str
    opportunity: str
    project: str
    purchase_order: str
    trace: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class LiveBreach:
    """A contract whose deadline passes while one is watching, with no event coming."""

    contract: str
    due_at: datetime
    promise: str


class World:
    """Contracts over the days up to `now`, as the scenario has it; equal arguments, equal acts.

    `acts` is everything the systems did until `now`, in the order in which it began; `fates` says
    what became of each contract, `strays` whose delivery went wrong until then, and how. `now` is
    timezone-aware; `contracts` replaces the scenario's number. Raises `ValueError` for too few, and
    `DefinitionErrors` for an unreadable scenario.
    """

    def __init__(
        self, seed: int, contracts: int = 0, *, now: datetime, scenario_name: str = "demo"
    ) -> None:
        self.scenario: Scenario = scenario.load(scenario_name)
        contracts = contracts or self.scenario.contracts
        if contracts <= SPECIAL:
            raise ValueError(f"a world needs more than {SPECIAL} contracts")
        self.seed, self.now = seed, now
        self._random = Random(seed)
        self.fates: dict[str, str] = {}
        self.strays: dict[str, set[str]] = {}
        self.live_breaches: tuple[LiveBreach, ...] = ()
        self.touched: Mapping[str, set[str]] = {}
        self.live_outage: tuple[datetime, datetime] | None = None
        self._further = FURTHER_NUMBERS
        weights = self.scenario.fates
        self._deck = [BY_NAME[name] for name in weights for _ in range(weights[name])]
        since = self.scenario.migration
        self._migrated_at = now - since if since else None
        acts = [*self._usual(contracts - SPECIAL)]
        self.hero, hers = self._hero()
        acts += hers
        acts += self._overdue_soon()
        acts += nightly.run(self._random, acts, now)
        acts += nightly.renewal(self._random, acts, now, self.scenario.renewed)
        acts += nightly.orphans(now)
        acts += moves.run(sorted(acts, key=lambda act: act.begins), self.scenario.moved)
        acts += remedies.run(acts, self.scenario.returned, self.scenario.compensated)
        past = (act for act in acts if act.at <= now)
        self.acts: tuple[Act, ...] = tuple(sorted(past, key=lambda act: (act.late, act.begins)))

    def signals(self, *, faithful: bool = False) -> Iterator[tuple[datetime, Signal]]:
        """What is told of `acts`, each with the instant at which the act began.

        In a `faithful` world all is told as it was. `touched` is known when all was read.
        """
        emission = Emission(self.scenario, self.seed, self.now, faithful=faithful)
        self.touched = emission.touched
        acts = [act for act in self.acts if not (faithful and act.phantom)]
        for act, signal in zip(acts, emission.signals(acts), strict=True):
            yield act.begins, signal

    def go_live(self, at: datetime) -> None:
        """From `at` on the world goes on; `live_outage` is when the ERP will not answer."""
        outage = self.scenario.live_outage
        if outage is not None:
            self.live_outage = at + outage.after, at + outage.after + outage.lasts

    def next_course(self, at: datetime, pace: float) -> Course:
        """A further contract, approved `at`, whose hours take `pace` seconds."""
        self._further += 1
        return self._play_out(self._drawn(self._further, at, pace), self._random.choice(self._deck))

    def _usual(self, contracts: int) -> Iterator[Act]:
        deck: list[Fate] = []
        free = (n for n in count(FIRST_NUMBER) if n not in (HERO, PROMISED, AWAITED))
        for number in range(contracts):
            deck = deck or self._random.sample(self._deck, len(self._deck))
            fate = deck.pop()
            age = (
                timedelta(days=self.scenario.days)
                * (contracts - number - self._random.random())
                / contracts
            )
            at = min(office_hours(self.now - age), self.now - timedelta(hours=1))
            if at < self.now - NEGLECT:
                fate = LONG_AGO.get(fate, fate)
            course = self._play_out(self._drawn(next(free), at), fate)
            if fate in DELIVERED:
                engagement = Engagement(
                    course,
                    self.scenario.quarter_end,
                    self._migrated_at,
                    traced=self.scenario.traced,
                )
                engagement.go_on(
                    self._random.choice(self.scenario.milestones),
                    self._random.choice(self.scenario.amendments),
                )
            elif fate in SET_UP:
                only_recognised(course)
            for kind, since in course.strays.items():
                if since <= self.now:
                    self.strays.setdefault(kind, set()).add(course.contract.id)
            yield from course.acts

    def _drawn(self, number: int, at: datetime, pace: float = HOUR) -> Course:
        course = Course(draw(self._random, number, at), self._random, pace, self._away)
        course.script.new_erp = self._migrated_at is not None and at >= self._migrated_at
        return course

    def _away(self, at: datetime) -> bool:
        if self.live_outage and self.live_outage[0] <= at < self.live_outage[1]:
            return True
        outage = self.scenario.outage
        return outage is not None and outage.covers(at, self.now)

    def _play_out(self, course: Course, fate: Fate) -> Course:
        fate(course)
        self.fates[course.contract.id] = fate.__name__
        return course

    def _hero(self) -> tuple[Hero, list[Act]]:
        at = office_hours(self.now - timedelta(days=9))
        contract = replace(
            draw(self._random, HERO, at),
            project="P-00417",
            purchase_order="PO-4500417",
            value="1250000.00",
            currency="EUR",
            region="EMEA",
            business_unit="Cloud Engineering",
            tier="standard",
            subcontracted=True,
        )
        hero = Hero(
            contract=contract.id,
            opportunity=contract.opportunity,
            project=contract.project,
            purchase_order=contract.purchase_order,
            trace=f"{contract.trace_id:032x}",
            reason=CLOSED_COST_CENTRE,
        )
        return hero, self._play_out(Course(contract, self._random), rejected).acts

    def _overdue_soon(self) -> list[Act]:
        """Two contracts silent for almost as long as their promises allow."""
        whole, ready = self.now + WHOLE_BREACHES - DAY, self.now + STEP_BREACHES - DAY
        promised, first = self._silent(PROMISED, whole, "expedited", stalled)
        awaited, second = self._silent(
            AWAITED, ready - timedelta(minutes=20), "standard", validated_at(ready)
        )
        self.live_breaches = (
            LiveBreach(contract=promised, due_at=whole + DAY, promise="activated in 24 h"),
            LiveBreach(
                contract=awaited, due_at=_validated(second) + DAY, promise="ERP project in 24 h"
            ),
        )
        return [*first, *second]

    def _silent(self, number: int, at: datetime, tier: str, fate: Fate) -> tuple[str, list[Act]]:
        contract = replace(draw(self._random, number, at), tier=tier, subcontracted=False)
        return contract.id, self._play_out(Course(contract, self._random), fate).acts


def _validated(acts: Sequence[Act]) -> datetime:
    return next(a.at for a in acts if isinstance(a, Span) and a.name == VALIDATED)
