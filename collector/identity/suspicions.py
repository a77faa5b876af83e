"""Ties that may be missing: scored and explained, never made. Somebody has to rule.

Three kinds. A *mistype*: an orphaned identifier that looks like, or is one slip of the finger from,
one that leads to a contract. A *missing link*: an orphaned object whose facts name the customer (or
another name that never links) of a contract that has no object of that type yet. *Two names of
one*: objects of one contract that the same others belong to, each known to another system.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from string import digits

from collector.identity.ties import BELONGS_TO, SAME_AS, object_type
from collector.mapping import Mapping as Objects

LOOKS_ALIKE, ONE_SLIP, SHARED_NAME = 0.8, 0.4, 0.15
MISSING_LINK = 0.3
TWO_NAMES, EACH_MORE, SUREST = 0.6, 0.05, 0.8
LEAST = 0.3  # a weaker suspicion only costs people's time
_CONFUSED = str.maketrans("OILSBZ", "011582")


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """An identifier that leads to no contract, and how many facts name it."""

    identifier: str
    facts: int


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """A tie that may be missing, between 0 and 1 likely; `why` in sentences."""

    kind: str
    child: str
    parent: str
    contract: str
    score: float
    why: tuple[str, ...]
    facts: int


def variants(identifier: str) -> dict[str, str]:
    """What `identifier` may have been meant to be, each with the slip that would explain it.

    Letters taken for digits and back, separators left out or put in, two signs swapped, one left
    out, one digit too many or another digit.
    """
    kind, namespace, value = identifier.split(":", 2)
    found: dict[str, str] = {}
    for slip, candidates in (
        ("letters and digits that look alike", [value.translate(_CONFUSED)]),
        ("two signs swapped", _swapped(value)),
        ("a sign too many", (value[:i] + value[i + 1 :] for i in range(len(value)))),
        ("another digit", _other_digits(value)),
        ("a sign left out", _inserted(value)),
    ):
        for candidate in candidates:
            if candidate and candidate != value:
                found.setdefault(f"{kind}:{namespace}:{candidate}", slip)
    return found


def mistypes(
    orphans: Iterable[Orphan],
    rooted: Mapping[str, str],
    beside: Mapping[str, Collection[str]],
) -> Iterator[Suspicion]:
    """Orphans that may be mistyped names of identifiers in `rooted` (which lead to a contract).

    `beside` are the names that never link in the facts of each identifier. Rivals share the score:
    where numbers are consecutive, one slip alone says little.
    """
    for orphan in orphans:
        slips = {name: slip for name, slip in variants(orphan.identifier).items() if name in rooted}
        scores = {
            name: _likeness(orphan.identifier, name, slip, beside) for name, slip in slips.items()
        }
        for name, (score, why) in scores.items():
            rivals = sum(1 for other, _ in scores.values() if other >= score)
            yield Suspicion(
                kind=SAME_AS,
                child=orphan.identifier,
                parent=name,
                contract=rooted[name],
                score=round(score / rivals, 2),
                why=(*why, *([f"{rivals} names are as likely"] if rivals > 1 else [])),
                facts=orphan.facts,
            )


def missing_links(
    orphans: Iterable[Orphan],
    beside: Mapping[str, Collection[str]],
    sharing: Mapping[str, Collection[str]],
    types: Mapping[str, Collection[str]],
    objects: Objects,
) -> Iterator[Suspicion]:
    """Orphans that may belong to a contract that shares a name with them and lacks such an object.

    `sharing` says which contracts each name leads to, `types` which object types they have.
    """
    for orphan in orphans:
        kind = objects.objects[object_type(orphan.identifier)]
        roots = [owner for owner in kind.owners if owner in objects.roots]
        shared: dict[str, list[str]] = defaultdict(list)
        for name in sorted(beside.get(orphan.identifier, ())):
            for root in sharing.get(name, ()):
                if object_type(root) in roots and kind.name not in types.get(root, ()):
                    shared[root].append(name)
        for root, names in shared.items():
            rivals = sum(1 for other in shared.values() if len(other) >= len(names))
            score = (MISSING_LINK + SHARED_NAME * len(names)) / rivals
            yield Suspicion(
                kind=BELONGS_TO,
                child=orphan.identifier,
                parent=root,
                contract=root,
                score=round(score, 2),
                why=(
                    f"both name {', '.join(names)}",
                    f"the contract has no {kind.name} yet",
                    *([f"{rivals} contracts are as likely"] if rivals > 1 else []),
                ),
                facts=orphan.facts,
            )


def two_names(
    claims: Iterable[tuple[Sequence[str], str, int]], objects: Objects
) -> Iterator[Suspicion]:
    """Objects that may be one, of `claims`: owners of the same objects, their contract, how many.

    Only where a fact that names both would tie them; rivals share the score.
    """
    found: dict[tuple[str, str], tuple[str, int]] = {}
    for owners, root, children in claims:
        for child, parent in permutations(owners, 2):
            if _nameable(child, parent, objects):
                known = found.get((child, parent), (root, 0))[1]
                found[child, parent] = root, known + children
    for (child, parent), (root, children) in found.items():
        rivals = sum(other == child and _space(one) == _space(parent) for other, one in found)
        score = min(TWO_NAMES + EACH_MORE * (children - 1), SUREST) / rivals
        yield Suspicion(
            kind=SAME_AS,
            child=child,
            parent=parent,
            contract=root,
            score=round(score, 2),
            why=(
                f"{children} {'object belongs' if children == 1 else 'objects belong'} to both",
                "both belong to the contract",
                "no fact names both",
                *([f"{rivals} names are as likely"] if rivals > 1 else []),
            ),
            facts=0,
        )


def ranked(suspicions: Iterable[Suspicion], limit: int) -> Sequence[Suspicion]:
    """The likeliest first, those that concern more facts before others; none below `LEAST`."""
    worth = (one for one in suspicions if one.score >= LEAST)
    order = sorted(worth, key=lambda one: (-one.score, -one.facts, one.child, one.parent))
    return order[:limit]


def _nameable(child: str, parent: str, objects: Objects) -> bool:
    return any(
        same.object_type == object_type(child) == object_type(parent)
        and same.namespaces == (_space(parent), _space(child))
        for same in objects.same_as
    )


def _space(identifier: str) -> str:
    return identifier.split(":", 2)[1]


def _likeness(
    orphan: str, name: str, slip: str, beside: Mapping[str, Collection[str]]
) -> tuple[float, tuple[str, ...]]:
    alike = _folded(orphan) == _folded(name)
    shared = sorted(set(beside.get(orphan, ())) & set(beside.get(name, ())))
    score = (LOOKS_ALIKE if alike else ONE_SLIP) + SHARED_NAME * min(len(shared), 1)
    told = f"{slip}: {orphan.split(':', 2)[2]} for {name.split(':', 2)[2]}"
    return score, (told, *([f"both name {', '.join(shared)}"] if shared else []))


def _folded(identifier: str) -> str:
    value = identifier.split(":", 2)[2].upper().translate(_CONFUSED)
    return "".join(sign for sign in value if sign.isalnum())


def _swapped(value: str) -> Iterator[str]:
    for i in range(len(value) - 1):
        yield value[:i] + value[i + 1] + value[i] + value[i + 2 :]


def _other_digits(value: str) -> Iterator[str]:
    for i, sign in enumerate(value):
        if sign.isdigit():
            yield from (value[:i] + digit + value[i + 1 :] for digit in digits)


def _inserted(value: str) -> Iterator[str]:
    for i in range(len(value) + 1):
        yield from (value[:i] + sign + value[i:] for sign in (*digits, "-"))
