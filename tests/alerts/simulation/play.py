"""One run: the schedule is played, and at every calm and at the end the rules are asked."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from alerts.handling import IncidentClosed
from simulation import acts, setting, world
from simulation.acts import Act
from simulation.ledger import Ledger
from simulation.machine import Killed, Machine, database
from simulation.process import LENGTH, Process, Scene
from simulation.rules import Finding, verdict
from simulation.setting import RECEIVERS, Setting
from simulation.world import Silenced, World, fresh, instant
from threadline.clock import FixedClock
from threadline.store.control import ControlUnavailable

_PATIENCE = 300  # instants until nothing is owed any more
_WHO = "billing-primary"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """All that a run depends on."""

    seed: int
    setting: Setting
    acts: tuple[Act, ...]

    @classmethod
    def of(cls, seed: int) -> Schedule:
        """The schedule of a seed."""
        rng = random.Random(seed)
        return cls(seed=seed, setting=setting.draw(rng), acts=tuple(acts.draw(rng)))


class Play:
    """Plays a schedule from its beginning to its end; `log` tells what happened."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.log: list[str] = []
        self.findings: list[Finding] = []
        database().reset()
        clock = FixedClock(instant(0))
        machine = Machine(random.Random(schedule.seed + 1), self._observe)
        machine.note = self._note
        self.scene = Scene(
            setting=schedule.setting,
            world=World(),
            clock=clock,
            machine=machine,
            ledger=Ledger(database(), clock),
            modes=dict.fromkeys(RECEIVERS, "works"),
        )
        self._starts = 0
        self._processes: dict[str, Process] = {}
        for name in ("a", "b")[: schedule.setting.evaluators]:
            self._start(name)

    def run(self) -> list[Finding]:
        """What the rules have to say; empty: all is well."""
        waiting = list(self._schedule.acts)
        while waiting and not self.findings:
            at = waiting[0].at
            self._move(instant(at))
            while waiting and waiting[0].at == at:
                self._act(waiting.pop(0))
            self._turn()
        if not self.findings:
            self._calm()
        if not self.findings:
            self._end()
        for process in self._processes.values():
            self.scene.machine.dead.add(process.name)
            self.scene.machine.bury(process.name)
        return self.findings

    def _note(self, words: str) -> None:
        machine, now = self.scene.machine, self.scene.clock.now()
        self.log.append(f"{now - instant(0)} #{machine.tick} {words}")

    def _observe(self) -> None:
        for words in self.scene.ledger.observe(self.scene.machine.tick):
            self._note(f"  {words}")

    def _start(self, name: str) -> None:
        self._starts += 1
        self.scene.machine.dead.discard(name)
        self._processes[name] = Process(name, self._starts, self.scene)

    def _move(self, at) -> None:
        if at > self.scene.clock.now():
            self.scene.clock.move_to(at)

    def _turn(self) -> None:
        machine = self.scene.machine
        for name in list(self._processes):
            if name in machine.dead:
                machine.bury(name)
                self._start(name)
                self._note(f"{name} starts")
            process = self._processes[name]
            if not machine.stands(name) and name not in machine.running.values():
                machine.start(name, process.watch)
                machine.start(name, process.send)
        machine.run()
        for name in machine.dead:
            machine.bury(name)

    def _calm(self) -> None:
        """Nothing is broken any more, and there is time enough."""
        self._note("calm")
        machine = self.scene.machine
        machine.away.clear()
        machine.crashing.clear()
        machine.standing.clear()
        self.scene.modes = self.scene.modes | dict.fromkeys(RECEIVERS, "works")
        for _ in range(2):
            self._turn()
            self._move(self.scene.clock.now() + LENGTH)
        self._deliver_all()
        self._ask_rules(at_end=False)

    def _deliver_all(self) -> None:
        for _ in range(_PATIENCE):
            self._turn()
            pending, now = self.scene.ledger.pending(), self.scene.clock.now()
            if not pending:
                return
            soonest = min(max(due, lease or due) for due, lease in pending)
            self._move(soonest if soonest > now else now + timedelta(minutes=1))
        self.findings.append(Finding("stuck", f"still owed: {self.scene.ledger.pending()}"))

    def _end(self) -> None:
        """Everything that comes of itself comes."""
        begun = self.scene.clock.now()
        until = begun + 2 * self.scene.setting.length
        while self.scene.clock.now() < until:
            now = self.scene.clock.now()
            coming = [*self.scene.world.instants(), until]
            coming += [one.escalate_at for one in self.scene.ledger.live() if one.escalate_at]
            self._move(min(at for at in coming if at > now) + world.JUST)
            self._deliver_all()
        self._ask_rules(at_end=True)

    def _ask_rules(self, *, at_end: bool) -> None:
        if self.findings:
            return
        self.findings += verdict(self.scene, at_end=at_end)
        first, *_ = self._processes.values()
        again = first.evaluate()
        if self.scene.setting.evaluators == 1 and again:
            self.findings.append(Finding("unsettled", f"judging again changed {again}"))

    def _act(self, act: Act) -> None:
        self._note(str(act))
        _ACTS[act.what](self, *act.given)

    def _calls(self, which: int, call: Callable) -> None:
        """Somebody does something to a live incident, through a process that answers."""
        live, machine = self.scene.ledger.live(), self.scene.machine
        there = [
            one
            for name, one in self._processes.items()
            if name not in machine.dead and not machine.stands(name)
        ]
        if not live or not there:
            return
        self.scene.calls += 1
        try:
            call(there[which % len(there)].service, live[which % len(live)].id)
        except (ControlUnavailable, IncidentClosed, Killed) as error:
            self._note(f"  is refused: {type(error).__name__}")

    def _escalates(self, which: int) -> None:
        def call(service, incident_id: str) -> None:
            before = len(self.scene.ledger.traces[incident_id])
            try:
                service.escalate_now(incident_id, who=_WHO)
            finally:
                for version in self.scene.ledger.traces[incident_id][before:]:
                    self.scene.ledger.hastened.add((incident_id, version.tick))

        self._calls(which, call)

    def _case(self, number, warn, late, kind, value, step) -> None:
        now = self.scene.clock.now()
        case = fresh(number, now, warn, late, criticality=kind, value=value)
        step_due_at = now + timedelta(minutes=step) if step else None
        self.scene.world.cases[case.name] = replace(case, step_due_at=step_due_at)

    def _silence(self, which: int, label: str, minutes: float) -> None:
        live, now = self.scene.ledger.live(), self.scene.clock.now()
        if not live:
            return
        one = live[which % len(live)]
        value = {"incident": one.id, "contract": one.root_id, "system": one.system}[label]
        label, value = (label, value) if value else ("incident", one.id)
        until = now + timedelta(minutes=minutes)
        silenced = Silenced(label=label, value=value, start=now, until=until)
        self.scene.world.silences.append(silenced)

    def _unsilence(self, which: int) -> None:
        silences, now = self.scene.world.silences, self.scene.clock.now()
        active = [index for index, one in enumerate(silences) if one.start <= now < one.until]
        if active:
            chosen = active[which % len(active)]
            silences[chosen] = replace(silences[chosen], until=now, ended=True)

    def _stands(self, process: int, after: int) -> None:
        name = sorted(self._processes)[process % len(self._processes)]
        self.scene.machine.standing[name] = after

    def _wakes(self, process: int) -> None:
        name = sorted(self._processes)[process % len(self._processes)]
        self.scene.machine.standing.pop(name, None)

    def _crashes(self, process: int, after: int) -> None:
        name = sorted(self._processes)[process % len(self._processes)]
        self.scene.machine.crashing[name] = after

    def _restarts(self, process: int) -> None:
        name = sorted(self._processes)[process % len(self._processes)]
        self.scene.machine.dead.add(name)
        self.scene.machine.bury(name)


def _of_case(change: Callable) -> Callable:
    def act(play: Play, number: int, *given) -> None:
        name = f"contract:clm:C-{number}"
        if name in play.scene.world.cases:
            change(play.scene.world, name, play.scene.clock.now(), *given)

    return act


def _by_hand(method: str, **given) -> Callable:
    def act(play: Play, which: int) -> None:
        play._calls(which, lambda service, one: getattr(service, method)(one, who=_WHO, **given))

    return act


_ACTS: dict[str, Callable] = {
    "case": Play._case,
    "fails": _of_case(World.fails),
    "heals": _of_case(World.heals),
    "moves": _of_case(World.moves),
    "pauses": _of_case(World.pauses),
    "completes": _of_case(World.completes),
    "opens": _of_case(World.opens),
    "extends": _of_case(World.extends),
    "merges": _of_case(World.merges),
    "parts": _of_case(World.parts),
    "acknowledges": _by_hand("acknowledge"),
    "resolves": _by_hand("resolve"),
    "assigns": _by_hand("assign", assignee=_WHO),
    "escalates": Play._escalates,
    "silences": Play._silence,
    "unsilences": Play._unsilence,
    "receiver": lambda play, name, mode: play.scene.modes.update({name: mode}),
    "crashes": Play._crashes,
    "away": lambda play, place, count: play.scene.machine.away.extend([place] * count),
    "stands": Play._stands,
    "wakes": Play._wakes,
    "restarts": Play._restarts,
    "calm": Play._calm,
}
