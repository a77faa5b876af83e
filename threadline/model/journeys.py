"""What a journey promises and how its progress is recognised."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from threadline.model.matching import Comparison, Matcher, Predicate

Criticality = Literal["revenue", "delivery", "reference"]
Performer = Literal["integration", "person"]
Claim = Literal["new", "open", "all"]
RemedyKind = Literal["replay", "compensation"]
Ending = Literal["completed", "cancelled"]

StuckReason = Literal[
    "",
    "rejected",
    "mapping-failed",
    "mismatch",
    "duplicate",
    "required-field-missing",
    "waiting-for-person",
    "waiting-for-customer",
    "dropped-silently",
    "source-silent",
]

WARN = 0.75  # the share of a promise's time after which a case is at risk, unless it says another


@dataclass(frozen=True, kw_only=True)
class Duration:
    """A length of time on one of two clocks.

    `seconds` are elapsed or, when `business`, working seconds; `days` are business days, each as
    long as the calendar that is asked says. `text` is how it was written.
    """

    text: str
    business: bool
    seconds: float = 0.0
    days: float = 0.0

    def total(self, day_seconds: float) -> float:
        """Seconds on this clock, where a business day has `day_seconds`."""
        return self.seconds + self.days * day_seconds


@dataclass(frozen=True, kw_only=True)
class Runbook:
    """What to do when a step does not come: `next_move` in one sentence, more behind `url`."""

    next_move: str
    url: str = ""
    replay: str = ""
    compensate: str = ""


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """Facts that tell how an attempt to put a step right went, by their outcome.

    One that succeeds and `closes` stands for the step's own success.
    """

    kind: RemedyKind
    match: tuple[Matcher, ...]
    closes: bool = False


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """One of several implementations of a step: the old ERP, the new ERP."""

    name: str
    system: str
    match: tuple[Matcher, ...]


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """How many successes a step needs: `times`, or what the case's `attribute` says.

    `per`: each value of this attribute of the facts counts once, and what has none does not.
    """

    times: int = 0
    attribute: str = ""
    per: str = ""


@dataclass(frozen=True, kw_only=True)
class Step:
    """A milestone inside a journey, required unless `optional` or a predicate of `when` fails.

    `match` holds the matchers of all `alternatives`, where there are any.
    """

    name: str
    title: str
    system: str
    match: tuple[Matcher, ...]
    compare: Comparison | None = None
    after: tuple[str, ...] = ()
    when: tuple[Predicate, ...] = ()
    optional: bool = False
    within: Duration | None = None
    repeat: Repeat | None = None
    performer: Performer = "integration"
    owner: str
    runbook: Runbook
    alternatives: tuple[Alternative, ...] = ()
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A variant of the SLA: the whole journey `within` a time; a warning at share `warn` of it."""

    within: Duration
    warn: float
    when: tuple[Predicate, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pause:
    """What stops the clock, what starts it again, and after how long it goes on by itself."""

    since: tuple[Matcher, ...]
    until: tuple[Matcher, ...]
    maximum: Duration


@dataclass(frozen=True, kw_only=True)
class ExceptionRule:
    """Facts that are a business failure of this `kind`; where a `step` is named, of that step.

    Only in cases for which `when` holds and, if `during` names a step, only while that step is
    open. A fact that `unless` means, and that speaks of the same object, answers the exception:
    then it is none. `afterwards`: also when the case has ended.
    """

    kind: str
    match: tuple[Matcher, ...]
    compare: Comparison | None = None
    step: str = ""
    when: tuple[Predicate, ...] = ()
    during: str = ""
    unless: tuple[Matcher, ...] = ()
    afterwards: bool = False


@dataclass(frozen=True, kw_only=True)
class Reopening:
    """Facts that make a case go on that had ended as one of `after`.

    The steps of `redo`, and what comes after them, then need a success after the fact; what has not
    ended yet just has them undone. `within`, if given, is a new budget for the case as a whole.
    """

    match: tuple[Matcher, ...]
    after: tuple[Ending, ...] = ("completed",)
    redo: tuple[str, ...] = ()
    within: Duration | None = None


@dataclass(frozen=True, kw_only=True)
class CalendarChoice:
    """The calendar named like the lower-cased value of `attribute`, else `otherwise`."""

    otherwise: str
    attribute: str = ""


@dataclass(frozen=True, kw_only=True)
class Journey:
    """The definition of an end-to-end process; `version` is a digest of its content.

    `claims` says which cases this version judges that started before it was in force: none
    (`new`), those still open then, or all.
    `value` and `currency` are the attributes that say what a case is worth; `root_value` and
    `root_currency` those that say what its root is worth, the same where nothing else is said.
    """

    name: str
    version: str
    title: str
    description: str
    case_type: str
    criticality: Criticality
    owner: str
    runbook: Runbook
    start: tuple[Matcher, ...]
    steps: tuple[Step, ...]
    cancel: tuple[Matcher, ...] = ()
    pause: Pause | None = None
    reopen: tuple[Reopening, ...] = ()
    exceptions: tuple[ExceptionRule, ...] = ()
    required_fields: tuple[str, ...] = ()
    value: str = ""
    currency: str = ""
    root_value: str = ""
    root_currency: str = ""
    dimensions: tuple[tuple[str, str], ...] = ()
    calendar: CalendarChoice
    promises: tuple[Promise, ...] = ()
    claims: Claim = "new"

    @cached_property
    def positions(self) -> dict[str, int]:
        """Each step's place in the order of the definition."""
        return {step.name: place for place, step in enumerate(self.steps)}

    @cached_property
    def remedies(self) -> tuple[tuple[int, Remedy], ...]:
        """The remedies of all steps, each with its step's place."""
        return tuple((i, each) for i, step in enumerate(self.steps) for each in step.remedies)

    def preceding(self, name: str) -> frozenset[str]:
        """The steps that come before this one, directly or not."""
        found = {*self.step(name).after}
        while more := {one for each in found for one in self.step(each).after} - found:
            found |= more
        return frozenset(found)

    def following(self, names: Collection[str]) -> frozenset[str]:
        """These steps, and all that come after one of them."""
        found = set(names)
        while more := {s.name for s in self.steps if found & {*s.after}} - found:
            found |= more
        return frozenset(found)

    def step(self, name: str) -> Step:
        """The step of this name; raises `KeyError` where there is none."""
        return self.steps[self.positions[name]]

    def matchers(self) -> Iterator[Matcher]:
        """Every matcher of the journey."""
        yield from self.start
        yield from self.cancel
        if self.pause:
            yield from (*self.pause.since, *self.pause.until)
        for reopening in self.reopen:
            yield from reopening.match
        for step in self.steps:
            yield from step.match
            for remedy in step.remedies:
                yield from remedy.match
        for rule in self.exceptions:
            yield from (*rule.match, *rule.unless)

    @cached_property
    def case_attributes(self) -> tuple[str, ...]:
        """The attributes a case of this journey has, sorted."""
        names = {*self.required_fields, self.value, self.currency, self.calendar.attribute}
        names |= {self.root_value, self.root_currency}
        names |= {attribute for _, attribute in self.dimensions}
        names |= {step.repeat.attribute for step in self.steps if step.repeat}
        asked = [predicate for step in self.steps for predicate in step.when]
        asked += [predicate for promise in self.promises for predicate in promise.when]
        asked += [predicate for rule in self.exceptions for predicate in rule.when]
        names |= {predicate.attribute for predicate in asked}
        return tuple(sorted(names - {""}))

    @cached_property
    def wanted(self) -> frozenset[str]:
        """Every attribute of facts that deriving this journey reads."""
        asked = {predicate.attribute for matcher in self.matchers() for predicate in matcher.where}
        comparing = [each.compare for each in self.steps] + [
            each.compare for each in self.exceptions
        ]
        for comparison in filter(None, comparing):
            asked |= {name for pair in comparison.pairs for name in pair}
        asked |= {step.repeat.per for step in self.steps if step.repeat and step.repeat.per}
        return frozenset({*self.case_attributes, *asked, ACTOR_TYPE})


ACTOR_TYPE = "actor.type"  # who made a fact: `integration` or `user`
