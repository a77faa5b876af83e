"""A small world of contracts with known truth, drawn from a seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from threadline.simulator import nightly
from threadline.simulator.acts import Act, Span
from threadline.simulator.contracts import draw, office_hours
from threadline.simulator.engagement import Engagement
from threadline.simulator.fates import (
    CLOSED_COST_CENTRE,
    HOUR,
    LONG_AGO,
    USUAL,
    Course,
    Fate,
    answered,
    heals,
    recovered,
    rejected,
    repeated,
    slow,
    smooth,
    stalled,
    validated_at,
)
from threadline.simulator.troubles import TROUBLES, corrected, mistyped

HISTORY = timedelta(days=60)
NEGLECT = timedelta(days=18)
DAY = timedelta(hours=24)
WHOLE_BREACHES = timedelta(seconds=30)
STEP_BREACHES = timedelta(seconds=42)
SPECIAL = 3
DELIVERED = (smooth, slow, heals, recovered, answered, repeated, corrected, mistyped)
AMENDMENTS = (0, 0, 1, 1, 2)  # to draw from
VALIDATED = "middleware.fields.validated"
FIRST_NUMBER, FURTHER_NUMBERS = 1_000, 10_000


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
    """`contracts` contracts over the sixty days up to `now`; equal arguments give equal acts.

    `acts` is everything the systems did until `now`, in the order in which it arrives; `fates` says
    what became of each contract. `now` is timezone-aware. In a `troubled` world the data are wrong
    as well: ids, times, second versions.
    """

    def __init__(
        self, seed: int, contracts: int = 120, *, now: datetime, troubled: bool = False
    ) -> None:
        if contracts <= SPECIAL:
            raise ValueError(f"a world needs more than {SPECIAL} contracts")
        self.seed, self.now = seed, now
        self._random = Random(seed)
        self.fates: dict[str, str] = {}
        self.live_breaches: tuple[LiveBreach, ...] = ()
        self._further = FURTHER_NUMBERS
        self._deck = (*USUAL, *TROUBLES) if troubled else USUAL
        acts = [*self._usual(contracts - SPECIAL)]
        self.hero, hers = self._hero()
        acts += hers
        acts += self._overdue_soon()
        acts += nightly.run(self._random, acts, now)
        acts += nightly.orphans(now)
        past = (act for act in acts if act.at <= now)
        self.acts: tuple[Act, ...] = tuple(sorted(past, key=lambda act: (act.late, act.begins)))

    def next_course(self, at: datetime, pace: float) -> Course:
        """A further contract, approved `at`, whose hours take `pace` seconds."""
        self._further += 1
        return self._play_out(self._drawn(self._further, at, pace), self._random.choice(USUAL))

    def _usual(self, contracts: int) -> Iterator[Act]:
        deck: list[Fate] = []
        for number in range(contracts):
            deck = deck or self._random.sample(self._deck, len(self._deck))
            fate = deck.pop()
            age = HISTORY * (contracts - number - self._random.random()) / contracts
            at = min(office_hours(self.now - age), self.now - timedelta(hours=1))
            if at < self.now - NEGLECT:
                fate = LONG_AGO.get(fate, fate)
            course = self._play_out(self._drawn(FIRST_NUMBER + number, at), fate)
            if fate in DELIVERED:
                milestones, amendments = self._random.randint(1, 5), self._random.choice(AMENDMENTS)
                Engagement(course).go_on(milestones, amendments)
            yield from course.acts

    def _drawn(self, number: int, at: datetime, pace: float = HOUR) -> Course:
        return Course(draw(self._random, number, at), self._random, pace)

    def _play_out(self, course: Course, fate: Fate) -> Course:
        fate(course)
        self.fates[course.contract.id] = fate.__name__
        return course

    def _hero(self) -> tuple[Hero, list[Act]]:
        at = office_hours(self.now - timedelta(days=9))
        contract = replace(
            draw(self._random, 4711, at),
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
        promised, first = self._silent(4801, whole, "expedited", stalled)
        awaited, second = self._silent(
            4802, ready - timedelta(minutes=20), "standard", validated_at(ready)
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
