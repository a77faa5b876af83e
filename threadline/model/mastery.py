"""Which system masters an attribute of an object, and which systems hold copies of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Comparison = Literal["text", "number", "amount"]


@dataclass(frozen=True, kw_only=True)
class MasteredAttribute:
    """An attribute of every object of a type, mastered in one system and copied into others.

    `attribute` is the name facts carry it by, `names` the names that single systems use instead.
    An `amount` has its currency in the attribute `currency`. A copy may differ from the master for
    `within`, its propagation time; after that it is a mismatch.
    """

    name: str
    object_type: str
    master: str
    copies: tuple[str, ...]
    attribute: str
    names: Mapping[str, str]
    compare: Comparison
    currency: str
    within: timedelta

    @property
    def systems(self) -> tuple[str, ...]:
        """The master and those that hold copies."""
        return self.master, *self.copies

    def carried_as(self, system: str) -> str:
        """The name by which a fact of `system` carries it."""
        return self.names.get(system, self.attribute)

    @property
    def wanted(self) -> frozenset[str]:
        """Every attribute of facts that has to be read for it."""
        carried = (self.carried_as(system) for system in self.systems)
        return frozenset({*carried, self.currency} - {""})
