"""What came of an attack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from target import Target


@dataclass(frozen=True)
class Outcome:
    """An attack, whether it was refused or shown harmless, and how that showed."""

    attack: str
    held: bool
    how: str


Attack = Callable[[Target], Iterator[Outcome]]


def refused(attack: str, status: int, *expected: int) -> Outcome:
    """Held when the answer is one of those expected."""
    return Outcome(attack, status in expected, f"answered {status}")
