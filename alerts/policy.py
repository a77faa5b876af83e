"""Alert policies: read from YAML, checked, and asked which one is responsible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from alerts import escalations, rules
from alerts.escalation import Escalation
from alerts.receivers import declared
from alerts.receivers.declared import ReceiverDefinition
from alerts.rules import Rule, When
from threadline import definitions
from threadline.definitions import Document
from threadline.errors import DefinitionError, DefinitionErrors

SHIPPED = Path(__file__).with_name("policies")
SCHEMA = Path(__file__).with_name("policies.schema.json")


@dataclass(frozen=True, kw_only=True)
class Written:
    """A rule, and where it is written: the rule at `index` of `document`."""

    rule: Rule
    document: Document
    index: int

    @property
    def raw(self) -> Mapping[str, Any]:
        """As it is written."""
        raw: Mapping[str, Any] = self.document.content["rules"][self.index]
        return raw

    def error(self, key: str, fault: str) -> DefinitionError:
        """That `key` of it has a fault."""
        return self.document.error(["rules", self.index, key], fault)


@dataclass(frozen=True, kw_only=True)
class Policies:
    """All policies of a deployment.

    `left_out` are the receivers that lack variables, and which. `contents` are the definitions as
    written, variables not filled in, for the definition store. `written` says where each rule is,
    for faults that only others can find.
    """

    rules: tuple[Rule, ...]
    escalations: Mapping[str, Escalation]
    receivers: tuple[ReceiverDefinition, ...]
    left_out: Mapping[str, tuple[str, ...]]
    contents: Mapping[str, Any]
    written: tuple[Written, ...] = field(default=(), repr=False)

    @property
    def declared(self) -> frozenset[str]:
        """The names of all receivers, those left out included."""
        return frozenset((*(receiver.name for receiver in self.receivers), *self.left_out))

    def of(self, on: When) -> Iterator[Rule]:
        """The rules that wait for `on`."""
        return (rule for rule in self.rules if rule.on == on)

    def responsible(
        self, on: When, journey: str, criticality: str, *, step: str = "", system: str = ""
    ) -> list[Rule]:
        """The most precise rule that covers this, of each mark; empty: nobody is told."""
        best: dict[str, Rule] = {}
        for rule in self.of(on):
            if rule.covers(journey, criticality, step, system):
                known = best.get(rule.beside)
                if known is None or rule.precision > known.precision:
                    best[rule.beside] = rule
        return list(best.values())

    def escalation(self, policy: str) -> Escalation:
        """Whom `policy` tells; nobody, for one that is not declared any more."""
        return self.escalations.get(policy, Escalation(steps=()))


def load(
    directories: Sequence[Path],
    variables: Mapping[str, str | None],
    rotas: Mapping[str, bool] = MappingProxyType({}),
) -> Policies:
    """The policies in `directories`, a later one replacing files of the same name.

    Steps may tell whoever is on duty on one of `rotas`, and keep to the business hours of one that
    has some, which the mapping says by name.
    `${name}` in a receiver stands for a variable. A receiver whose variable is None is left out
    wherever it is named. Raises `DefinitionErrors` naming file, line, key and rule.
    """
    errors: list[DefinitionError] = []
    documents = list(definitions.documents(definitions.files(*directories), SCHEMA, errors))
    errors += _faults(documents, variables, rotas)
    if errors:
        raise DefinitionErrors(errors)
    return _policies(documents, variables)


def restore(contents: Mapping[str, Any]) -> Policies:
    """The policies of these contents, as `Policies.contents` has them, without their receivers:
    what they would do may be asked, and nobody can be told. Raises `DefinitionErrors`.
    """
    documents = [
        Document(file=Path(f"{name}.yaml"), content=content, lines={})
        for name, content in contents.items()
    ]
    schema = definitions.schema(SCHEMA)
    errors = [fault for document in documents for fault in definitions.faults(document, schema)]
    if not errors:
        known: list[tuple[Rule, Path]] = []
        errors = [
            fault
            for document in documents
            for fault in (*rules.faults(document), *_rivals(document, known))
        ]
    if errors:
        raise DefinitionErrors(errors)
    written = _written(documents)
    return Policies(
        rules=tuple(each.rule for each in written),
        written=written,
        escalations={
            document.content["policy"]: escalations.declared(document, _named(document))
            for document in documents
        },
        receivers=(),
        left_out={},
        contents=contents,
    )


def _named(document: Document) -> set[str]:
    policy = document.content["policy"]
    return {f"{policy}/{name}" for name in document.content["receivers"]}


def _written(documents: Sequence[Document]) -> tuple[Written, ...]:
    return tuple(
        Written(rule=rule, document=document, index=index)
        for document in documents
        for index, rule in rules.declared(document)
    )


def _policies(documents: Sequence[Document], variables: Mapping[str, str | None]) -> Policies:
    receivers = [one for document in documents for one in declared.receivers(document, variables)]
    there = {receiver.name for receiver in receivers}
    written = _written(documents)
    return Policies(
        rules=tuple(each.rule for each in written),
        written=written,
        escalations={
            document.content["policy"]: escalations.declared(document, there)
            for document in documents
        },
        receivers=tuple(receivers),
        left_out={
            name: lacking
            for document in documents
            for name, lacking in declared.left_out(document, variables).items()
        },
        contents={document.content["policy"]: document.content for document in documents},
    )


def _faults(
    documents: Sequence[Document],
    variables: Mapping[str, str | None],
    rotas: Mapping[str, bool],
) -> Iterator[DefinitionError]:
    names: dict[str, Path] = {}
    known: list[tuple[Rule, Path]] = []
    for document in documents:
        name = document.content["policy"]
        if name in names:
            yield document.error(["policy"], f"is already the name of the policy in {names[name]}")
        names[name] = document.file
        yield from escalations.faults(document, rotas)
        yield from declared.faults(document, variables)
        yield from rules.faults(document)
        yield from _rivals(document, known)


def _rivals(document: Document, known: list[tuple[Rule, Path]]) -> Iterator[DefinitionError]:
    """Rules that cover the same cases as precisely as one of `known`, which they then join."""
    for index, rule in rules.declared(document):
        for other, file in known:
            if rule.rivals(other):
                place = f"a rule in {file} covers the same cases as precisely"
                yield document.error(["rules", index], f"{place}: let one name more, or drop one")
            elif rule.qualified == other.qualified:
                yield document.error(["rules", index], f"another rule is called {rule.name!r} too")
        known.append((rule, document.file))
