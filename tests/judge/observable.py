"""Observable truth as a whole: what a perfect observer of a tape knows, and what it means at once.

Facts and identity come from `observed` and `tied`; cases, steps and exceptions from the slow, plain
derivation that the tests of the metrics room use too, which shares the types of the definitions
with the real thing and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from judge.observed import Fact, Rules, facts, said
from judge.seen import rows
from judge.tape import Delivery
from judge.tied import Ties, tie
from metrics_oracle import Oracle

from collector import mapping
from metrics.definitions import Definitions

COLLECTOR = Path(__file__).parents[2] / "collector"
ANYTHING = "*"


@cache
def _rules() -> Rules:
    return Rules(COLLECTOR)


@cache
def _mapping() -> mapping.Mapping:
    return mapping.load()


class Truth:
    """All that the deliveries given can tell."""

    def __init__(self, deliveries: Iterable[Delivery], definitions: Definitions) -> None:
        self.rules = _rules()
        self.definitions = definitions
        self._said = {each.n: list(said(each, self.rules)) for each in deliveries}
        told = chain.from_iterable(self._said.values())
        self.facts = facts(told, self.rules)
        self.mastered = _mapping().mastered
        self.ties: Ties = tie(self.facts.values(), self.rules)

    @cached_property
    def told(self) -> Oracle:
        """Cases, steps and exceptions."""
        read = rows([fact for fact in self.facts.values() if self._matters(fact)], self.ties)
        return Oracle(self.definitions, **read)

    def heard(self) -> dict[str, datetime]:
        """When each system was last heard of."""
        last: dict[str, datetime] = {}
        for fact in self.facts.values():
            last[fact.system] = max(last.get(fact.system, fact.heard_at), fact.heard_at)
        return last

    def lost(self, fact: Fact) -> bool:
        """Whether it belongs to no contract: it speaks of nobody, or of what leads to no root."""
        if not fact.speaks:
            return fact.how == "none"
        return not any(self.ties.places[name][2] for name in fact.speaks)

    def tally(self, sent: Iterable[Delivery]) -> dict[str, int]:
        """How many facts the requests `sent` hold, how many of them again, and rival versions."""
        told = [(fact.fact_id, fact.content) for each in sent for fact in self._said[each.n]]
        versions = set(told)
        return {
            "facts": len(told),
            "duplicates": len(told) - len(versions),
            "versions": len(versions) - len({fact_id for fact_id, _ in versions}),
        }

    def _matters(self, fact: Fact) -> bool:
        """Whether any journey looks for such a fact, or one of its attributes is read."""
        named = any(
            fact.name.startswith(name.split(ANYTHING)[0]) if ANYTHING in name else fact.name == name
            for name in self.definitions.event_names
        )
        wanted = self.definitions.wanted.union(*(one.wanted for one in self.mastered))
        ends = ("valid_from", "valid_to")
        wanted |= {kind[end] for kind in self.rules.objects.values() for end in ends if end in kind}
        return named or bool(wanted & fact.attributes.keys())


def standing(case: dict[str, Any], now: datetime, silent: Collection[str]) -> tuple[str, str]:
    """State and SLA state of a case at `now` (docs/adr/0006)."""
    due, warn = case["due_at"], case["warn_at"]
    if _by(case["completed_at"], now):
        if due is None:
            return "completed", "unknown"
        return "completed", "missed" if case["completed_at"] > due else "met"
    if _by(case["cancelled_at"], now):
        return "cancelled", "unknown"
    paused = _by(case["paused_from"], now) and now < case["paused_until"]
    at = case["paused_from"] if paused else now
    state = "paused" if paused else "open"
    if due is None:
        return state, "unknown"
    if at < warn:
        return state, "on_track"
    if set(case["waiting_systems"]) & set(silent):
        return state, "unknown"
    return state, "breached" if at > due else "at_risk"


def _by(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now
