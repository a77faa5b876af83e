"""The words for closes and restatements, shared by the pages and the commands."""

from __future__ import annotations

from threadline.wire import phrases
from threadline.wire.closes import (
    Close,
    CountedEntry,
    DefinitionChange,
    RestatedCase,
    RestatedKpi,
)
from threadline.wire.identity import Ruling

NOT_KEPT = "too much to tell one by one"
SAME = "as published"
_POINT = 0.01
HOW = {"entered": "counts now", "left": "counts no more", "changed": "counts otherwise"}
RULED = {"assert": "holds", "retract": "does not hold", "lift": "is left to the evidence"}
KIND = {"kpis": "KPI", "journeys": "journey", "calendars": "calendar", "sources": "source"}


def taken(close: Close) -> str:
    """Who closed it when, and from what knowledge."""
    again = f", revision {close.revision}" if close.revision > 1 else ""
    return (
        f"{close.period}{again}, closed by {close.who} on {phrases.instant(close.taken_at)} from"
        f" what was known on {phrases.instant(close.at)}"
    )


def published(item: RestatedKpi) -> str:
    """The value that was published."""
    return phrases.kpi_value(item.published) if item.published else phrases.NOTHING


def restated(item: RestatedKpi) -> str:
    """The value that today's knowledge gives."""
    gone = item.why or "the KPI is no more"
    return phrases.kpi_value(item.restated) if item.restated else gone


def difference(item: RestatedKpi) -> str:
    """By how much they differ: in value, else in what stands beside it."""
    before, after = item.published, item.restated
    if item.why:
        return "cannot be known any more"
    if not item.differs:
        return SAME
    if before is None or after is None or item.difference is None:
        return "one of them has no value"
    if not item.difference:
        counted = f": n {before.n:,} → {after.n:,}" if before.n != after.n else ""
        return f"the same, counted otherwise{counted}"
    if item.unit == "ratio" and abs(item.difference) < _POINT / 20:
        sign = "+" if item.difference > 0 else "−"
        return f"{sign}{abs(item.difference) / _POINT:.2g} points"
    return phrases.effect(after, item.difference)


def moved(item: RestatedKpi) -> str:
    """How many of what it is computed from entered, left and changed."""
    if item.entered is None:
        return NOT_KEPT if item.restated else phrases.NOTHING
    counts = {"entered": item.entered, "left": item.left, "changed": item.changed}
    said = [f"{n:,} {how}" for how, n in counts.items() if n]
    said += ["defined anew"] if item.redefined else []
    return ", ".join(said) or phrases.NOTHING


def standing(entry: CountedEntry | None) -> str:
    """How something counts: a word, and a time or an amount where it has one."""
    if entry is None:
        return "not counted"
    if entry.contributes is None or entry.unit in ("ratio", "cases"):
        return entry.standing
    if entry.unit == "facts":
        return f"{entry.contributes:,.0f} facts"
    value = phrases.quantity(entry.contributes, entry.unit, in_business_time=entry.business)
    return f"{entry.standing}, {value}"


def name(case: RestatedCase) -> str:
    """What counts otherwise: a contract, and which of its cases and steps."""
    entry = case.after or case.before
    if entry is None or not entry.contract:
        return entry.subject if entry else ""
    own = "" if entry.subject == entry.contract else entry.subject.split(":", 2)[-1]
    run = entry.journey.replace("-", " ")
    return ", ".join(part for part in (entry.number, own, run, entry.step) if part)


def changed(one: DefinitionChange) -> str:
    """A definition and since when it is another one."""
    what = " ".join(part for part in (KIND.get(one.kind, one.kind), one.name) if part)
    return f"{what}, since {phrases.instant(one.active_from)}"


def ruled(one: Ruling) -> str:
    """Who ruled what, and why."""
    tie = f"{one.child} {one.kind.replace('_', ' ')} {one.parent}"
    return f"{one.who} ruled on {phrases.instant(one.at)} that “{tie}” {RULED[one.act]}: {one.why}"


def unexplained(case: RestatedCase) -> bool:
    """Whether nothing was told, ruled or defined since that concerns it."""
    return not (case.facts or case.rulings or case.definitions or case.heard_since)
