"""Which identifiers name one object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from collector.identity.ties import Pair, Verdict, object_type
from collector.mapping import Mapping

_LAST = 1_000_000  # a namespace that the type no longer declares represents nothing it could avoid


def objects(
    identifiers: Iterable[str], same_as: Sequence[Pair], mapping: Mapping
) -> tuple[dict[str, str], dict[Pair, Verdict]]:
    """The object id of each identifier, the verdict on each pair; `same_as` comes best first."""
    names = {identifier: {_namespace(identifier): identifier} for identifier in identifiers}
    verdicts: dict[Pair, Verdict] = {}
    for pair in same_as:
        clash = _clash(names[pair.child], names[pair.parent])
        verdicts[pair] = Verdict("conflict", clash) if clash else Verdict()
        if not clash:
            _join(names, names[pair.child], names[pair.parent])
    representatives = {id(group): _representative(group, mapping) for group in names.values()}
    return {name: representatives[id(group)] for name, group in names.items()}, verdicts


def _clash(left: dict[str, str], right: dict[str, str]) -> str:
    for namespace in sorted(left.keys() & right.keys()):
        if left[namespace] != right[namespace]:
            rivals = sorted((left[namespace], right[namespace]))
            return f"one object cannot be both {rivals[0]} and {rivals[1]}"
    return ""


def _join(names: dict[str, dict[str, str]], left: dict[str, str], right: dict[str, str]) -> None:
    if left is right:
        return
    left.update(right)
    for identifier in right.values():
        names[identifier] = left


def _representative(group: dict[str, str], mapping: Mapping) -> str:
    if len(group) == 1:  # nearly all of them
        return next(iter(group.values()))
    return min(group.values(), key=lambda identifier: (_order(identifier, mapping), identifier))


def _order(identifier: str, mapping: Mapping) -> int:
    kind = mapping.objects.get(object_type(identifier))
    namespace = _namespace(identifier)
    known = kind is not None and namespace in kind.namespaces
    return kind.namespaces.index(namespace) if kind and known else _LAST


def _namespace(identifier: str) -> str:
    return identifier.split(":", 2)[1]
