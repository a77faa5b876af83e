"""What must hold, asked at a calm instant: nothing is broken and all that was due has been done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from simulation import rules_of_deliveries, rules_of_incidents, rules_of_news, rules_of_pages
from simulation.process import Scene


@dataclass(frozen=True)
class Finding:
    """A rule that was broken, and how."""

    rule: str
    words: str


def verdict(scene: Scene, *, at_end: bool) -> list[Finding]:
    """All rules that are broken by now."""
    found: Iterator[tuple[str, str]] = chain(
        rules_of_incidents.broken(scene),
        rules_of_pages.broken(scene, at_end=at_end),
        rules_of_deliveries.broken(scene),
        rules_of_news.broken(scene),
    )
    return [Finding(rule, words) for rule, words in found]
