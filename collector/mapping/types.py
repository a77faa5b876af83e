"""What the configuration says about systems, business objects and the names they go by."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Literal, get_args

from threadline.model.mastery import MasteredAttribute

Cadence = Literal["live", "hourly", "nightly"]
Case = Literal["upper", "lower", "keep"]

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}

# Written out, because Python and Polars do not agree on what white space is.
BLANKS = " \t\n\r\v\f\u0085\u00a0\u2000\u2001\u2002\u2003\u2007\u2009\u200b\u202f\u3000\ufeff"


@dataclass(frozen=True, kw_only=True)
class ObjectType:
    """A kind of business object.

    `owners` are the types it may belong to. `namespaces` come in the order in which a name
    represents the object. `links` false: mentions are searchable but never tie or resolve.

    `valid_from` and `valid_to` are the attributes by which a fact says since when, until when the
    ties hold in which it names such an object as the child; '' where there is none. Identifiers of
    a `reused` type are given out again.
    """

    name: str
    root: bool
    owners: tuple[str, ...]
    master: str
    namespaces: tuple[str, ...]
    links: bool
    valid_from: str = ""
    valid_to: str = ""
    reused: bool = False

    @property
    def bounds(self) -> frozenset[str]:
        """The attributes that bound its ties in time."""
        return frozenset({self.valid_from, self.valid_to} - {""})


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """How the identifiers of one namespace are written."""

    case: Case = "keep"
    strip_leading_zeros: bool = False

    def apply(self, value: str) -> str:
        """`value` in its one spelling; empty when nothing but blanks is left."""
        text = value.strip(BLANKS)
        if self.case != "keep":
            text = text.upper() if self.case == "upper" else text.lower()
        if self.strip_leading_zeros and text.isascii() and text.isdigit():
            text = text.lstrip("0") or "0"
        return text


@dataclass(frozen=True, kw_only=True)
class SameAs:
    """Two namespaces whose identifiers, on one fact, name one object of type `object_type`."""

    object_type: str
    namespaces: tuple[str, str]
    master: str


@dataclass(frozen=True, kw_only=True)
class Relation:
    """A tie that is not ownership, from the type `child` to the type `parent`."""

    name: str
    child: str
    parent: str
    master: str


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """The identifier that an attribute's value is."""

    object_type: str
    namespace: str


@dataclass(frozen=True, kw_only=True)
class Source:
    """How one system's input is recognised and read.

    `rename` leads from the name this source gives an attribute to the name it is read by;
    `failures` are patterns of event names that mean an error when no outcome is given. `senders`
    are the sources of tokens that may speak for the system; none: any may.
    """

    name: str
    system: str
    cadence: Cadence
    services: tuple[str, ...]
    events: tuple[str, ...]
    rename: Dictionary[str, str]
    failures: tuple[str, ...]
    senders: frozenset[str]

    def failed(self, event: str) -> bool:
        """Whether an event of this name that gives no outcome tells of a failure."""
        return any(fnmatchcase(event, pattern) for pattern in self.failures)


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """One revision of the source mappings, already checked. `load` and `parse` make it.

    A fact called one of `retractions` withdraws the ties of which it speaks.
    """

    objects: Dictionary[str, ObjectType]
    namespaces: Dictionary[str, Normalisation]
    same_as: tuple[SameAs, ...]
    relations: tuple[Relation, ...]
    attributes: Dictionary[str, Attribute]
    sources: tuple[Source, ...]
    mastered: tuple[MasteredAttribute, ...]
    retractions: frozenset[str]
    raw: Dictionary[str, Any]

    @cached_property
    def roots(self) -> frozenset[str]:
        """The types from which cases hang."""
        return frozenset(name for name, kind in self.objects.items() if kind.root)

    @cached_property
    def cadences(self) -> Dictionary[str, Cadence]:
        """Cadence by system, the most patient of its sources; undeclared systems are absent."""
        patience = get_args(Cadence)
        found: dict[str, Cadence] = {}
        for source in self.sources:
            known = found.get(source.system, source.cadence)
            found[source.system] = max(known, source.cadence, key=patience.index)
        return found

    @cached_property
    def wanted(self) -> frozenset[str]:
        """Every attribute of facts that identity and holding copies against masters read."""
        bounds = (kind.bounds for kind in self.bounded)
        empty: frozenset[str] = frozenset()
        return empty.union(*(attribute.wanted for attribute in self.mastered), *bounds)

    @cached_property
    def bounded(self) -> tuple[ObjectType, ...]:
        """The types whose ties facts may bound in time."""
        return tuple(kind for kind in self.objects.values() if kind.bounds)

    def normalised(self, namespace: str, value: str) -> str:
        """`value` as identifiers of `namespace` are written; empty when nothing is left of it."""
        return self.normalisation(namespace).apply(value)

    def normalisation(self, namespace: str) -> Normalisation:
        """The rules of a namespace; only trimming when it has none."""
        return self.namespaces.get(namespace, Normalisation())

    def service(self, name: str) -> Source | None:
        """The source that a `service.name` speaks for."""
        return _most_specific((p, s) for s in self.sources for p in s.services if _fits(p, name))

    def event_source(self, name: str) -> Source | None:
        """The source that a CloudEvents `source` speaks for."""
        return _most_specific((p, s) for s in self.sources for p in s.events if _fits(p, name))

    def content(self) -> dict[str, Any]:
        """The whole as JSON-able data, for digests and for `parse`."""
        return dict(self.raw)


def parse(content: Dictionary[str, Any]) -> Mapping:
    """The mapping that `Mapping.content` gave: `{"objects": ..., "sources": {name: ...}}`.

    The content is taken as checked; files go through `load`.
    """
    whole = content["objects"]
    objects = {name: _object(name, given) for name, given in whole.get("objects", {}).items()}
    return Mapping(
        objects=objects,
        namespaces={name: Normalisation(**n) for name, n in whole.get("namespaces", {}).items()},
        same_as=tuple(_same_as(given, objects) for given in whole.get("same_as", ())),
        relations=tuple(_relation(given, objects) for given in whole.get("relations", ())),
        attributes={
            name: Attribute(object_type=given["object"], namespace=given["namespace"])
            for name, given in whole.get("attributes", {}).items()
        },
        sources=tuple(_source(name, given) for name, given in sorted(content["sources"].items())),
        retractions=frozenset(whole.get("retractions", ())),
        mastered=tuple(_mastered(*each) for each in sorted(whole.get("mastered", {}).items())),
        raw=content,
    )


def _object(name: str, given: Dictionary[str, Any]) -> ObjectType:
    return ObjectType(
        name=name,
        root=given.get("root", False),
        owners=tuple(given.get("owner", ())),
        master=given.get("master", ""),
        namespaces=tuple(given["namespaces"]),
        links=given.get("links") != "never",
        valid_from=given.get("valid_from", ""),
        valid_to=given.get("valid_to", ""),
        reused=given.get("reused", False),
    )


def _same_as(given: Dictionary[str, Any], objects: Dictionary[str, ObjectType]) -> SameAs:
    first, second = given["namespaces"]
    master = given.get("master", objects[given["object"]].master)
    return SameAs(object_type=given["object"], namespaces=(first, second), master=master)


def _relation(given: Dictionary[str, Any], objects: Dictionary[str, ObjectType]) -> Relation:
    return Relation(
        name=given["name"],
        child=given["from"],
        parent=given["to"],
        master=given.get("master", objects[given["from"]].master),
    )


def _source(name: str, given: Dictionary[str, Any]) -> Source:
    return Source(
        name=name,
        system=given["system"],
        cadence=given["cadence"],
        services=tuple(given.get("services", ())),
        events=tuple(given.get("events", ())),
        rename=dict(given.get("rename", {})),
        failures=tuple(given.get("failures", ())),
        senders=frozenset(given.get("senders", ())),
    )


def _mastered(name: str, given: Dictionary[str, Any]) -> MasteredAttribute:
    return MasteredAttribute(
        name=name,
        object_type=given["object"],
        master=given["master"],
        copies=tuple(given["copies"]),
        attribute=given["attribute"],
        names=dict(given.get("names", {})),
        compare=given["compare"],
        currency=given.get("currency", ""),
        within=_elapsed(given["within"]),
    )


def _elapsed(text: str) -> timedelta:
    number, unit = text.split()
    return timedelta(seconds=float(number) * _UNITS[unit.removesuffix("s")])


def _fits(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _most_specific(found: Iterator[tuple[str, Source]]) -> Source | None:
    # An exact name before any pattern, then the longest; the source's name settles the rest.
    ranked = sorted(found, key=lambda f: (f[0].endswith("*"), -len(f[0]), f[1].name))
    return ranked[0][1] if ranked else None
