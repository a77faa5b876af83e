"""What one run is about: a policy drawn from the shapes that matter, and how many evaluators."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from alerts.escalation import Escalation, EscalationStep, Reach
from alerts.policy import Policies
from alerts.receivers.declared import Rate, ReceiverDefinition
from alerts.receivers.options import LogOptions
from alerts.rules import Rule
from simulation.world import NOON, RECOVERS

POLICY = "p"
RECEIVERS = ("p/a", "p/b", "p/c")
ROTA, NOBODY, DESK = "rota:duty", "rota:nobody", "desk"
BLOCK = timedelta(hours=2)  # of business hours, and of a shift


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Everything about a run but what happens in it."""

    escalation: Escalation
    rules: tuple[Rule, ...]
    receivers: tuple[ReceiverDefinition, ...]
    evaluators: int

    @property
    def policies(self) -> Policies:
        """As they would have been loaded."""
        return Policies(
            rules=self.rules,
            escalations={POLICY: self.escalation},
            receivers=self.receivers,
            left_out={},
            contents={},
        )

    def rule(self, on: str) -> Rule | None:
        """The rule that waits for `on`, if there is one."""
        return next((rule for rule in self.rules if rule.on == on), None)

    def fallback(self, receiver: str) -> tuple[str, ...]:
        """Who stands in for `receiver`."""
        return next(one.fallback for one in self.receivers if one.name == receiver)

    @property
    def length(self) -> timedelta:
        """After so long, escalation that nobody answers has come to its end."""
        told = self.escalation
        last = told.steps[-1].after
        rounds = told.times * ((told.every or timedelta(0)) + last)
        return last + rounds + told.steady + timedelta(hours=1)


def on_duty(rota: str, at: datetime) -> tuple[str, ...]:
    """Two people, in turn."""
    if rota != "duty":
        return ()
    return (RECEIVERS[((at - NOON) // BLOCK) % 2],)


def opens(_hours: str, at: datetime) -> datetime:
    """Two hours open, two hours closed."""
    block = (at - NOON) // BLOCK
    return at if block % 2 == 0 else NOON + (block + 1) * BLOCK


def draw(rng: random.Random) -> Setting:
    """A setting, all of it `rng`'s."""
    return Setting(
        escalation=_escalation(rng),
        rules=tuple(_rules(rng)),
        receivers=_receivers(rng),
        evaluators=rng.choice((1, 1, 2)),
    )


def _minutes(rng: random.Random, *choices: float) -> timedelta:
    return timedelta(minutes=rng.choice(choices))


def _escalation(rng: random.Random) -> Escalation:
    after, steps = timedelta(0), []
    for number in range(rng.choice((1, 1, 2, 3))):
        after += _minutes(rng, 0, 5, 15) if number else _minutes(rng, 0, 0, 0, 3)
        steps.append(_step(rng, after))
    every = _minutes(rng, 20, 45) if rng.random() < 0.4 else None
    return Escalation(
        steps=tuple(steps),
        every=every,
        times=rng.choice((1, 2)) if every else 0,
        lapses=_minutes(rng, 30, 120) if rng.random() < 0.4 else None,
        grace=_minutes(rng, 0, 2, 2, 10),
        flaps=rng.choice((1, 2)),
        flapping=timedelta(hours=6),
        steady=timedelta(minutes=30),
    )


def _step(rng: random.Random, after: timedelta) -> EscalationStep:
    named = tuple(sorted(rng.sample(RECEIVERS, rng.choice((1, 1, 2)))))
    sort = rng.random()
    reach = None
    if sort < 0.1:
        reach = rng.choice((Reach(cases=3), Reach(worth={"EUR": Decimal(300)}), Reach(breached=2)))
    return EscalationStep(
        after=after,
        receivers=(ROTA,) if 0.1 <= sort < 0.2 else (NOBODY,) if 0.2 <= sort < 0.25 else named,
        criticality=frozenset({"revenue"}) if 0.25 <= sort < 0.35 else frozenset(),
        hours=DESK if 0.35 <= sort < 0.45 else "",
        reach=reach,
    )


def _rules(rng: random.Random) -> list[Rule]:
    def rule(on, severity, **more):
        return Rule(name=on, on=on, policy=POLICY, severity=severity, **more)

    found = [rule("case-deadline", "breach")]
    if rng.random() < 0.5:
        found.append(rule("case-warning", "warning"))
    if rng.random() < 0.5:
        found.append(rule("step-deadline", "breach"))
    if rng.random() < 0.5:
        hour = timedelta(hours=1)
        found.append(rule("hop-failure", "failure", cases=rng.choice((1, 2, 2)), within=hour))
    if rng.random() < 0.2:
        found.append(rule("hop-late", "failure", cases=2, within=timedelta(minutes=30)))
    if rng.random() < 0.25:
        found.append(rule("step-failure", "failure", after=rng.choice((timedelta(0), RECOVERS))))
    return found


def _receivers(rng: random.Random) -> tuple[ReceiverDefinition, ...]:
    limited = rng.choice((None, None, *RECEIVERS))
    rate = Rate(limit=rng.choice((1, 2, 3)), per=timedelta(minutes=rng.choice((1, 5))))
    stood_in = rng.random() < 0.3
    return tuple(
        ReceiverDefinition(
            name=name,
            options=LogOptions(),
            rate=rate if name == limited else None,
            fallback=("p/c",) if stood_in and name == "p/a" else (),
        )
        for name in RECEIVERS
    )
