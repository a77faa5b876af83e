"""Every page that is owed has come, none before its time, none that nobody is owed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from alerts.escalation import EscalationStep
from simulation import episodes
from simulation.episodes import Episode
from simulation.ledger import Owed, Version, told
from simulation.process import Scene
from simulation.setting import NOBODY, RECEIVERS, ROTA, on_duty, opens

Broken = Iterator[tuple[str, str]]


def broken(scene: Scene, *, at_end: bool) -> Broken:
    """What was missed, came too early, or should not have come."""
    for trace in scene.ledger.traces.values():
        begun = episodes.of(trace, scene.setting.escalation)
        yield from _numbered(trace, begun)
        yield from _rightly_begun(scene, begun)
        yield from _acknowledged(scene, trace)
        yield from _parted_off(scene, trace, begun)
        yield from _due(scene, trace, begun, at_end=at_end)
        for owed in scene.ledger.owed.values():
            if owed.incident_id == trace[0].id and owed.kind == "page":
                yield from _early(scene, owed, begun)


def labels(incident: Version) -> dict[str, str]:
    """What silences go by."""
    found = {"incident": incident.id, "contract": incident.root_id, "system": incident.system}
    return {name: value for name, value in found.items() if value}


def _numbered(trace: list[Version], begun: list[Episode]) -> Broken:
    numbers = {episode.version.tick: number for number, episode in enumerate(begun, start=1)}
    number = 0
    for version in trace:
        number = numbers.get(version.tick, number)
        if version.episode != number:
            words = f"{version.id[:5]} is in episode {version.episode}, not {number}"
            yield "episode", f"{words} (#{version.tick})"
            return


def _rightly_begun(scene: Scene, begun: list[Episode]) -> Broken:
    """Nobody is paged for what was over before its case was known, or for a lapse too early."""
    lapses = scene.setting.escalation.lapses
    for episode in begun:
        version = episode.version
        if episode.why in ("opened", "reopened") and version.case_id:
            case = scene.world.cases[version.case_id]
            if version.promise[:4] in ("case", "step") and version.deadline < case.known_at:
                yield "backfill", f"{version.id[:5]} pages for {version.deadline}"
        if episode.why == "lapsed":
            before = _before(scene, version)
            if lapses is None or version.at < before.acknowledged_at + lapses:
                yield "lapse", f"{version.id[:5]} is open again at {version.at}"


def _before(scene: Scene, version: Version) -> Version:
    return scene.ledger.as_of(version.id, version.tick - 1)


def _acknowledged(scene: Scene, trace: list[Version]) -> Broken:
    last, lapses = trace[-1], scene.setting.escalation.lapses
    if last.state != "acknowledged" or lapses is None or last.part_of or _merged(trace):
        return
    if last.acknowledged_at + lapses <= scene.clock.now() - timedelta(seconds=1):
        yield "no lapse", f"{last.id[:5]} has been acknowledged since {last.acknowledged_at}"


def _parted_off(scene: Scene, trace: list[Version], begun: list[Episode]) -> Broken:
    """What comes back because its case was parted from another pages nobody."""
    merged = [version for version in trace if version.reason == "merged"]
    for owed in scene.ledger.owed.values() if merged else ():
        mine = owed.incident_id == trace[0].id and owed.kind == "page"
        by_hand = (owed.incident_id, owed.tick) in scene.ledger.hastened
        begins = [one.version.tick for one in begun if one.version.tick <= owed.tick]
        before = [one.tick for one in merged if one.tick < owed.tick]
        if mine and before and before[-1] > max(begins, default=0) and not by_hand:
            yield "parted off", f"{told(owed)} #{owed.tick}, merged #{before[-1]}"


def _merged(trace: list[Version]) -> bool:
    return any(version.reason == "merged" for version in trace)


def _due(scene: Scene, trace: list[Version], begun: list[Episode], *, at_end: bool) -> Broken:
    """At a calm instant each step whose time has come has been told to its receivers."""
    last, now = trace[-1], scene.clock.now()
    muted = scene.world.muted(labels(last), now)
    if last.state != "open" or last.part_of or muted or not begun or _merged(trace):
        return
    base = _base(scene, trace, begun[-1])
    for number, step in enumerate(scene.setting.escalation.steps, start=1):
        if not episodes.concerns(step, last) or NOBODY in step.receivers:
            continue
        due = _opens(step, base + step.after)
        turns = _turns(scene, base, now) if at_end else 1
        for turn in range(turns if due <= now else 0):
            yield from _missed(scene, last, number, turn, step)


def _base(scene: Scene, trace: list[Version], episode: Episode) -> datetime:
    """From when on steps count at the latest: nothing held it back after that."""
    found = [episode.start]
    names = labels(trace[-1]).items()
    for silence in scene.world.silences:
        if (silence.label, silence.value) in names:
            later = [one.at for one in trace if one.at >= silence.until]
            found += [silence.until, *later[: silence.ended]]
    for before, version in pairwise(trace):
        parted = before.part_of and not version.part_of
        renamed = scene.world.muted(labels(before), version.at)  # till then, under its old labels
        if parted or renamed or (version.live and not before.live):
            found.append(version.at)
    return max(at for at in found if at <= max(scene.clock.now(), episode.start))


def _turns(scene: Scene, base: datetime, now: datetime) -> int:
    """How many rounds there must have been."""
    plain = all(
        not (one.hours or one.reach or one.criticality) and one.receivers[0] not in (ROTA, NOBODY)
        for one in scene.setting.escalation.steps
    )
    return scene.setting.escalation.times + 1 if plain and now >= base + scene.setting.length else 1


def _missed(scene: Scene, last: Version, number: int, turn: int, step: EscalationStep) -> Broken:
    groups = [RECEIVERS[:2] if name == ROTA else (name,) for name in step.receivers]
    for group in groups:
        if not any(_heard(scene, last, number, turn, name) for name in group):
            words = f"step {number}.{turn} of episode {last.episode} to {' or '.join(group)}"
            yield "missed page", f"{last.id[:5]} {last.promise}: {words}"


def _heard(scene: Scene, last: Version, number: int, turn: int, receiver: str) -> bool:
    """Whether it came, or cannot: then who stands in has to have heard.

    A step that came to concern the incident later was told in a later round.
    """
    wanted = last.id, last.episode, "page", number, receiver
    step = scene.setting.escalation.steps[number - 1]
    late = step.reach is not None or bool(step.criticality)
    for owed in scene.ledger.owed.values():
        place = owed.incident_id, owed.episode, owed.kind, owed.step, owed.receiver
        if place == wanted and (late or owed.turn == turn):
            attempts = scene.ledger.carried(owed.id)
            if any(one.arrived or one.outcome == "delivered" for one in attempts):
                return True
            if any(one.final for one in attempts):
                others = scene.setting.fallback(receiver)
                return all(_heard(scene, last, number, turn, other) for other in others)
    return False


def _opens(step: EscalationStep, at: datetime) -> datetime:
    return opens(step.hours, at) if step.hours else at


def _early(scene: Scene, owed: Owed, begun: list[Episode]) -> Broken:
    policy = scene.setting.escalation
    if not 1 <= owed.episode <= len(begun) or owed.turn > policy.times:
        yield "strange page", f"{told(owed)}: of episode {owed.episode} of {len(begun)}"
        return
    step, version = policy.steps[owed.step - 1], scene.ledger.as_of(owed.incident_id, owed.tick)
    # Who stands in is told what others were owed, whatever has become of it since.
    begun_at = min(
        one.tick for one in scene.ledger.owed.values() if _step_of(one) == _step_of(owed)
    )
    if not episodes.concerns(step, scene.ledger.as_of(owed.incident_id, begun_at)):
        yield "wrong step", f"{told(owed)}: it is not for an incident like this"
    if owed.receiver not in _meant(scene, owed, step):
        yield "wrong receiver", told(owed)
    yield from _silenced(scene, owed, version)
    skips = any(NOBODY in one.receivers for one in policy.steps)
    if skips or owed.incident_id in {one for one, _ in scene.ledger.hastened}:
        return
    rounds = owed.turn * (policy.every or timedelta(0))
    due = _opens(step, begun[owed.episode - 1].start + step.after + rounds)
    if owed.at < due:
        yield "early page", f"{told(owed)} at {owed.at}, due at {due}"


def _meant(scene: Scene, owed: Owed, step: EscalationStep) -> set[str]:
    """Who may be told of a step: its receivers, whoever was on duty, and who stands in for those
    who were owed it before.
    """
    groups = [on_duty("duty", owed.owed_at) if name == ROTA else (name,) for name in step.receivers]
    before = [other for other in scene.ledger.owed.values() if other.id < owed.id]
    there = {other.receiver for other in before if _step_of(other) == _step_of(owed)}
    instead = {name for other in there for name in scene.setting.fallback(other)}
    return instead.union(*groups)


def _step_of(owed: Owed) -> tuple[str, int, str, int, int]:
    return owed.incident_id, owed.episode, owed.kind, owed.step, owed.turn


def _silenced(scene: Scene, owed: Owed, version: Version) -> Broken:
    """Nothing is owed in a silence, and who stands in for somebody owed before it hears nothing."""
    if (owed.incident_id, owed.tick) in scene.ledger.hastened:
        return
    others = (one for one in scene.ledger.owed.values() if _step_of(one) == _step_of(owed))
    stands_in = any(one.tick < owed.tick for one in others)
    came = [one.at for one in scene.ledger.carried(owed.id) if one.arrived]
    for silence in scene.world.silences:
        if silence.start < owed.owed_at and silence.covers(labels(version), owed.owed_at):
            if stands_in and not any(silence.covers(labels(version), at) for at in came):
                continue
            yield "silenced page", f"{told(owed)} at {owed.owed_at}, silenced until {silence.until}"
