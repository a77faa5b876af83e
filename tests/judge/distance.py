"""How far what can be known is from what happened, by scenario and by kind of trouble.

World truth is the same world told faithfully: every act as it was, at once, by clocks that agree,
without what was never done. Held against it is what the tape as told lets a perfect observer know,
which is what the service tells as long as the judge finds no difference.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from judge.observable import Truth
from judge.observed import Fact
from judge.seen import moment

CLOSE = timedelta(minutes=1)
SEEN, RIGHT, WRONG, NOBODY, CASE, CASE_RIGHT, STEP, STEP_RIGHT = range(8)


@dataclass(kw_only=True)
class Distance:
    """Counts of what happened and of what is known rightly, and cases by trouble."""

    facts: int = 0
    counts: Counter[int] = field(default_factory=Counter)
    troubles: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, told: Truth, real: Truth, truth: Mapping[str, Any]) -> None:
        """Take in one world; `truth` is its truth.json."""
        self.facts += len(real.facts)
        for key, fact in real.facts.items():
            if key in told.facts:
                self.counts[SEEN] += 1
                self.counts[_whose(told, told.facts[key], _roots(real, fact))] += 1
        kinds = defaultdict(list)
        for contract, fate in truth["fates"].items():
            kinds[contract].append(fate)
        for kind, contracts in truth["touched"].items():
            for contract in contracts:
                kinds[contract].append(kind)
        for key, case in real.told.cases.items():
            right = key in told.told.cases and _ended_alike(told.told.cases[key], case)
            own = kinds.get(case["root_id"].rpartition(":")[2], ())
            for counts in (self.counts, *(self.troubles[kind] for kind in own)):
                counts[CASE] += 1
                counts[CASE_RIGHT] += right
        for key, step in real.told.steps.items():
            if step["closed_at"]:
                known = told.told.steps.get(key, {}).get("closed_at")
                self.counts[STEP] += 1
                self.counts[STEP_RIGHT] += _close(known, step["closed_at"])

    def row(self) -> list[str]:
        """Facts; shares known, of these for the right, wrong, no contract; cases, steps right."""
        counts = self.counts
        attributed = counts[RIGHT] + counts[WRONG] + counts[NOBODY]
        return [
            f"{self.facts:,}",
            _share(counts[SEEN], self.facts),
            *(_share(counts[whose], attributed) for whose in (RIGHT, WRONG, NOBODY)),
            _share(counts[CASE_RIGHT], counts[CASE]),
            _share(counts[STEP_RIGHT], counts[STEP]),
        ]

    def by_trouble(self) -> Iterator[tuple[str, str, str]]:
        """By kind: how many cases of contracts it touched, and how many of them are known right."""
        for kind, counts in sorted(self.troubles.items()):
            yield kind, f"{counts[CASE]:,}", _share(counts[CASE_RIGHT], counts[CASE])


def _whose(told: Truth, fact: Fact, roots: set[str]) -> int:
    found = _roots(told, fact)
    if found == roots:
        return RIGHT
    return WRONG if found - roots else NOBODY


def _roots(truth: Truth, fact: Fact) -> set[str]:
    roots = {truth.ties.place(name, moment(fact))[2] for name in fact.speaks}
    return {root for root in roots if root.startswith("contract:")}


def _ended_alike(told: Mapping[str, Any], real: Mapping[str, Any]) -> bool:
    return all(_close(told[end], real[end]) for end in ("completed_at", "cancelled_at"))


def _close(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= CLOSE


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"
