"""What a single fact says, and whether a matcher means it: for the oracles."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache

from threadline.model.matching import Matcher, Predicate

Fact = dict


def moment(fact: Fact) -> datetime:
    """When a fact was, as far as that can be known."""
    return fact["at"] if plausible(fact) else fact["received_at"]


def same_amount(*written: str) -> bool:
    try:
        one, other = (Decimal(w).quantize(Decimal("0.01"), ROUND_HALF_EVEN) for w in written)
    except ArithmeticError:
        return False
    return one == other


def plausible(fact: Fact) -> bool:
    return bool(fact["plausible"]) and fact["at"] is not None


def good(facts: Iterable[Fact]) -> list[Fact]:
    return [fact for fact in facts if plausible(fact)]


def order(fact: Fact) -> tuple:
    return fact["at"], fact["fact_id"]


def first(facts: Iterable[Fact]) -> Fact | None:
    return min(facts, key=order, default=None)


def acts(facts: Iterable[Fact]) -> int:
    by_kind: dict[str, int] = defaultdict(int)
    for fact in facts:
        by_kind[fact["kind"]] += 1
    return max(by_kind.values(), default=0)


def text(fact: Fact, name: str) -> str | None:
    value = json.loads(fact["payload"]).get(name)
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value)


def holds(predicates: Iterable[Predicate], values: Mapping[str, str]) -> bool:
    for predicate in predicates:
        value = values.get(predicate.attribute)
        if value is not None and set(predicate.values) <= {"true", "false"}:
            value = value.lower()
        if value not in predicate.values:
            return False
    return True


def fits(matcher: Matcher, fact: Fact, failed: bool) -> bool:
    if not any(like(pattern, fact["name"]) for pattern in matcher.names):
        return False
    if matcher.systems and not any(like(p, fact["system"]) for p in matcher.systems):
        return False
    if matcher.kind not in ("any", fact["kind"]):
        return False
    if matcher.object_type and fact["object_type"] != matcher.object_type:
        return False
    asked = {p.attribute: text(fact, p.attribute) for p in matcher.where}
    if not holds(matcher.where, {k: v for k, v in asked.items() if v is not None}):
        return False
    if failed:
        return fact["outcome"] == "error" and matcher.outcome not in ("error", "any")
    wanted = {"success": ("ok", "unset"), "ok": ("ok",), "error": ("error",)}
    return matcher.outcome == "any" or fact["outcome"] in wanted[matcher.outcome]


def like(pattern: str, name: str) -> bool:
    return _pattern(pattern).fullmatch(name) is not None


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
