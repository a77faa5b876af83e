"""Rules played over what is known, by the functions that judge the present."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import polars as pl

from alerts.policy import Policies
from alerts.rehearsal import Fired, Rehearsal
from alerts.rules import Rule
from alerts.turn import Look
from threadline.api.services import ApiServices
from threadline.briefings import briefing
from threadline.marks import marking
from threadline.replaying.past import Past
from threadline.replaying.story import KEY, Story, story

MOST_LOOKS = 2_000
LEAST_APART = timedelta(minutes=1)
_HOPS = ("hop-failure", "hop-late")


@dataclass(frozen=True, kw_only=True)
class Ruled:
    """What one rule would have done: each time it `fired`, one by one, and how many `pages` came
    of it where cases of one cause are told as one.
    """

    rule: Rule
    fired: Sequence[Fired]
    pages: int


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What the rules would have done from `since` to `until`, and what that cannot know."""

    since: datetime
    until: datetime
    rules: Sequence[Ruled]
    unknown: Sequence[str]


def replay(services: ApiServices, policies: Policies, days: int, rule: str = "") -> Replay:
    """All rules together, for what one tells another need not; `rule` picks one of the answers."""
    now = services.clock.now()
    since = now - timedelta(days=days)
    told = story(services.figures(since), marking(policies, services.definitions), since, now)
    past = Past(services, policies, since, now)
    apart = max((now - since) / MOST_LOOKS, LEAST_APART)
    instants = _instants(told, past, since, now, apart)
    together = _rehearsed(services, policies, told, past, instants)
    alone = _rehearsed(services, _unfolded(policies), told, None, instants)
    chosen = [one for one in policies.rules if rule in ("", one.qualified)]
    return Replay(
        since=since,
        until=now,
        rules=[_ruled(one, together, alone) for one in chosen],
        unknown=list(_unknown(policies, apart, past)),
    )


def _ruled(rule: Rule, together: Sequence[Fired], alone: Sequence[Fired]) -> Ruled:
    """A rule about single cases fires for each of them, told as a part of a whole or not."""
    of_case = rule.on.startswith(("case-", "step-"))
    fired = [one for one in (alone if of_case else together) if _by(one, rule)]
    return Ruled(rule=rule, fired=fired, pages=sum(one.pages for one in together if _by(one, rule)))


def _by(fired: Fired, rule: Rule) -> bool:
    return fired.incident.rule == rule.qualified


def _unfolded(policies: Policies) -> Policies:
    return replace(policies, rules=tuple(r for r in policies.rules if r.on not in _HOPS))


def _instants(
    told: Story, past: Past, since: datetime, now: datetime, apart: timedelta
) -> list[datetime]:
    """When to look: where something happened, no closer than `apart`."""
    happened = [at.astimezone(UTC) for at in told.events["at"].to_list()]
    places = {-((since - at) // apart) for at in (*happened, *past.instants) if since < at <= now}
    return sorted({min(since + apart * place, now) for place in places})


def _rehearsed(
    services: ApiServices,
    policies: Policies,
    told: Story,
    past: Past | None,
    instants: Sequence[datetime],
) -> list[Fired]:
    start = instants[0] - LEAST_APART if instants else services.clock.now()
    rehearsal = Rehearsal(policies, partial(briefing, services.definitions), start)
    for look in _looks(told, past, instants, start):
        rehearsal.look(look)
    return rehearsal.fired()


def _looks(
    told: Story, past: Past | None, instants: Sequence[datetime], start: datetime
) -> Iterator[Look]:
    before = start
    for now in instants:
        touched = told.events.filter(pl.col("at").is_between(before, now, closed="right"))
        cases = told.at(now)
        yield Look(
            cases=cases.join(touched.select(KEY).unique(), on=KEY, how="semi"),
            now=now,
            today={},
            failing=told.failing_at(now) if touched.height else None,
            late=told.late(cases, now) if touched.height else None,
            readings=past.seen(before, now, cases) if past else (),
        )
        before = now


def _unknown(policies: Policies, apart: timedelta, past: Past) -> Iterator[str]:
    watched = {rule.on for rule in policies.rules}
    yield (
        "Everything is taken as received when it happened, by the deadlines and values of today:"
        " what was known too late, or moved since, would have fired otherwise."
    )
    minutes = apart.total_seconds() / 60
    yield f"What came and went between two looks, {minutes:.0f} minutes apart, is missed."
    yield "Silences, maintenance, acknowledgements and what people closed are left out."
    if watched & set(_HOPS) or "step-failure" in watched:
        yield "Of a step that failed several times, its first failure and last message are known."
    if watched & {"kpi", "value-at-risk", "silent-source"}:
        yield (
            f"Figures and silence are looked at every {past.every_hours:.0f} hours; for figures no"
            " source counts as silent."
        )
    if "growth" in watched:
        yield "What was replayed, tied or corrected since is not counted among what grew."
