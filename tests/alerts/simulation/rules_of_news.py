"""Whoever was told hears how it went on, in this order, and nobody else does."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from simulation.ledger import Attempt, Owed, Version, told
from simulation.process import Scene
from simulation.setting import RECEIVERS

Broken = Iterator[tuple[str, str]]


def broken(scene: Scene) -> Broken:
    """What somebody does not know by now, or should not."""
    for trace in scene.ledger.traces.values():
        for receiver in RECEIVERS:
            rows = [
                owed
                for owed in scene.ledger.owed.values()
                if (owed.incident_id, owed.receiver) == (trace[0].id, receiver)
            ]
            yield from _over(scene, trace[-1], rows)
            yield from _too_soon(scene, rows)
            yield from _acknowledged(scene, trace, rows)
            yield from _strangers(scene, rows)
            yield from _overtaken(scene, rows)


def _came(scene: Scene, owed: Owed) -> list[Attempt]:
    return [
        one for one in scene.ledger.carried(owed.id) if one.arrived or one.outcome == "delivered"
    ]


def _refused(scene: Scene, owed: Owed) -> bool:
    return any(one.final for one in scene.ledger.carried(owed.id))


def _over(scene: Scene, last: Version, rows: list[Owed]) -> Broken:
    grace = scene.setting.escalation.grace
    heard = [owed for owed in rows if _came(scene, owed)]
    if last.state != "resolved" or not heard or scene.clock.now() <= last.resolved_at + grace:
        return
    refused = any(owed.kind == "resolved" and _refused(scene, owed) for owed in rows)
    if heard[-1].kind != "resolved" and not refused:
        yield "not told it is over", f"{heard[-1].receiver} of {last.id[:5]} {last.promise}"


def _too_soon(scene: Scene, rows: list[Owed]) -> Broken:
    """Nobody hears that something is over while it may still come back."""
    grace = scene.setting.escalation.grace
    for owed in rows:
        if owed.kind != "resolved" or owed.reason == "closed-by-hand":
            continue
        sure = scene.ledger.as_of(owed.incident_id, owed.tick).resolved_at + grace
        if any(one.at < sure for one in _came(scene, owed)):
            yield "over too soon", f"{told(owed)}: it may come back until {sure}"


def _acknowledged(scene: Scene, trace: list[Version], rows: list[Owed]) -> Broken:
    """Others hear who is on it."""
    last = trace[-1]
    since = [one for one in trace if one.acknowledged_at == last.acknowledged_at]
    if last.state != "acknowledged" or any(
        one.state != "acknowledged" or one.part_of for one in since
    ):
        return
    first = since[0]
    before = [
        owed
        for owed in rows
        if any(one.settled and one.settled < first.tick for one in _came(scene, owed))
    ]
    news = [owed for owed in rows if owed.kind == "update" and owed.turn == first.version]
    told_all = any(_came(scene, owed) or _refused(scene, owed) for owed in news)
    if before and before[-1].kind != "resolved" and not told_all:
        yield "not told who is on it", f"{before[-1].receiver} of {last.id[:5]}"


def _strangers(scene: Scene, rows: list[Owed]) -> Broken:
    """News goes to who may have been paged, and to who may have had news before."""
    for owed in rows:
        before = [other for other in rows if other.kind == "page" or other.id < owed.id]
        known = any(_may_know(scene, other, owed) for other in before)
        if owed.kind != "page" and _came(scene, owed) and not known:
            yield "news to a stranger", told(owed)


def _may_know(scene: Scene, before: Owed, owed: Owed) -> bool:
    """Whether it had come by then, or nobody could say that it had not."""
    claims = [tick for tick in scene.ledger.claimed[before.id] if tick < owed.tick]
    failed = [
        one
        for one in scene.ledger.carried(before.id)
        if one.settled
        and one.settled < owed.tick
        and not one.arrived
        # Who was overtaken by another's claim could not say how it went.
        and not any(one.claimed < tick <= one.settled for tick in claims)
    ]
    return len(claims) > sum(one.outcome not in ("delivered", "timeout") for one in failed)


def _overtaken(scene: Scene, rows: list[Owed]) -> Broken:
    """Nothing comes for the first time after what was owed later.

    Unless its sender stood still between its last look and the receiver's socket: when it went on,
    it was no longer its to send, and it could not know.
    """
    came = [
        (owed, min(ticks))
        for owed in rows
        if (ticks := [one.tick for one in _came(scene, owed) if one.at < one.until])
    ]
    for (owed, tick), (later, sooner) in pairwise(came):
        if sooner < tick and owed.id not in scene.ledger.resumed:
            yield "overtaken", f"{told(later)} came before {told(owed)}"
