"""What was delivered was owed then, repeats are marked, and limits lose nothing."""

from __future__ import annotations

from collections.abc import Iterator

from simulation.ledger import Attempt, Owed, told
from simulation.process import Scene

Broken = Iterator[tuple[str, str]]
_SHOWN = 20


def broken(scene: Scene) -> Broken:
    """What came that should not have, or not as it should."""
    for attempt in scene.ledger.attempts:
        if attempt.at is not None:
            yield from _owed_then(scene, attempt)
            yield from _as_it_should(scene, attempt)
    for row in scene.ledger.owed.values():
        yield from _repeats(scene, row)
    yield from _limits(scene)


def _owed_then(scene: Scene, attempt: Attempt) -> Broken:
    """By when it was claimed: what happens to an incident later cannot call it back."""
    for row in attempt.rows:
        owed = scene.ledger.owed[row]
        then = scene.ledger.as_of(owed.incident_id, attempt.claimed)
        place = f"{told(owed)} #{attempt.claimed}"
        by_hand = (owed.incident_id, owed.tick) in scene.ledger.hastened
        if owed.kind == "page" and then.state != "open":
            yield "page after its end", f"{place}: it was {then.state}"
        if owed.kind == "page" and then.episode != owed.episode:
            yield "page of another time", f"{place}: it was in episode {then.episode}"
        if owed.kind == "page" and then.part_of and not by_hand:
            yield "part paged", f"{place}: it was part of {then.part_of[:5]}"
        if owed.kind == "resolved" and then.live:
            yield "over and is not", f"{place}: it was {then.state}"


def _as_it_should(scene: Scene, attempt: Attempt) -> Broken:
    payload, rows = attempt.payload, [scene.ledger.owed[row] for row in attempt.rows]
    if len(rows) == 1:
        if payload["kind"] != rows[0].kind or payload["incident"] != rows[0].incident_id:
            yield "message", f"{told(rows[0])} came as {payload['kind']}"
        return
    items = [(one["incident"], one["kind"]) for one in payload["items"]]
    meant = [(one.incident_id, one.kind) for one in rows]
    whole = payload["kind"] == "digest" and payload["total"] == len(rows)
    if not whole or len(items) != min(_SHOWN, len(rows)) or set(items) - set(meant):
        yield "digest", f"{items}, {payload.get('total')} in all, for {meant}"


def _repeats(scene: Scene, row: Owed) -> Broken:
    """At most one repeat for every attempt that may have arrived unnoticed, and it is marked."""
    attempts = scene.ledger.carried(row.id)
    came = [one for one in attempts if one.at is not None]
    for attempt in came:
        before = [one for one in attempts if one.claimed < attempt.claimed]
        arrived = [one for one in before if one.arrived and one.tick < attempt.tick]
        if arrived and not attempt.repeat:
            yield "unmarked repeat", f"{told(row)} #{attempt.tick}"
        alone = len(attempt.rows) == 1
        if alone and attempt.repeat and not _doubts(scene, row, attempt, before):
            yield "marked for nothing", f"{told(row)} #{attempt.tick}"
    arrivals = [one for one in came if one.arrived]
    last = max(came, key=lambda one: one.claimed, default=None)
    if arrivals and len(arrivals) - 1 > _doubts(
        scene, row, last, [one for one in came if one is not last]
    ):
        yield "too many repeats", f"{told(row)} came {len(arrivals)} times"


def _doubts(scene: Scene, row: Owed, attempt: Attempt, before: list[Attempt]) -> int:
    """How often it may have arrived before `attempt`, for all its sender could know.

    A claim whose holder was not heard of again is one, whether or not it came to deliver.
    """
    claimed = attempt.claims[attempt.rows.index(row.id)] - 1
    claims = scene.ledger.claimed[row.id]
    known = [
        one
        for one in before
        if one.settled
        and one.settled <= attempt.claimed
        # Who was overtaken by another's claim could not say how it went.
        and not any(one.claimed < tick <= one.settled for tick in claims)
    ]
    return claimed - sum(one.outcome != "timeout" for one in known)


def _limits(scene: Scene) -> Broken:
    if scene.setting.evaluators > 1:
        return
    for receiver in scene.setting.receivers:
        if receiver.rate is None:
            continue
        sent = [
            one.at
            for one in scene.ledger.attempts
            if one.receiver == receiver.name and one.outcome == "delivered" and one.settled
        ]
        for at in sent:
            near = [one for one in sent if at - receiver.rate.per < one <= at]
            if len(near) > receiver.rate.limit:
                yield "rate", f"{receiver.name} got {len(near)} within {receiver.rate.per}"
                break
