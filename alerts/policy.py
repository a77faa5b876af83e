"""Alert policies: read from YAML, checked, and asked which one is responsible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from alerts.durations import duration
from alerts.receivers import declared
from alerts.receivers.declared import ReceiverDefinition
from threadline import definitions
from threadline.definitions import Document
from threadline.errors import DefinitionError, DefinitionErrors

Event = Literal["case-warning", "case-deadline", "step-deadline", "hop-failure"]

CRITICALITY = ("revenue", "delivery", "reference")  # the gravest first

SHIPPED = Path(__file__).with_name("policies")
SCHEMA = Path(__file__).with_name("policies.schema.json")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`policy` takes care of `on` for these journeys and criticalities; an empty set is all.

    A `hop-failure` is that so many `cases` failed on one system by one error `within` that time.
    """

    on: Event
    journeys: frozenset[str]
    criticality: frozenset[str]
    policy: str
    cases: int = 3
    within: timedelta = timedelta(hours=1)

    def covers(self, on: Event, journey: str, criticality: str) -> bool:
        return (
            self.on == on
            and (not self.journeys or journey in self.journeys)
            and (not self.criticality or criticality in self.criticality)
        )

    @property
    def precision(self) -> tuple[bool, bool]:
        """A rule that names the journey goes before one that names only the criticality."""
        return bool(self.journeys), bool(self.criticality)

    def rivals(self, other: Rule) -> bool:
        """Whether both may cover the same case with neither going before the other."""
        return (
            self.on == other.on
            and self.precision == other.precision
            and (not self.journeys or bool(self.journeys & other.journeys))
            and (not self.criticality or bool(self.criticality & other.criticality))
        )


@dataclass(frozen=True, kw_only=True)
class EscalationStep:
    """`after` that time without acknowledgement, tell `receivers` (each `policy/name`)."""

    after: timedelta
    receivers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Policies:
    """All policies of a deployment.

    `left_out` are the receivers that lack variables, and which. `contents` are the definitions as
    written, variables not filled in, for the definition store.
    """

    rules: tuple[Rule, ...]
    escalations: Mapping[str, tuple[EscalationStep, ...]]
    receivers: tuple[ReceiverDefinition, ...]
    left_out: Mapping[str, tuple[str, ...]]
    contents: Mapping[str, Any]

    def responsible(self, on: Event, journey: str, criticality: str) -> str | None:
        """The name of the policy whose most precise rule covers this, or None: nobody is told."""
        rule = self.rule(on, journey, criticality)
        return rule.policy if rule else None

    def rule(self, on: Event, journey: str, criticality: str) -> Rule | None:
        """The most precise rule that covers this."""
        covering = [rule for rule in self.rules if rule.covers(on, journey, criticality)]
        return max(covering, key=lambda rule: rule.precision, default=None)


def load(directories: Sequence[Path], variables: Mapping[str, str | None]) -> Policies:
    """The policies in `directories`, a later one replacing files of the same name.

    `${name}` in a receiver stands for a variable. A receiver whose variable is None is left out
    wherever it is named. Raises `DefinitionErrors` naming file, line, key and rule.
    """
    errors: list[DefinitionError] = []
    documents = list(definitions.documents(definitions.files(*directories), SCHEMA, errors))
    errors += _faults(documents, variables)
    if errors:
        raise DefinitionErrors(errors)
    return _policies(documents, variables)


def _policies(documents: Sequence[Document], variables: Mapping[str, str | None]) -> Policies:
    receivers = [one for document in documents for one in declared.receivers(document, variables)]
    there = {receiver.name for receiver in receivers}
    return Policies(
        rules=tuple(rule for document in documents for _, rule in _rules(document)),
        escalations={
            document.content["policy"]: _escalation(document, there) for document in documents
        },
        receivers=tuple(receivers),
        left_out={
            name: lacking
            for document in documents
            for name, lacking in declared.left_out(document, variables).items()
        },
        contents={document.content["policy"]: document.content for document in documents},
    )


def _rules(document: Document) -> Iterator[tuple[int, Rule]]:
    for index, rule in enumerate(document.content["rules"]):
        yield (
            index,
            Rule(
                on=rule["when"],
                journeys=frozenset(rule.get("journeys", ())),
                criticality=frozenset(rule.get("criticality", ())),
                policy=document.content["policy"],
                **_threshold(rule),
            ),
        )


def _threshold(rule: Mapping[str, Any]) -> dict[str, Any]:
    cases = {"cases": rule["cases"]} if "cases" in rule else {}
    return cases | ({"within": duration(rule["within"])} if "within" in rule else {})


def _escalation(document: Document, there: set[str]) -> tuple[EscalationStep, ...]:
    steps = []
    for step in document.content["escalation"]:
        names = [f"{document.content['policy']}/{name}" for name in step["receivers"]]
        steps.append(
            EscalationStep(
                after=duration(step["after"]),
                receivers=tuple(name for name in names if name in there),
            )
        )
    return tuple(steps)


def _faults(
    documents: Sequence[Document], variables: Mapping[str, str | None]
) -> Iterator[DefinitionError]:
    names: dict[str, Path] = {}
    rules: list[tuple[Rule, Path]] = []
    for document in documents:
        name = document.content["policy"]
        if name in names:
            yield document.error(["policy"], f"is already the name of the policy in {names[name]}")
        names[name] = document.file
        yield from _escalation_faults(document)
        yield from declared.faults(document, variables)
        for index, rule in _rules(document):
            yield from _threshold_faults(document, index)
            for other, file in rules:
                if rule.rivals(other):
                    place = f"a rule in {file} covers the same cases as precisely"
                    yield document.error(["rules", index], f"{place}: name journeys or drop one")
            rules.append((rule, document.file))


def _threshold_faults(document: Document, index: int) -> Iterator[DefinitionError]:
    rule = document.content["rules"][index]
    hop = rule["when"] == "hop-failure"
    for key in ("journeys",) if hop else ("cases", "within"):
        if key in rule:
            meant = "is not for hop-failure: a hop fails for all" if hop else "is for hop-failure"
            yield document.error(["rules", index, key], meant)


def _escalation_faults(document: Document) -> Iterator[DefinitionError]:
    before = timedelta(0)
    for index, step in enumerate(document.content["escalation"]):
        after = duration(step["after"])
        if after < before:
            rule = "must not be sooner than the step before it"
            yield document.error(["escalation", index, "after"], rule)
        before = after
        for place, name in enumerate(step["receivers"]):
            if name not in document.content["receivers"]:
                path = ("escalation", index, "receivers", place)
                yield document.error(path, f"{name!r} is not among this policy's receivers")
