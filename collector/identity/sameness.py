"""Which identifiers name one object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field

from collector.identity.ties import Pair, Verdict, object_type
from collector.mapping import Mapping

_LAST = 1_000_000  # a namespace that the type no longer declares represents nothing it could avoid


@dataclass(slots=True)
class _Group:
    """The names of one object: one in each namespace, but for those that people have ruled."""

    names: dict[str, str]
    aliases: list[str] = field(default_factory=list)

    def all(self) -> list[str]:
        return [*self.names.values(), *self.aliases]


def objects(
    identifiers: Iterable[str],
    same_as: Sequence[Pair],
    mapping: Mapping,
    ruled: Set[Pair] = frozenset(),
) -> tuple[dict[str, str], dict[Pair, Verdict]]:
    """The object id of each identifier, the verdict on each pair; `same_as` comes best first.

    Two names of one namespace are one object only where people have `ruled` so. The child is then
    an alias, a mistyped name say: it never represents the object, and brings along what it had.
    """
    groups = {name: _Group({_namespace(name): name}) for name in identifiers}
    verdicts: dict[Pair, Verdict] = {}
    aliases = [pair for pair in same_as if pair in ruled and _of_one_namespace(pair)]
    for pair in (each for each in same_as if each not in aliases):
        clash = _clash(groups[pair.child], groups[pair.parent])
        verdicts[pair] = Verdict("conflict", clash) if clash else Verdict()
        if not clash:
            _join(groups, groups[pair.child], groups[pair.parent])
    for pair in aliases:
        _join(groups, groups[pair.child], groups[pair.parent])
    held = (pair for pair in same_as if groups[pair.child] is groups[pair.parent])
    verdicts |= dict.fromkeys(held, Verdict())  # what clashed before may agree with an alias
    representatives = {id(group): _representative(group, mapping) for group in groups.values()}
    return {name: representatives[id(group)] for name, group in groups.items()}, verdicts


def _of_one_namespace(pair: Pair) -> bool:
    return _namespace(pair.child) == _namespace(pair.parent)


def _clash(left: _Group, right: _Group) -> str:
    if left is right:
        return ""
    for namespace in sorted(left.names.keys() & right.names.keys()):
        rivals = sorted((left.names[namespace], right.names[namespace]))
        return f"one object cannot be both {rivals[0]} and {rivals[1]}"
    return ""


def _join(groups: dict[str, _Group], child: _Group, parent: _Group) -> None:
    if child is parent:
        return
    for namespace, name in child.names.items():
        if parent.names.setdefault(namespace, name) != name:
            parent.aliases.append(name)
    parent.aliases += child.aliases
    for name in child.all():
        groups[name] = parent


def _representative(group: _Group, mapping: Mapping) -> str:
    if len(group.names) == 1:  # nearly all of them
        return next(iter(group.names.values()))
    names = group.names.values()
    return min(names, key=lambda identifier: (_order(identifier, mapping), identifier))


def _order(identifier: str, mapping: Mapping) -> int:
    kind = mapping.objects.get(object_type(identifier))
    namespace = _namespace(identifier)
    known = kind is not None and namespace in kind.namespaces
    return kind.namespaces.index(namespace) if kind and known else _LAST


def _namespace(identifier: str) -> str:
    return identifier.split(":", 2)[1]
