"""Who is told next about an incident: a pure function of the incident, its policy and the time.

What must not happen, and why it does not:

- A page is missed: a step that is muted, or waits for business hours, is looked at again the
  instant that ends; what fell due while nobody looked is told then, each step to its receivers.
- A restart tells anew: which steps have been told stands in the incident, not in memory.
- Somebody who is on it is paged again: acknowledging ends the escalation, until it lapses.
- A part pages beside the whole: what is part of another incident is told by that one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from threadline.model.incidents import Incident

Reason = Literal[
    "due",
    "not-yet",
    "exhausted",
    "acknowledged",
    "lapsed",
    "resolved",
    "recorded",
    "silenced",
    "part-of",
]


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How big an incident has to be: any one of these that is named."""

    cases: int | None = None
    breached: int | None = None
    worth: Mapping[str, Decimal] = field(default_factory=dict)

    def reached(self, incident: Incident) -> bool:
        """Whether `incident` is as big."""
        worth = {unit: Decimal(total) for unit, total in incident.worth.items()}
        if incident.value is not None and not worth:
            worth = {incident.currency: incident.value}
        return (
            (self.cases is not None and incident.cases >= self.cases)
            or (self.breached is not None and incident.breached >= self.breached)
            or any(worth.get(unit, Decimal(0)) >= total for unit, total in self.worth.items())
        )


@dataclass(frozen=True, kw_only=True)
class EscalationStep:
    """`after` that time without acknowledgement, tell `receivers` (`policy/name` or `rota:name`).

    Only for these criticalities (empty: all), within these `hours` (empty: always), and for an
    incident that has the `reach` (None: any).
    """

    after: timedelta
    receivers: tuple[str, ...]
    criticality: frozenset[str] = frozenset()
    hours: str = ""
    reach: Reach | None = None

    def concerns(self, incident: Incident) -> bool:
        """Whether this step is to be taken for `incident` as it is now."""
        of_kind = not self.criticality or incident.criticality in self.criticality
        return of_kind and (self.reach is None or self.reach.reached(incident))


@dataclass(frozen=True, kw_only=True)
class Escalation:
    """The steps of a policy, and what is done around them.

    All steps are told again `every` that time after the last of them, so many `times`. An
    acknowledgement holds for `lapses` (None: for good). What ends is told after `grace`, and what
    comes back by then has never been away. What came back so often (`flaps`) within `flapping`
    pages only once it has stood for `steady`.
    """

    steps: tuple[EscalationStep, ...]
    every: timedelta | None = None
    times: int = 0
    lapses: timedelta | None = None
    grace: timedelta = timedelta(minutes=2)
    flaps: int = 3
    flapping: timedelta = timedelta(hours=6)
    steady: timedelta = timedelta(minutes=30)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The numbers (from 1) of the steps to tell now, why, and the incident once they are told."""

    reason: Reason
    steps: tuple[int, ...]
    incident: Incident


Opens = Callable[[str, datetime], datetime]


def always_open(_hours: str, at: datetime) -> datetime:
    """For policies without business hours."""
    return at


def begin(incident: Incident, at: datetime) -> Incident:
    """The incident at the start of a new episode, which begins `at`: nobody has been told yet."""
    return replace(
        incident,
        episode=incident.episode + 1,
        escalation_from=at,
        told_steps=(),
        rounds=0,
        told_cases=0,
        escalate_at=at,
    )


def decide(
    incident: Incident,
    policy: Escalation,
    now: datetime,
    *,
    muted_until: datetime | None = None,
    opens: Opens = always_open,
) -> Decision:
    """What is due at `now`; `incident` is unchanged but for how far it has come.

    `muted_until` is when the silences that match it now are over; `opens(hours, at)` the first
    instant from `at` on that lies within those business hours.
    """
    if incident.state == "acknowledged" and _lapsed(incident, now):
        return _decide(_reopened(incident, now), policy, now, muted_until, opens, "lapsed")
    if incident.state != "open":
        return Decision(reason=incident.state, steps=(), incident=incident)
    return _decide(incident, policy, now, muted_until, opens, "due")


def hasten(
    incident: Incident, policy: Escalation, now: datetime, *, opens: Opens = always_open
) -> Decision:
    """The next step now, however long it would have waited: nobody could be told, or so wished.

    Without one, the escalation is exhausted.
    """
    # In a silence it has begun with this; all that follows waits for the end of that.
    muted = incident.muted_until
    begun = _start(incident, min(now, muted)) if muted else incident.escalation_from
    start = begun or now
    since = _since(incident, now)
    waiting = _waiting(replace(incident, escalation_from=start), policy.steps, opens, since)
    if incident.state != "open" or not waiting:
        return Decision(reason="exhausted", steps=(), incident=incident)
    number, _ = min(waiting, key=lambda one: (one[1], one[0]))
    told = replace(
        incident, told_steps=tuple(sorted({*incident.told_steps, number})), escalation_from=start
    )
    ahead = [at for other, at in waiting if other != number]
    again = _again(told, policy, now, (number,)) if not ahead else None
    # What is due already stays due since then.
    soonest = min((at for at in (*ahead, again) if at is not None), default=None)
    return Decision(
        reason="due", steps=(number,), incident=replace(told, escalate_at=muted or soonest)
    )


def reopen(incident: Incident, policy: Escalation, at: datetime) -> Incident:
    """A new episode of what has come back: at once, or once it has stood if it comes and goes."""
    recent = [one for one in incident.reopenings if at - _instant(one) < policy.flapping]
    back = [*recent, at.isoformat()]
    start = at + policy.steady if len(back) >= policy.flaps else at
    return begin(replace(incident, reopenings=tuple(back)), start)


def resume(incident: Incident, at: datetime) -> Incident:
    """What was away until `at`: nothing that fell due meanwhile is taken for due before that."""
    look, muted = incident.escalate_at, incident.muted_until
    return replace(
        incident, escalate_at=look and max(look, at), muted_until=muted and max(muted, at)
    )


def spent(incident: Incident, policy: Escalation) -> Incident:
    """Nothing is left to tell in this episode, come what may."""
    every_step = tuple(range(1, len(policy.steps) + 1))
    return replace(incident, told_steps=every_step, rounds=policy.times, escalate_at=None)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _decide(
    incident: Incident,
    policy: Escalation,
    now: datetime,
    muted_until: datetime | None,
    opens: Opens,
    due: Reason,
) -> Decision:
    if incident.part_of:
        return Decision(reason="part-of", steps=(), incident=replace(incident, escalate_at=None))
    if muted_until is not None:
        return Decision(reason="silenced", steps=(), incident=_put_off(incident, muted_until))
    unmuted = _unmuted(incident, now)
    incident = _next_round(unmuted, policy, now)
    waiting = _waiting(incident, policy.steps, opens, _since(unmuted, now))
    told = tuple(number for number, at in waiting if at <= now)
    ahead = [at for number, at in waiting if at > now]
    after = replace(incident, told_steps=tuple(sorted({*incident.told_steps, *told})))
    if not ahead and (again := _again(incident, policy, now, told)) is not None:
        ahead = [again]
    after = replace(after, escalate_at=min(ahead, default=None))
    if told:
        return Decision(reason=due, steps=told, incident=after)
    return Decision(reason="not-yet" if ahead else "exhausted", steps=(), incident=after)


def _lapsed(incident: Incident, now: datetime) -> bool:
    return incident.escalate_at is not None and incident.escalate_at <= now


def _reopened(incident: Incident, now: datetime) -> Incident:
    opened = replace(
        incident, state="open", reason="lapsed", acknowledged_at=None, acknowledged_by=""
    )
    return begin(opened, now)


def _put_off(incident: Incident, until: datetime) -> Incident:
    """Nothing is told before `until`."""
    return replace(incident, escalate_at=until, muted_until=until)


def _unmuted(incident: Incident, now: datetime) -> Incident:
    """No silence matches any more, be it that it was ended before its time.

    Who looks late does not put off what was due since its end.
    """
    if incident.muted_until is None:
        return incident
    unmuted = min(now, incident.muted_until)
    start, look = _start(incident, unmuted), incident.escalate_at
    look = min(look, unmuted) if look else None
    return replace(incident, escalation_from=start, escalate_at=look, muted_until=None)


def _start(incident: Incident, unmuted: datetime) -> datetime | None:
    """What nobody has heard of begins once it is no longer muted, and no sooner than it would."""
    start = incident.escalation_from
    return max(start, unmuted) if start and _unheard(incident) else start


def _unheard(incident: Incident) -> bool:
    return not incident.told_steps and not incident.rounds


def _since(incident: Incident, now: datetime) -> datetime:
    """Since when it may be told what has not been: who looks late makes nothing due later."""
    due = incident.escalate_at
    return due if due is not None and due <= now else now


def _waiting(
    incident: Incident, steps: Sequence[EscalationStep], opens: Opens, since: datetime
) -> list[tuple[int, datetime]]:
    """The steps that have not been told and concern it, each with when it is due.

    None is due before `since`: what business hours had passed over by then waits for the next ones.
    """
    start = incident.escalation_from
    if start is None:
        return []
    return [
        (number, _within(step.hours, max(start + step.after, since), opens))
        for number, step in enumerate(steps, start=1)
        if number not in incident.told_steps and step.concerns(incident)
    ]


def _within(hours: str, at: datetime, opens: Opens) -> datetime:
    return opens(hours, at) if hours else at


def _again(
    incident: Incident, policy: Escalation, now: datetime, told: tuple[int, ...]
) -> datetime | None:
    """When the next round begins, or the last one has gone unanswered; None: neither comes."""
    if policy.every is None:
        return None
    if told:
        return now + policy.every
    kept = incident.escalate_at
    return kept if kept is not None and kept > now else None


def _next_round(incident: Incident, policy: Escalation, now: datetime) -> Incident:
    """A new round once all of this one has been told and its time has passed.

    When that is may have been forgotten over a silence, or over having been part of a whole.
    """
    concerned = {number for number, step in enumerate(policy.steps, 1) if step.concerns(incident)}
    complete = bool(incident.told_steps) and concerned <= set(incident.told_steps)
    start, every = incident.escalation_from, policy.every
    if not complete or incident.rounds >= policy.times or start is None or every is None:
        return incident
    # The policy may have had more steps when they were told.
    told = (
        step.after for number, step in enumerate(policy.steps, 1) if number in incident.told_steps
    )
    told_at = start + max(told, default=timedelta(0))
    at = max(incident.escalate_at or start, told_at + every)
    if at > now:
        return replace(incident, escalate_at=at)
    return replace(incident, rounds=incident.rounds + 1, told_steps=(), escalation_from=at)
