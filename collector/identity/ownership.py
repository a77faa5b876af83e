"""Which object belongs to which, and to which root in the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence

from collector.identity.ties import Pair, Place, Verdict, object_type
from collector.mapping import Mapping

# Per object: everything above it that is known, by type, itself included. Two owners agree when
# these can be one: an invoice's project and contract do, if the project's contract is that one or
# is not known.
Above = dict[str, str]


def owners(
    object_of: Dictionary[str, str], belongs_to: Sequence[Pair], mapping: Mapping
) -> tuple[dict[str, Place], dict[Pair, Verdict]]:
    """The place of each identifier, and the verdict on each pair; `belongs_to` comes best first."""
    claims: dict[str, list[Pair]] = defaultdict(list)
    for pair in belongs_to:
        claims[object_of[pair.child]].append(pair)
    depths = _depths(mapping)
    above: dict[str, Above] = {}
    places: dict[str, Place] = {}
    verdicts: dict[Pair, Verdict] = {}
    for own in sorted(set(object_of.values()), key=lambda own: depths.get(object_type(own), 0)):
        above[own] = {object_type(own): own}
        held = _hold(own, claims.get(own, ()), object_of, above, verdicts)
        places[own] = _place(own, held, above, places, mapping)
    return {name: places[own] for name, own in object_of.items()}, verdicts


def _hold(
    own: str,
    claims: Sequence[Pair],
    object_of: Dictionary[str, str],
    above: dict[str, Above],
    verdicts: dict[Pair, Verdict],
) -> list[str]:
    """The owners that do not contradict a better one, best first; `above[own]` grows with them."""
    held: list[str] = []
    for pair in claims:
        owner = object_of[pair.parent]
        rival = _rival(above[own], above.get(owner))
        if rival:
            verdicts[pair] = Verdict("conflict", f"{own} belongs to {rival} on better evidence")
        else:
            above[own] |= above[owner]
            held.append(owner)
    return held


def _rival(known: Above, claimed: Above | None) -> str:
    """What is known instead of something claimed; empty if both can be true."""
    if claimed is None:  # lies lower by its type, so it cannot own
        return "nothing of a lower type"
    rivals = [known[kind] for kind in known.keys() & claimed.keys() if known[kind] != claimed[kind]]
    return min(rivals, default="")


def _place(
    own: str,
    held: Sequence[str],
    above: Dictionary[str, Above],
    places: Dictionary[str, Place],
    mapping: Mapping,
) -> Place:
    """The nearest owner among those that lead to a root; the best evidence between equals."""
    if not held:
        return Place(own, "", own if object_type(own) in mapping.roots else "")
    owner = max(held, key=lambda owner: (bool(places[owner].root_id), len(above[owner])))
    return Place(own, owner, places[owner].root_id)


def _depths(mapping: Mapping) -> dict[str, int]:
    """How far below the top each type lies; its owners always lie higher."""
    depths: dict[str, int] = {}
    for _ in mapping.objects:
        for name, kind in mapping.objects.items():
            depths[name] = 1 + max((depths.get(owner, 0) for owner in kind.owners), default=-1)
    return depths
