"""What identifiers resolve to in the course of time, where evidence says since or until when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from collections.abc import Mapping as Dictionary
from itertools import groupby, pairwise

from collector.identity.claims import Claim, Lives
from collector.identity.ties import SAME_AS, Pair, Place, Slice, Verdict
from collector.validity import ALWAYS, FOREVER

Settled = tuple[dict[str, Place], dict[Pair, Verdict]]
# Resolves claims as if they held at one instant: claims best first, and all names they may concern.
Settle = Callable[[Sequence[Claim], Collection[str]], Settled]


def in_time(
    claims: Sequence[Claim], names: Iterable[str], settle: Settle
) -> tuple[dict[str, list[Slice]], dict[Pair, Verdict]]:
    """The slices of each of `names`, and the verdict on each pair; `claims` come best first.

    Only what a bounded claim can move is resolved stretch by stretch, with all that stands above
    it; a pair holds if it holds anywhere in the time of which it speaks.
    """
    moving = _Moving(claims)
    still = [claim for claim in claims if claim.bound.child not in moving.names]
    places, verdicts = settle(still, set(names) - moving.names)
    slices = {name: [Slice(ALWAYS, FOREVER, place)] for name, place in places.items()}
    over = _Over(claims)
    for cluster in moving.clusters():
        wanted, own = over.of(cluster)
        found, judged = _stretches(own, wanted, settle)
        slices |= {name: _merged(found[name]) for name in cluster}
        verdicts |= {pair: v for pair, v in judged.items() if pair not in verdicts}
    return slices, verdicts


def _stretches(
    claims: Sequence[Claim], names: Collection[str], settle: Settle
) -> tuple[dict[str, list[Slice]], dict[Pair, Verdict]]:
    instants = {ALWAYS, FOREVER}.union(*((claim.since, claim.until) for claim in claims))
    slices: dict[str, list[Slice]] = defaultdict(list)
    verdicts: dict[Pair, Verdict] = {}
    for since, until in pairwise(sorted(instants)):
        valid = [claim for claim in claims if claim.since <= since < claim.until]
        places, judged = settle(valid, names)
        for name, place in places.items():
            slices[name].append(Slice(since, until, place))
        held = Verdict()
        verdicts |= {pair: v for pair, v in judged.items() if verdicts.get(pair) != held}
    return slices, verdicts


def _merged(slices: Iterable[Slice]) -> list[Slice]:
    """The same with neighbours joined that are at one place."""
    runs = (list(run) for _, run in groupby(slices, key=lambda one: one.place))
    return [Slice(run[0].since, run[-1].until, run[0].place) for run in runs]


def tenure(slices: Sequence[Slice]) -> tuple[Slice, ...]:
    """`slices` as they are kept: none before the first that leads to a root, if any does.

    What is known first of an identifier reaches back. Where nothing leads to a root it does not
    matter when: the last place stands for all.
    """
    rooted = [place for place, one in enumerate(slices) if one.place.root_id]
    first = rooted[0] if rooted else len(slices) - 1
    return tuple(_merged([slices[first]._replace(since=ALWAYS), *slices[first + 1 :]]))


def current(slices: Sequence[Slice]) -> Place:
    """The place that counts where no instant is given: the last that leads to a root."""
    rooted = [one.place for one in slices if one.place.root_id]
    return rooted[-1] if rooted else slices[-1].place


def joined(name: str, slices: Dictionary[str, list[Slice]], lives: Lives) -> list[Slice]:
    """The slices of an identifier, through all its lives."""
    if name not in lives.of:
        return slices[name]
    return _merged(
        Slice(max(one.since, life.since), min(one.until, life.until), one.place)
        for life in lives.of[name]
        for one in slices[life.name]
        if one.since < life.until and life.since < one.until
    )


class _Moving:
    """The names that bounded claims can move, and which of them hang together."""

    def __init__(self, claims: Iterable[Claim]) -> None:
        self._beside: dict[str, set[str]] = defaultdict(set)
        self.names: set[str] = set()
        below: dict[str, set[str]] = defaultdict(set)
        ahead: list[str] = []
        for claim in claims:
            kind, child, parent = claim.bound.tie[:3]
            below[parent].add(child)
            if kind == SAME_AS:
                below[child].add(parent)
            if claim.since != ALWAYS or claim.until != FOREVER:
                ahead += (child, parent) if kind == SAME_AS else (child,)
        while ahead:
            name = ahead.pop()
            if name not in self.names:
                self.names.add(name)
                ahead += below[name]
        for name in self.names:
            for other in below[name]:
                self._beside[name].add(other)
                self._beside[other].add(name)

    def clusters(self) -> Iterator[set[str]]:
        left = set(self.names)
        while left:
            cluster: set[str] = set()
            ahead = [left.pop()]
            while ahead:
                name = ahead.pop()
                if name not in cluster:
                    cluster.add(name)
                    ahead += self._beside[name]
            left -= cluster
            yield cluster


class _Over:
    """What the place of each name follows from."""

    def __init__(self, claims: Sequence[Claim]) -> None:
        self._claims = claims
        self._over: dict[str, list[int]] = defaultdict(list)
        for rank, claim in enumerate(claims):
            self._over[claim.bound.child].append(rank)
            if claim.bound.kind == SAME_AS:
                self._over[claim.bound.parent].append(rank)

    def of(self, names: Iterable[str]) -> tuple[set[str], list[Claim]]:
        """`names` and all above them, and the claims between these, best first."""
        found: set[str] = set()
        ranks: set[int] = set()
        ahead = list(names)
        while ahead:
            name = ahead.pop()
            if name not in found:
                found.add(name)
                over = self._over.get(name, ())
                ranks.update(over)
                ahead += (end for rank in over for end in self._claims[rank].bound[1:3])
        return found, [self._claims[rank] for rank in sorted(ranks)]
