"""Alert rules: what opens an incident, and which rule is responsible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

from alerts import figures
from alerts.durations import duration
from alerts.figures import Figure
from threadline.definitions import Document
from threadline.errors import DefinitionError
from threadline.model.incidents import Severity

When = Literal[
    "case-warning",
    "case-deadline",
    "step-deadline",
    "step-failure",
    "hop-failure",
    "hop-late",
    "kpi",
    "value-at-risk",
    "silent-source",
    "growth",
]
Clock = Literal["elapsed", "business"]

CRITICALITY = ("revenue", "delivery", "reference")  # the gravest first


@dataclass(frozen=True, kw_only=True)
class Mark:
    """An instant told by a promise: when so much of it is used up, or so long beside its end.

    `share` is of the time promised, `offset` (negative: before) from the deadline, one of both.
    """

    share: Decimal | None = None
    offset: timedelta | None = None
    clock: Clock = "elapsed"

    @property
    def name(self) -> str:
        """The same for equal marks: the column `mark:<name>` holds its instants."""
        if self.share is not None:
            return f"{self.share.normalize():f}%"
        offset = self.offset or timedelta(0)
        return f"{int(offset.total_seconds()):+d}s {self.clock}"

    @property
    def before(self) -> bool:
        """Whether the promise can still be kept then."""
        if self.share is not None:
            return self.share < 100
        return self.offset is not None and self.offset < timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`policy` takes care of `on` for these journeys, steps, criticalities; an empty set is all.

    A deadline's rule may name a `mark` beside it. `hop-failure` and `hop-late` are that so many
    `cases` failed by one error, or became late at one step, on one system `within` that time; a
    `step-failure` that a case has not recovered for `after`. A rule may watch a `figure`, or that a
    source is silent, and acts once that has stood for `hold`. `severity` is what its incidents
    have.
    """

    name: str
    on: When
    policy: str
    severity: Severity
    journeys: frozenset[str] = frozenset()
    criticality: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    systems: frozenset[str] = frozenset()
    mark: Mark | None = None
    cases: int = 3
    within: timedelta = timedelta(hours=1)
    after: timedelta = timedelta(0)
    figure: Figure | None = None
    hold: timedelta = timedelta(0)

    @property
    def qualified(self) -> str:
        """`policy/rule`, unique."""
        return f"{self.policy}/{self.name}"

    @property
    def beside(self) -> str:
        """The name of its mark; rules for the same instant may be rivals."""
        if self.on == "growth" and self.figure:
            return f"{self.figure.of} by system" if self.each else self.figure.of
        return self.mark.name if self.mark else ""

    @property
    def each(self) -> bool:
        """Whether growth is told of each system by itself."""
        return bool(self.systems) or bool(self.figure and self.figure.by)

    def covers(self, journey: str, criticality: str, step: str = "", system: str = "") -> bool:
        """Whether it is about such a case."""
        asked = (
            (self.journeys, journey),
            (self.criticality, criticality),
            (self.steps, step),
            (self.systems, system),
        )
        return all(not named or value in named for named, value in asked)

    @property
    def precision(self) -> tuple[bool, bool, bool, bool]:
        """A rule that names more goes before others: steps, then journeys, systems, criticality."""
        return bool(self.steps), bool(self.journeys), bool(self.systems), bool(self.criticality)

    def rivals(self, other: Rule) -> bool:
        """Whether both may cover the same case with neither going before the other."""
        pairs = (
            (self.journeys, other.journeys),
            (self.criticality, other.criticality),
            (self.steps, other.steps),
            (self.systems, other.systems),
        )
        return (
            (self.on, self.beside) == (other.on, other.beside)
            and self.on not in ("kpi", "value-at-risk")  # each its own incidents
            and self.precision == other.precision
            and all(not mine or bool(mine & others) for mine, others in pairs)
        )


_SEVERITY: Mapping[When, Severity] = {
    "case-warning": "warning",
    "case-deadline": "breach",
    "step-deadline": "breach",
    "step-failure": "failure",
    "hop-failure": "failure",
    "hop-late": "failure",
    "kpi": "warning",
    "value-at-risk": "warning",
    "silent-source": "failure",
    "growth": "warning",
}

# With the longest patience (64 hours and a day) it stays within what is remembered.
_LONGEST_SILENCE = timedelta(days=4)

# Which keys are for which triggers; the others are for all.
_ONLY: Mapping[str, tuple[When, ...]] = {
    "journeys": ("case-warning", "case-deadline", "step-deadline", "step-failure", "value-at-risk"),
    "criticality": (
        *("case-warning", "case-deadline", "step-deadline", "step-failure", "hop-failure"),
        *("hop-late", "value-at-risk", "silent-source"),
    ),
    "steps": ("step-deadline", "step-failure"),
    "systems": ("step-failure", "hop-failure", "hop-late", "silent-source", "growth"),
    "at": ("case-deadline", "step-deadline"),
    "before": ("case-deadline", "step-deadline"),
    "after": ("case-deadline", "step-deadline", "step-failure"),
    "clock": ("case-deadline", "step-deadline"),
    "cases": ("hop-failure", "hop-late"),
    "within": ("hop-failure", "hop-late", "growth"),
    "kpi": ("kpi",),
    "window": ("kpi",),
    "where": ("kpi",),
    "by": ("kpi", "growth"),
    "sample": ("kpi",),
    "above": ("kpi", "value-at-risk"),
    "below": ("kpi",),
    "clear": ("kpi", "value-at-risk"),
    "for": ("kpi", "value-at-risk", "silent-source"),
    "of": ("growth",),
    "more": ("growth",),
}


def declared(document: Document) -> Iterator[tuple[int, Rule]]:
    """The rules of a policy file that fits its schema, each with its place."""
    for index, rule in enumerate(document.content["rules"]):
        yield index, _rule(rule, document.content["policy"])


def faults(document: Document) -> Iterator[DefinitionError]:
    """What the schema cannot say of the rules."""
    for index, rule in enumerate(document.content["rules"]):
        for key, triggers in _ONLY.items():
            if key in rule and rule["when"] not in triggers:
                meant = f"is for {', '.join(triggers)}, not for {rule['when']}"
                yield document.error(["rules", index, key], meant)
        named = [key for key in ("at", "before", "after") if key in rule]
        if len(named) > 1:
            yield document.error(["rules", index, named[1]], f"cannot stand beside {named[0]}")
        if "clock" in rule and not {"before", "after"} & rule.keys():
            meant = "is for a time before or after a deadline"
            yield document.error(["rules", index, "clock"], meant)
        silent = rule["when"] == "silent-source" and "for" in rule
        if silent and duration(rule["for"]) > _LONGEST_SILENCE:
            meant = "is at most 4d: when a system was heard of is remembered for eight days"
            yield document.error(["rules", index, "for"], meant)
        yield from figures.faults(document, index)


def _rule(raw: Mapping[str, Any], policy: str) -> Rule:
    mark = _mark(raw)
    usual: Severity = "warning" if mark and mark.before else _SEVERITY[raw["when"]]
    given: dict[str, Any] = {
        name: frozenset(raw[name])
        for name in ("journeys", "criticality", "steps", "systems")
        if name in raw
    }
    if "cases" in raw:
        given["cases"] = raw["cases"]
    if "within" in raw:
        given["within"] = duration(raw["within"])
    if raw["when"] == "step-failure" and "after" in raw:
        given["after"] = duration(raw["after"])
    if "for" in raw:
        given["hold"] = duration(raw["for"])
    rule = Rule(
        name=raw.get("name", ""),
        on=raw["when"],
        policy=policy,
        severity=raw.get("severity", usual),
        mark=mark,
        figure=figures.declared(raw),
        **given,
    )
    return rule if rule.name else _named(rule)


def _named(rule: Rule) -> Rule:
    """Called after what it waits for, and for whom, where it has no name of its own."""
    chosen = [*sorted(rule.steps), *sorted(rule.journeys), *sorted(rule.systems)]
    watched = rule.figure.words if rule.figure else (rule.beside,)
    parts = [rule.on, *watched, *chosen, *sorted(rule.criticality)]
    return Rule(**(vars(rule) | {"name": " ".join(part for part in parts if part)}))


def _mark(raw: Mapping[str, Any]) -> Mark | None:
    if raw["when"] not in ("case-deadline", "step-deadline"):
        return None
    clock: Clock = raw.get("clock", "elapsed")
    if "at" in raw:
        return Mark(share=Decimal(raw["at"].removesuffix("%")))
    if "before" in raw:
        return Mark(offset=-duration(raw["before"]), clock=clock)
    if "after" in raw:
        return Mark(offset=duration(raw["after"]), clock=clock)
    return None
