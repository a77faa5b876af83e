"""Which facts are meant, and on which path from the object of a case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PathKind = Literal["self", "descendant", "owner", "root", "relation"]
Outcome = Literal["success", "ok", "error", "any"]
FactKind = Literal["any", "event", "span", "log", "row"]


@dataclass(frozen=True, kw_only=True)
class Path:
    """Where, seen from the case's object, a fact's object stands.

    `owner` is whatever owns the case's object, directly or not; `descendant` whatever it owns;
    `root` everything that has the same root. A `relation` is followed from its first object to its
    second, or `backwards`.
    """

    kind: PathKind
    relation: str = ""
    backwards: bool = False


SELF_AND_DESCENDANTS = (Path(kind="self"), Path(kind="descendant"))


@dataclass(frozen=True, kw_only=True)
class Predicate:
    """Holds when the attribute's text is one of `values`; booleans read `true` and `false`."""

    attribute: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How a fact stands to the one that closed `step`: all pairs of attributes equal, or one not.

    A pair is the attribute of the fact and that of the other. Amounts are compared to the cent,
    anything else as text; a pair of which one side is missing is neither equal nor unequal.
    """

    step: str
    equal: bool
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Matcher:
    """Which facts are meant. `names` and `systems` may hold `*`; no systems means any.

    `outcome`: `success` is ok or unset. `object_type`, if given, is the type of the fact's object.
    """

    names: tuple[str, ...]
    systems: tuple[str, ...] = ()
    kind: FactKind = "any"
    outcome: Outcome = "success"
    where: tuple[Predicate, ...] = ()
    paths: tuple[Path, ...] = SELF_AND_DESCENDANTS
    object_type: str = ""
