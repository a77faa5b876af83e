"""What is wrong, in one line that somebody understands who has never seen the rule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from alerts.figures import Limit, Stand
from alerts.rules import Rule
from threadline.model.readings import Reading
from threadline.wire import phrases

_OF = {
    "orphans": "facts that belong to no contract",
    "conflicts": "ties that contradict each other",
    "mismatches": "copies that differ from their master",
    "dead-letters": "dead letters",
}


def said(
    reading: Reading, rule: Rule, since: datetime, stand: Stand, *, came: int, left: int
) -> str:
    """The line of an incident; of growth, `came` within the rule's time and `left` in all."""
    if rule.on == "growth":
        return _growth(reading, rule, came, left)
    if rule.on == "silent-source":
        return _silence(reading)
    figure = rule.figure
    if figure is None or figure.limit is None or reading.value is None:
        return reading.title
    currency = reading.part if rule.on == "value-at-risk" else ""
    how = _beyond(reading, figure.limit, currency, since, stand)
    if rule.on == "value-at-risk":
        contracts = _counted(reading.n, "contract")
        return f"{reading.title}: {_quantity(reading, reading.value)} in {contracts}, {how}"
    place = "".join(f", {part.partition('=')[2]}" for part in reading.part.split(",") if part)
    window = figure.window.replace("-", " ")
    value = f"{_quantity(reading, reading.value)} (n {reading.n:,})"
    return f"{reading.title}, {window}{place}: {value}, {how}"


def money(worth: Mapping[str, str]) -> str:
    """`EUR 1,200,000.00 and USD 400.00`."""
    return " and ".join(f"{unit} {Decimal(total):,}" for unit, total in worth.items())


def _beyond(reading: Reading, limit: Limit, currency: str, since: datetime, stand: Stand) -> str:
    bound = limit.bound[currency]
    held = f"{limit.side} {_quantity(reading, bound)} since {_instant(since)}"
    if stand == "over":
        return held
    return f"was {held}, not yet back at {_quantity(reading, limit.clear.get(currency, bound))}"


def _quantity(reading: Reading, value: Decimal) -> str:
    if reading.unit in ("seconds", "ratio", "cases"):
        unit, business = reading.unit, reading.business
        return phrases.quantity(float(value), unit, in_business_time=business)
    return f"{reading.unit} {value:,.0f}".strip()


def _silence(reading: Reading) -> str:
    heard = f"since {_instant(reading.since)}" if reading.since else "ever"
    line = f"{reading.title or reading.part} is silent: nothing was heard {heard}"
    if not reading.cases:
        return f"{line}; no open case waits for it"
    verb = "waits" if reading.cases == 1 else "wait"
    late = f", {reading.breached:,} past a deadline" if reading.breached else ""
    worth = f", contracts worth {money(reading.worth)}" if reading.worth else ""
    return f"{line}; {_counted(reading.cases, 'open case')} {verb} for it{late}{worth}"


def _growth(reading: Reading, rule: Rule, came: int, left: int) -> str:
    of = rule.figure.of if rule.figure else ""
    what = _OF.get(of, of)
    source = f" of {reading.part}" if reading.part else ""
    if not came:
        return f"{left:,} {what}{source} wait to be replayed; no more have come"
    within = phrases.duration(rule.within.total_seconds())
    return f"{came:,} more {what}{source} within {within}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _instant(at: datetime) -> str:
    return f"{at:%d %b %H:%M} UTC"
