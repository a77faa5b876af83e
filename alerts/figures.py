"""Figures that rules watch: which one, what it must not be, and from where on it is well again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, get_args

from alerts.durations import duration
from threadline.definitions import Document
from threadline.errors import DefinitionError

Side = Literal["above", "below"]
Growing = Literal["orphans", "conflicts", "mismatches", "dead-letters"]
Stand = Literal["over", "between", "clear"]

FIGURES = ("kpi", "value-at-risk", "growth", "silent-source")
SIDES: tuple[Side, ...] = get_args(Side)


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What a figure must not be: above, or below, `bound`; only at `clear` is it well again.

    Both are by currency, or of '' for a figure without one: a ratio, a count, seconds.
    """

    side: Side
    bound: Mapping[str, Decimal]
    clear: Mapping[str, Decimal] = field(default_factory=dict)

    def stand(self, value: Decimal, currency: str = "") -> Stand:
        """Where `value` is; a currency without a bound is never over."""
        bound = self.bound.get(currency)
        if bound is None:
            return "clear"
        sign = 1 if self.side == "above" else -1
        if (value - bound) * sign > 0:
            return "over"
        return "between" if (value - self.clear.get(currency, bound)) * sign > 0 else "clear"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What a rule watches beside cases.

    Of a `kpi` its values over the `window` of that name, of the groups where the dimensions are as
    `where` says, one incident per value of `by`; below so many (`sample`) it says nothing. `of`
    what may grow, by `more` than so many.
    """

    kpi: str = ""
    window: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    by: str = ""
    sample: int = 1
    limit: Limit | None = None
    of: Growing | Literal[""] = ""
    more: int = 1

    def tells(self, part: str) -> bool:
        """Whether a reading of a KPI may be of this part: its dimensions, perhaps a currency."""
        names = sorted({*self.where, *filter(None, [self.by])})
        labels = (re.escape(self.where[name]) if name in self.where else ".*" for name in names)
        apart = [f"{re.escape(name)}={label}" for name, label in zip(names, labels, strict=True)]
        return bool(re.fullmatch(",".join(apart) + "(,?currency=.*)?", part, re.DOTALL))

    @property
    def words(self) -> tuple[str, ...]:
        """What a rule without a name is called after."""
        side = self.limit.side if self.limit and self.kpi else ""
        chosen = [f"{name}={value}" for name, value in sorted(self.where.items())]
        return (self.kpi, self.of, self.window, *chosen, self.by and f"by {self.by}", side)


def declared(raw: Mapping[str, Any]) -> Figure | None:
    """The figure of a rule that fits the schema; None for a rule about cases."""
    if raw["when"] not in FIGURES:
        return None
    given = {name: raw[name] for name in ("kpi", "window", "by", "sample", "of") if name in raw}
    return Figure(where=raw.get("where", {}), more=raw.get("more", 1), limit=_limit(raw), **given)


def faults(document: Document, index: int) -> Iterator[DefinitionError]:
    """What the schema cannot say of the figure of the rule at `index`."""
    rule = document.content["rules"][index]
    on = rule["when"]
    sides: list[str] = [side for side in SIDES if side in rule]
    for key in _NEEDED.get(on, ()):
        if key not in rule:
            yield document.error(["rules", index, "when"], f"{on} needs {key}")
    if on in ("kpi", "value-at-risk") and len(sides) != 1:
        needed = "one of above and below" if on == "kpi" else "above"
        yield document.error(["rules", index, (sides or ["when"])[-1]], f"{on} needs {needed}")
        return
    for key in (*sides, "clear"):
        if key in rule and on in FIGURES and isinstance(rule[key], dict) != (on == "value-at-risk"):
            meant = "is by currency" if on == "value-at-risk" else "is a number, 95% or 8h"
            yield document.error(["rules", index, key], f"{meant} for {on}")
            return
    if sides and on in FIGURES:
        yield from _beyond(document, index)


def _beyond(document: Document, index: int) -> Iterator[DefinitionError]:
    """A figure is not well again while it is still on the wrong side."""
    limit = _limit(document.content["rules"][index])
    for currency, clear in (limit.clear if limit else {}).items():
        if limit is None or currency not in limit.bound:
            yield document.error(["rules", index, "clear"], f"{currency} has no bound of its own")
        elif limit.stand(clear, currency) == "over":
            meant = f"lies {limit.side} the bound, so that it would never be well again"
            yield document.error(["rules", index, "clear"], meant)


_NEEDED: Mapping[str, tuple[str, ...]] = {"kpi": ("kpi", "window"), "growth": ("of",)}


def _limit(raw: Mapping[str, Any]) -> Limit | None:
    side = next((side for side in SIDES if side in raw), None)
    if side is None:
        return None
    return Limit(side=side, bound=_amounts(raw[side]), clear=_amounts(raw.get("clear", {})))


def _amounts(given: Any) -> Mapping[str, Decimal]:
    if isinstance(given, dict):
        return {unit: Decimal(str(total)) for unit, total in given.items()}
    return {"": _amount(given)}


def _amount(given: Any) -> Decimal:
    """A plain number; a share for a percentage, seconds for a duration."""
    text = str(given)
    if text.endswith("%"):
        return Decimal(text[:-1]) / 100
    if text[-1] in "smhd":
        return Decimal(int(duration(text).total_seconds()))
    return Decimal(text)
