"""What a mapping means for identity, in words, and which identifiers it can never tie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from collector.mapping.types import Mapping, ObjectType


@dataclass(frozen=True, kw_only=True)
class Explained:
    """How one object type is named and tied: `names` are attributes, by namespace.

    `validity` says by which attributes its ties are bounded in time; '' if by none.
    """

    object_type: str
    master: str
    belongs_to: tuple[str, ...]
    names: tuple[str, ...]
    links: bool
    validity: str


def explain(mapping: Mapping) -> list[Explained]:
    """Every object type: who masters it, what it belongs to, which attributes name it."""
    carried = _carried(mapping)
    return [
        Explained(
            object_type=kind.name,
            master=kind.master,
            belongs_to=kind.owners,
            names=tuple(
                f"{attribute} ({namespace})"
                for namespace in kind.namespaces
                for attribute in carried[kind.name, namespace]
            ),
            links=kind.links,
            validity=_validity(kind),
        )
        for kind in mapping.objects.values()
    ]


def _validity(kind: ObjectType) -> str:
    since = f"from {kind.valid_from}" if kind.valid_from else ""
    until = f"until {kind.valid_to}" if kind.valid_to else ""
    told = " ".join(part for part in (since, until) if part)
    return f"{told}; another owner is another {kind.name}" if kind.reused else told


def warnings(mapping: Mapping) -> list[str]:
    """What will never link as declared, each with what would mend it."""
    linking = [kind for kind in mapping.objects.values() if kind.links]
    return [warning for kind in linking for warning in _of_type(kind, mapping, _carried(mapping))]


def _of_type(
    kind: ObjectType, mapping: Mapping, carried: dict[tuple[str, str], list[str]]
) -> Iterator[str]:
    named = [namespace for namespace in kind.namespaces if carried[kind.name, namespace]]
    for namespace in kind.namespaces:
        if namespace not in named:
            yield (
                f"{kind.name}: no attribute carries its {namespace} identifiers, so they are never"
                " seen; add one under attributes, or drop the namespace"
            )
    if not kind.root and not _reaches(kind, mapping, carried, set()):
        owners = ", ".join(kind.owners)
        yield (
            f"{kind.name}: can never be tied to a contract, as no attribute names any of {owners}"
            " or what those belong to; add one, or another owner"
        )
    for namespace in sorted(_apart(kind, named, mapping)):
        yield (
            f"{kind.name}: its {namespace} identifiers are never the same as those of"
            f" {', '.join(name for name in named if name != namespace)}, as no pair in same_as"
            " leads there; add one"
        )


def _reaches(
    kind: ObjectType,
    mapping: Mapping,
    carried: dict[tuple[str, str], list[str]],
    seen: set[str],
) -> bool:
    """Whether facts could tie it to a root: some owner is named, and is one or reaches one."""
    for owner in kind.owners:
        above = mapping.objects[owner]
        named = any(carried[owner, namespace] for namespace in above.namespaces)
        if named and owner not in seen:
            seen.add(owner)
            if above.root or _reaches(above, mapping, carried, seen):
                return True
    return False


def _apart(kind: ObjectType, named: list[str], mapping: Mapping) -> set[str]:
    """Namespaces of a type that no chain of pairs leads to from its first named one."""
    together, grown = set(named[:1]), True
    pairs = [set(pair.namespaces) for pair in mapping.same_as if pair.object_type == kind.name]
    while grown:
        reached = {name for pair in pairs if pair & together for name in pair}
        grown = not reached <= together
        together |= reached
    return set(named) - together


def _carried(mapping: Mapping) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, attribute in sorted(mapping.attributes.items()):
        found[attribute.object_type, attribute.namespace].append(name)
    return found
