"""Figures beyond a bound, silent sources, growth: deciding what to do about one look at them. Pure.

What must not happen, and why it does not:

- A spike pages: a figure has to stand beyond its bound for the rule's time first. Since when it
  does is stored, so that a restart does not begin to count anew.
- A figure at its bound opens and closes again and again: it is well only at `clear`, and one that
  is back within the grace time has not been away.
- No data passes for good news, or for bad: what cannot be said opens nothing and ends nothing.
- What somebody has closed opens again by itself: it has to have been well in between. Growth that
  was closed opens again only by as many new ones.
- A silent source mutes its cases: its incident carries them, and their own go on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts import wording
from alerts.actions import (
    CLOSED_BY_HAND,
    GRAVITY,
    NO_RULE,
    REOPENED,
    Action,
    changes,
    handed_over,
    resolve,
    returned,
)
from alerts.figures import Figure, Stand
from alerts.policy import Policies
from alerts.rules import Rule
from threadline.model.incidents import (
    Incident,
    figure_promise,
    growth_promise,
    source_promise,
    value_promise,
)
from threadline.model.readings import Reading

PROMISES = ("kpi:", "value:", "source:", "growth:")
RECOVERED = "recovered"
SETTLED = "settled"
DEAD_LETTERS = "dead-letters"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What becomes of an incident, if anything, and since when its promise stands broken unheard
    of (None: it does not).
    """

    promise: str
    action: Action | None = None
    held: datetime | None = None


def evaluate(
    readings: Iterable[Reading],
    known: Iterable[Incident],
    held: Mapping[str, datetime],
    policies: Policies,
) -> Iterator[Judged]:
    """What each reading means, where it changes anything.

    `known` holds every incident about figures, sources and growth, `held` since when promises have
    stood broken. Applying all of it and evaluating again yields nothing.
    """
    book = {incident.promise: incident for incident in known}
    for reading in readings:
        source = None if reading.rule else book.get(source_promise(reading.part))
        rule = _rule(reading, source, policies)
        if rule is None:
            if source is not None and source.live:
                over = _over(source, NO_RULE, reading.at)
                yield Judged(promise=source.promise, action=over)
            continue
        promise = _promise(reading, rule)
        judged = decide(promise, reading, rule, book.get(promise), held.get(promise), policies)
        if judged.action is not None or judged.held != held.get(promise):
            yield judged


def ruleless(known: Iterable[Incident], policies: Policies, now: datetime) -> Iterator[Action]:
    """Live incidents that nobody watches any more are over."""
    for incident in known:
        mine = incident.live and incident.promise.startswith(PROMISES)
        if mine and not any(_watches(rule, incident) for rule in policies.rules):
            yield _over(incident, NO_RULE, now)


def decide(
    promise: str,
    reading: Reading,
    rule: Rule,
    incident: Incident | None,
    held: datetime | None,
    policies: Policies,
) -> Judged:
    """What one reading means for its promise."""
    stand = _stand(reading, rule, incident)
    if stand is None:
        return Judged(promise=promise, held=held)
    if incident is not None and incident.live:
        return Judged(promise=promise, action=_live(incident, reading, rule, stand))
    if stand != "over":
        closed = incident is not None and incident.reason == CLOSED_BY_HAND
        settled = _settled(incident) if incident and closed and stand == "clear" else None
        return Judged(promise=promise, action=settled)
    if incident is not None and incident.reason == CLOSED_BY_HAND and rule.on != "growth":
        return Judged(promise=promise)
    if incident is not None and _soon(incident, reading.at, policies):
        return Judged(promise=promise, action=_back(incident, reading, rule))
    since = held or reading.at
    if reading.at - since < rule.hold:
        return Judged(promise=promise, held=since)
    # It is held on to until the incident is known to be stored.
    return Judged(
        promise=promise, action=_open(promise, reading, rule, incident, since), held=since
    )


def _watches(rule: Rule, incident: Incident) -> bool:
    """Whether there may be readings, for this rule, of what the incident is about."""
    promise, figure = incident.promise, rule.figure or Figure()
    if rule.on == "kpi":
        of = figure_promise(rule.qualified, "")
        return promise.startswith(of) and figure.tells(promise.removeprefix(of))
    if rule.on == "value-at-risk":
        bounds = figure.limit.bound if figure.limit else ()
        return promise in {value_promise(rule.qualified, currency) for currency in bounds}
    part = incident.system
    named = not rule.systems or part in rule.systems
    if rule.on == "growth":
        return named and bool(part) == rule.each and promise == growth_promise(figure.of, part)
    return rule.on == "silent-source" and named and promise == source_promise(part)


def _rule(reading: Reading, source: Incident | None, policies: Policies) -> Rule | None:
    """The rule that is in charge; None: another one is, or none any more."""
    if not reading.rule:
        # Heard again, it is as urgent as it was: nothing waits for it.
        criticality = reading.criticality or (source.criticality if source else "")
        found = policies.responsible("silent-source", "", criticality, system=reading.part)
        return found[0] if found else None
    rule = next((one for one in policies.rules if one.qualified == reading.rule), None)
    if rule is None or rule.on != "growth":
        return rule
    return rule if rule in policies.responsible("growth", "", "", system=reading.part) else None


def _promise(reading: Reading, rule: Rule) -> str:
    if rule.on == "kpi":
        return figure_promise(rule.qualified, reading.part)
    if rule.on == "value-at-risk":
        return value_promise(rule.qualified, reading.part)
    if rule.on == "silent-source":
        return source_promise(reading.part)
    return growth_promise(rule.figure.of if rule.figure else "", reading.part)


def _stand(reading: Reading, rule: Rule, incident: Incident | None) -> Stand | None:
    """None: that cannot be said."""
    if rule.on == "growth":
        return _growth(reading, rule, incident)
    if rule.on == "silent-source":
        return _silence(reading, rule, incident)
    figure = rule.figure
    if figure is None or figure.limit is None or reading.value is None:
        return None
    if reading.n < figure.sample and rule.on == "kpi":
        return None
    currency = reading.part if rule.on == "value-at-risk" else ""
    stand = figure.limit.stand(reading.value, currency)
    return "between" if stand == "clear" and not reading.whole else stand


def _silence(reading: Reading, rule: Rule, incident: Incident | None) -> Stand | None:
    """One that was never heard of is missed by those who named it alone; one that has been silent
    for so long that nobody remembers is silent still.
    """
    if reading.value is None:
        missed = reading.part in rule.systems or (incident is not None and incident.live)
        return "over" if missed else None
    return "over" if reading.value > 0 else "clear"


def _growth(reading: Reading, rule: Rule, incident: Incident | None) -> Stand:
    if incident is None or not incident.live:
        more = rule.figure.more if rule.figure else 1
        return "over" if _came(reading, _from(reading, rule, incident)) >= more else "clear"
    if _came(reading, reading.at - rule.within):
        return "over"
    waits = rule.figure is not None and rule.figure.of == DEAD_LETTERS
    since = incident.since or incident.opened_at
    return "between" if waits and _came(reading, since - timedelta(microseconds=1)) else "clear"


def _from(reading: Reading, rule: Rule, incident: Incident | None) -> datetime:
    start = reading.at - rule.within
    if incident is None or incident.resolved_at is None:
        return start
    return max(start, incident.resolved_at)


def _came(reading: Reading, after: datetime) -> int:
    return sum(count for at, count in reading.arrivals if at > after)


def _live(incident: Incident, reading: Reading, rule: Rule, stand: Stand) -> Action | None:
    if stand == "clear":
        return _over(incident, RECOVERED, reading.at)
    if rule.on == "silent-source":
        reading = replace(reading, since=reading.since or incident.since)
    standing = _standing(reading, rule, incident.since or reading.at, stand)
    standing |= {"policy": rule.policy, "severity": rule.severity}
    changed = changes(incident, standing)
    if not changed:
        return None
    fresh = replace(incident, version=incident.version + 1, **standing)
    page, reason = handed_over(fresh, changed), "updated"
    if GRAVITY.index(fresh.severity) > GRAVITY.index(incident.severity):
        page, reason = fresh.state == "open", "raised"
        fresh = replace(fresh, reason=reason)
    return Action(incident=fresh, reason=reason, detail=changed, page=page, hanging=reading.hanging)


def _over(incident: Incident, reason: str, now: datetime) -> Action:
    return replace(resolve(incident, reason, now), hanging=frozenset())


def _settled(incident: Incident) -> Action:
    """What was closed by hand is well by itself: from now on it may open again."""
    fresh = replace(incident, reason=SETTLED, version=incident.version + 1)
    return Action(incident=fresh, reason=SETTLED)


def _soon(incident: Incident, at: datetime, policies: Policies) -> bool:
    """Whether what has ended is back so soon that it had not ended."""
    if incident.reason != RECOVERED or incident.resolved_at is None:
        return False
    return at - incident.resolved_at <= policies.escalation(incident.policy).grace


def _back(incident: Incident, reading: Reading, rule: Rule) -> Action:
    standing = _standing(reading, rule, incident.since or reading.at, "over")
    fresh = replace(incident, version=incident.version + 1, **standing)
    return replace(returned(fresh), hanging=reading.hanging)


def _open(
    promise: str, reading: Reading, rule: Rule, before: Incident | None, held: datetime
) -> Action:
    reason = REOPENED if before else "opened"
    since = _since(reading, rule, before, held)
    incident = Incident(
        id=hashlib.sha256(promise.encode()).hexdigest()[:16],
        case_id="",
        root_id="",
        promise=promise,
        severity=rule.severity,
        state="open",
        reason=reason,
        policy=rule.policy,
        opened_at=held + rule.hold,
        deadline=held + rule.hold,
        since=since,
        episode=before.episode if before else 0,
        reopenings=before.reopenings if before else (),
        version=before.version + 1 if before else 1,
        **_standing(reading, rule, since or held, "over"),
    )
    return Action(incident=incident, reason=reason, page=True, hanging=reading.hanging)


def _since(
    reading: Reading, rule: Rule, before: Incident | None, held: datetime
) -> datetime | None:
    """None: of a system that was never heard of."""
    if rule.on == "silent-source":
        return reading.since
    if rule.on == "growth":
        start = _from(reading, rule, before)
        return min((at for at, _ in reading.arrivals if at > start), default=held)
    return held


def _standing(reading: Reading, rule: Rule, since: datetime, stand: Stand) -> dict[str, Any]:
    """What changes about a live incident from look to look."""
    growth = rule.on == "growth"
    came = _came(reading, reading.at - rule.within)
    left = _came(reading, since - timedelta(microseconds=1))
    return {
        "rule": rule.qualified,
        "journey": reading.journey,
        "criticality": reading.criticality,
        "system": reading.part if growth or rule.on == "silent-source" else "",
        "cases": max(left if growth else reading.cases, 0),
        "breached": reading.breached,
        "worth": dict(reading.worth),
        "said": wording.said(reading, rule, since, stand, came=came, left=left),
    }
