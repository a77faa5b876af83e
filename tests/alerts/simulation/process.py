"""One process of Threadline: lease, evaluator and courier, over receivers that misbehave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl
from greenlet import getcurrent

from alerts.outbox import Courier
from alerts.receivers import DELIVERED, Outcome
from alerts.service import AlertsService
from alerts.telling import Surroundings
from simulation.ledger import Attempt, Ledger
from simulation.machine import FaultyTransactions, Machine, database
from simulation.setting import Setting, on_duty, opens
from simulation.world import World, derived, failures
from threadline.clock import FixedClock
from threadline.model.incidents import Briefing
from threadline.store.control import ControlStore, ControlUnavailable, Fenced

LENGTH = timedelta(seconds=2)
LEASE = "alerting"

FAILS = Outcome(delivered=False, reason="status 503", retry=True)
REFUSES = Outcome(delivered=False, reason="status 400")
TIMEOUT = Outcome(delivered=False, reason="timeout", retry=True, unclear=True)
# What becomes of a delivery: whether it arrives, and what the sender hears.
MODES: dict[str, tuple[bool, Outcome]] = {
    "works": (True, DELIVERED),
    "fails": (False, FAILS),
    "refuses": (False, REFUSES),
    "slow": (True, TIMEOUT),
    "lost": (False, TIMEOUT),
    "lies": (False, DELIVERED),
}


@dataclass(kw_only=True)
class Scene:
    """What all processes of a run share."""

    setting: Setting
    world: World
    clock: FixedClock
    machine: Machine
    ledger: Ledger
    modes: dict[str, str]
    calls: int = 0  # of people


class FakeReceiver:
    """Takes down what reaches it; the attempt at hand is its courier's."""

    def __init__(self, name: str, process: Process) -> None:
        self._name, self._process = name, process

    def deliver(self, notification) -> Outcome:
        scene, attempt = self._process.scene, self._process.attempt
        scene.machine.point(self._process.name, "deliver")
        arrived, outcome = MODES[scene.modes[self._name]]
        attempt.tick, attempt.at = scene.machine.tick, scene.clock.now()
        attempt.payload, attempt.repeat = notification.payload, notification.payload["repeat"]
        attempt.arrived = arrived
        attempt.outcome = "delivered" if outcome.delivered else outcome.reason
        self._process.tell(f"{self._name} gets {self._said(attempt)}")
        scene.machine.point(self._process.name, "delivered")
        return outcome

    def close(self) -> None:
        """Nothing is held."""

    def _said(self, attempt: Attempt) -> str:
        repeat = ", marked as a repeat" if attempt.repeat else ""
        arrived = "arrives" if attempt.arrived else "does not arrive"
        rows = [self._process.scene.ledger.owed[row] for row in attempt.rows]
        what = " + ".join(f"{one.kind} {one.step}.{one.turn} {one.incident_id[:5]}" for one in rows)
        return f"{what}: {arrived}, {attempt.outcome}{repeat}"


class WatchedCourier(Courier):
    """The real one, one receiver after the other; what it carries is taken down."""

    def __init__(self, process: Process, store: ControlStore) -> None:
        receivers = {one.name: FakeReceiver(one.name, process) for one in process.receivers}
        clock, jitter = process.scene.clock, process.scene.machine.rng.random
        super().__init__(
            store.outbox, receivers, process.receivers, clock, at_once=1, jitter=jitter
        )
        self._process = process

    def _attempt(self, claims: Sequence) -> Outcome:
        machine, process = self._process.scene.machine, self._process
        process.attempt = Attempt(
            process=process.name,
            receiver=claims[0].notification.receiver,
            claimed=machine.committed[getcurrent()],
            until=claims[0].lease_until,
            rows=tuple(claim.id for claim in claims),
            claims=tuple(claim.attempt for claim in claims),
        )
        process.scene.ledger.attempts.append(process.attempt)
        return super()._attempt(claims)

    def _settle(self, claims: Sequence, outcome: Outcome, at) -> str:
        attempt = self._process.attempt
        # A refusal is final, though the process die as soon as that is stored.
        attempt.final = not outcome.delivered and not outcome.retry
        reason = super()._settle(claims, outcome, at)
        attempt.settled = self._process.scene.machine.committed[getcurrent()]
        attempt.final = not outcome.delivered and (not outcome.retry or "gave up" in reason)
        return reason


class Process:
    """From its start to its death."""

    def __init__(self, name: str, run: int, scene: Scene) -> None:
        self.name, self.scene = name, scene
        self.receivers = scene.setting.receivers
        self.attempt: Attempt
        self._holder = f"{name}.{run}"
        store = ControlStore(
            FaultyTransactions(database().engine, scene.machine, name), scene.clock
        )
        self._leases, self._lease = store.leases, None
        self.service = AlertsService(
            store,
            scene.setting.policies,
            scene.clock,
            briefing=lambda _: Briefing(title="Activation"),
            links=lambda _: {},
            surroundings=Surroundings(muted=scene.world.muted, opens=opens, on_duty=on_duty),
            fence=lambda: self._lease,
        )
        self.service._courier = WatchedCourier(self, store)
        rules = {rule.on for rule in scene.setting.rules}
        self._hanging = bool(rules & {"hop-failure", "hop-late", "step-failure"})
        self._looked: object = None
        self._settled: dict[str, list] | None = None  # what hung when all was judged
        self._silences: object = None

    def tell(self, words: str) -> None:
        """Into the log of the run."""
        self.scene.machine.note(f"{self.name}: {words}")

    def watch(self) -> None:
        """A turn of the evaluator."""

        def turn() -> None:
            if self.scene.setting.evaluators == 1 or self._ask():
                self._look()
                self.service.escalate(self.scene.clock.now())

        self._patiently(turn)

    def send(self) -> None:
        """A turn of the courier."""
        self._patiently(lambda: self.service.send(self.scene.clock.now()))

    def evaluate(self) -> dict[str, int]:
        """Judge everything, whether or not anything has changed."""
        self._settled = None
        return self._evaluate()

    def _evaluate(self) -> dict[str, int]:
        """What hangs is told again only when it has changed, as the real evaluator does."""
        now, world = self.scene.clock.now(), self.scene.world
        late = world.late(now)
        hanging = {
            "failing": world.failing(now),
            "late": [(one, one.late_here(now)) for one in late],
        }
        known, self._settled = self._settled, None
        given: dict[str, pl.DataFrame] = {}
        if self._hanging and (known is None or hanging["failing"] != known["failing"]):
            given["failing"] = failures(hanging["failing"])
        if self._hanging and (known is None or hanging["late"] != known["late"]):
            given["late"] = derived(late)
        cases = derived(world.standing())
        counts = dict(self.service.evaluate(cases, now, today=world.today(), **given))
        if not counts.get("overtaken"):
            self._settled = hanging
        return counts

    def _patiently(self, turn: Callable[[], None]) -> None:
        try:
            turn()
        except (ControlUnavailable, Fenced) as error:
            self.tell(f"waits: {type(error).__name__}")
            self._looked = self._silences = self._settled = None

    def _ask(self) -> bool:
        now = self.scene.clock.now()
        self._lease = self._leases.acquire(LEASE, self._holder, now, LENGTH)
        if self._lease is None:
            self._looked = self._silences = self._settled = None
        return self._lease is not None

    def _look(self) -> None:
        now, world = self.scene.clock.now(), self.scene.world
        silences = tuple(world.silences)
        here = world.standing_at(now), self.scene.calls
        if here != self._looked:
            for _ in range(5):
                if not self._evaluate().get("overtaken"):
                    break
            self._looked = here
        if silences != self._silences:
            self.service.rethink(now)
            self._silences = silences
