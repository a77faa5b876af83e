"""The incidents are those that the truth asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from simulation.ledger import Version
from simulation.process import Scene
from simulation.world import STEPS, SYSTEM, Case

Broken = Iterator[tuple[str, str]]


def broken(scene: Scene) -> Broken:
    """What is open and should not be, is not and should be, or does not say the truth."""
    now = scene.clock.now()
    yield from _failing_hop(scene, now)
    yield from _late_hops(scene, now)
    for case in scene.world.standing():
        wholes = _wholes(scene, case, now)
        for promise, passed in _promises(scene, case, now).items():
            yield from _promise(scene, case, promise, passed, wholes)
        yield from _failure(scene, case, wholes, now)
        yield from _parts(scene, case, wholes)


def _hop(scene: Scene, *, late: str = "") -> list[Version]:
    traces = scene.ledger.traces.values()
    hops = [trace for trace in traces if trace[0].promise.startswith("hop:")]
    promise = f"hop:{SYSTEM}:late:{late}"
    return next((one for one in hops if _meant(one[0].promise, promise, late)), [])


def _meant(found: str, promise: str, late: str) -> bool:
    return found == promise if late else ":late:" not in found


def _live(trace: list[Version]) -> bool:
    return bool(trace) and trace[-1].live


def _free(scene: Scene, step: str, now: datetime) -> list[Case]:
    """Late at `step`, and not because the system failed them."""
    failing = scene.world.failing(now) if _live(_hop(scene)) else []
    late = [one for one in scene.world.standing() if one.late_here(now)]
    return [one for one in late if STEPS[one.step] == step and one not in failing]


def _wholes(scene: Scene, case: Case, now: datetime) -> set[str]:
    """The ids of what tells of this case as one of many."""
    found = set()
    failing, late = _hop(scene), _hop(scene, late=STEPS[case.step])
    if _live(failing) and case in scene.world.failing(now):
        found.add(failing[-1].id)
    if _live(late) and case in _free(scene, STEPS[case.step], now):
        found.add(late[-1].id)
    return found


def _failing_hop(scene: Scene, now: datetime) -> Broken:
    rule, trace, cases = scene.setting.rule("hop-failure"), _hop(scene), scene.world.failing(now)
    if _live(trace):
        yield from _counted(trace[-1], cases, now)
    elif rule is not None:
        over = trace[-1].resolved_at if trace else None
        fresh = sorted(
            one.failed_at
            for one in cases
            if one.failed_at >= one.known_at and (over is None or one.failed_at > over)
        )
        last = fresh[rule.cases - 1 :]
        if any(end - start <= rule.within for start, end in zip(fresh, last, strict=False)):
            yield "missed hop", f"{len(fresh)} cases fail and no incident is open"


def _late_hops(scene: Scene, now: datetime) -> Broken:
    for step in STEPS:
        trace = _hop(scene, late=step)
        if _live(trace):
            yield from _counted(trace[-1], _free(scene, step, now), now)


def _counted(hop: Version, cases: list[Case], now: datetime) -> Broken:
    if not cases:
        yield "hop stays", f"{hop.promise} is open and no case hangs on it"
        return
    worth = {"EUR": Decimal(sum(one.value for one in cases))}
    late = [one for one in cases if one.late(now)]
    truth = len(cases), len(late), worth
    told = {unit: Decimal(total) for unit, total in hop.worth.items()}
    if (hop.cases, hop.breached, told) != truth:
        yield "hop counts", f"{hop.cases}, {hop.breached}, {told} instead of {truth}"


def _promises(scene: Scene, case: Case, now: datetime) -> dict[str, tuple[str, datetime] | None]:
    """The gravest deadline that has passed, by promise."""
    return {
        "case": _of_case(scene, case, now),
        **{f"step:{name}": _of_step(scene, case, name, now) for name in STEPS},
    }


def _of_case(scene: Scene, case: Case, now: datetime) -> tuple[str, datetime] | None:
    if case.over(now):
        return None
    if case.due_at < now:
        return "breach", case.due_at
    if scene.setting.rule("case-warning") and case.warn_at <= now:
        return "warning", case.warn_at
    return None


def _of_step(scene: Scene, case: Case, step: str, now: datetime) -> tuple[str, datetime] | None:
    here = step == STEPS[case.step] and not case.over(now)
    if not here or scene.setting.rule("step-deadline") is None:
        return None
    passed = case.step_due_at is not None and case.step_due_at < now
    return ("breach", case.step_due_at) if passed else None


def _of(scene: Scene, case: Case, promise: str) -> list[Version]:
    """The last versions of the incidents of a promise, under whatever id they were stored."""
    today = scene.world.merged
    last = [trace[-1] for trace in scene.ledger.traces.values()]
    return [
        one
        for one in last
        if one.promise == promise and today.get(one.case_id, one.case_id) == case.name
    ]


def _promise(
    scene: Scene,
    case: Case,
    promise: str,
    passed: tuple[str, datetime] | None,
    wholes: set[str],
) -> Broken:
    name = f"{case.name} {promise}"
    known = _of(scene, case, promise)
    live = [one for one in known if one.live]
    if passed is None or len(live) > 1:
        if len(live) > (passed is not None):
            yield "incident stays", f"{name}: {len(live)} are open, {passed} has passed"
        return
    if live:
        if (live[0].severity, live[0].deadline) != passed:
            yield "incident says", f"{name}: {live[0].severity} {live[0].deadline}, not {passed}"
    elif not wholes and passed[1] >= case.known_at and not _told(known, passed):
        yield "missed incident", f"{name}: {passed} has passed and nothing is open"


def _told(known: list[Version], passed: tuple[str, datetime]) -> bool:
    """Whether somebody closed it by hand, or it was told as a part of something."""
    return any(
        (one.severity, one.deadline) == passed
        and one.reason in ("closed-by-hand", "told-with-whole")
        for one in known
    )


def _failure(scene: Scene, case: Case, wholes: set[str], now: datetime) -> Broken:
    rule = scene.setting.rule("step-failure")
    failing = case in scene.world.failing(now)
    for step in STEPS:
        known = _of(scene, case, f"failed:{step}")
        live = [one for one in known if one.live]
        here = failing and step == STEPS[case.step]
        if live and not here:
            yield "failure stays", f"{case.name} {step}: has not failed and is open"
        due = rule is not None and here and case.known_at <= case.failed_at <= now - rule.after
        closed = any(one.reason == "closed-by-hand" for one in known)
        if due and not live and not wholes and not closed:
            yield "missed failure", f"{case.name} {step}: has failed and nothing is open"


def _parts(scene: Scene, case: Case, wholes: set[str]) -> Broken:
    today = scene.world.merged
    for one in scene.ledger.live():
        mine = today.get(one.case_id, one.case_id) == case.name
        if mine and one.part_of not in (wholes or {""}):
            yield "part", f"{one.case_id} {one.promise} is part of {one.part_of!r}, not of {wholes}"
