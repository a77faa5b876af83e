"""Which object belongs to which, and to which root in the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import dataclass, field

from collector.identity.ties import Pair, Place, Verdict, object_type
from collector.mapping import Mapping

# Per object: everything above it that is known, by type, itself included. Two owners agree when
# these can be one: an invoice's project and contract do, if the project's contract is that one or
# is not known. So do two projects of one contract that go by names of different systems: nothing
# says whether they are one, and that is a question, no contradiction.
Above = dict[str, set[str]]


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What is above each object and where it is, so far; `spaces`: the namespaces of its names."""

    spaces: Dictionary[str, set[str]]
    above: dict[str, Above] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def may_be_one(self, one: str, other: str) -> bool:
        """Whether two objects of a type, as far as is known, can be the same one."""
        if one == other:
            return True
        root = self.places[one].root_id
        apart = self.spaces[one].isdisjoint(self.spaces[other])
        return apart and root != "" and root == self.places[other].root_id


def owners(
    object_of: Dictionary[str, str], belongs_to: Sequence[Pair], mapping: Mapping
) -> tuple[dict[str, Place], dict[Pair, Verdict]]:
    """The place of each identifier, and the verdict on each pair; `belongs_to` comes best first."""
    claims: dict[str, list[Pair]] = defaultdict(list)
    for pair in belongs_to:
        claims[object_of[pair.child]].append(pair)
    depths = _depths(mapping)
    known = _Known(spaces=_spaces(object_of))
    verdicts: dict[Pair, Verdict] = {}
    for own in sorted(set(object_of.values()), key=lambda own: depths.get(object_type(own), 0)):
        known.above[own] = {object_type(own): {own}}
        held = _hold(own, claims.get(own, ()), object_of, known, verdicts)
        known.places[own] = _place(own, held, known, mapping)
    return {name: known.places[own] for name, own in object_of.items()}, verdicts


def _spaces(object_of: Dictionary[str, str]) -> dict[str, set[str]]:
    spaces: dict[str, set[str]] = defaultdict(set)
    for name, own in object_of.items():
        spaces[own].add(name.split(":", 2)[1])
    return spaces


def _hold(
    own: str,
    claims: Sequence[Pair],
    object_of: Dictionary[str, str],
    known: _Known,
    verdicts: dict[Pair, Verdict],
) -> list[str]:
    """The owners that do not contradict a better one, best first; they add to what is above."""
    held: list[str] = []
    for pair in claims:
        owner = object_of[pair.parent]
        rival = _rival(own, owner, known)
        if rival:
            verdicts[pair] = Verdict("conflict", f"{own} belongs to {rival} on better evidence")
        else:
            for kind, objects in known.above[owner].items():
                known.above[own].setdefault(kind, set()).update(objects)
            held.append(owner)
    return held


def _rival(own: str, owner: str, known: _Known) -> str:
    """What is known of `own` instead of what `owner` brings; empty if both can be true."""
    if owner not in known.above:  # lies lower by its type, so it cannot own
        return "nothing of a lower type"
    have, brought = known.above[own], known.above[owner]
    rivals = [
        one
        for kind in have.keys() & brought.keys()
        for one in have[kind]
        if not all(known.may_be_one(one, other) for other in brought[kind])
    ]
    return min(rivals, default="")


def _place(
    own: str,
    held: Sequence[str],
    known: _Known,
    mapping: Mapping,
) -> Place:
    """The nearest owner among those that lead to a root; the best evidence between equals."""
    if not held:
        return Place(own, "", own if object_type(own) in mapping.roots else "")
    places = known.places
    owner = max(held, key=lambda owner: (bool(places[owner].root_id), len(known.above[owner])))
    return Place(own, owner, places[owner].root_id)


def _depths(mapping: Mapping) -> dict[str, int]:
    """How far below the top each type lies; its owners always lie higher."""
    depths: dict[str, int] = {}
    for _ in mapping.objects:
        for name, kind in mapping.objects.items():
            depths[name] = 1 + max((depths.get(owner, 0) for owner in kind.owners), default=-1)
    return depths
