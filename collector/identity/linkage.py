"""Links and what they resolve to, held in memory and kept up to date batch by batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import Self

import polars as pl

from collector.identity.resolution import (
    Ruling,
    Rulings,
    decisions,
    settle,
    with_asserted,
)
from collector.identity.ties import (
    BELONGS_TO,
    NO_EVIDENCE,
    SAME_AS,
    Evidence,
    Pair,
    Place,
    Verdict,
    alone,
    evidence,
    keep_best,
)
from collector.mapping import Mapping

_HELD = Verdict()
_PLACING = (SAME_AS, BELONGS_TO)  # relations place nothing


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What an update changed.

    `places` are the new places of identifiers that moved; `links` the new state of changed pairs,
    None for a pair without evidence left; `roots` all roots that lost or won something.
    """

    places: dict[str, Place]
    links: dict[Pair, tuple[Evidence, Verdict] | None]
    roots: set[str]


class Linkage:
    """All links and the place of every identifier they name.

    After any sequence of updates it holds what `resolution.resolve` gives for the same evidence.
    """

    def __init__(self, mapping: Mapping, rulings: Rulings) -> None:
        self._mapping = mapping
        self._rulings = dict(rulings)
        self._evidence: dict[Pair, Evidence] = {}
        # What an identifier's place follows from: the pairs that give it names or owners; and the
        # other way round: the pairs in which it owns.
        self._over: dict[str, list[Pair]] = defaultdict(list)
        self._under: dict[str, list[Pair]] = defaultdict(list)
        self._places: dict[str, Place] = {}
        self._lost: dict[Pair, Verdict] = {}

    @classmethod
    def load(cls, links: pl.DataFrame, rulings: pl.DataFrame, mapping: Mapping) -> Self:
        """A linkage of stored links (columns `ties.EVIDENCE` at least) under `ties.RULINGS`."""
        linkage = cls(mapping, decisions(rulings))
        for pair, found in with_asserted(evidence(links), linkage._rulings).items():
            linkage._evidence[pair] = found
            linkage._adjoin(pair)
        linkage._settle(linkage._evidence, linkage._over.keys() | linkage._under.keys())
        return linkage

    def place(self, identifier: str) -> Place:
        """What `identifier` resolves to, whether or not it was ever seen."""
        return self._places.get(identifier) or alone(identifier, self._mapping)

    def held(self, pair: Pair) -> Evidence | None:
        """The best evidence known for a pair."""
        return self._evidence.get(pair)

    def unwitnessed(self, identifier: str) -> bool:
        """Whether no fact ties `identifier` to another, people's rulings at the most."""
        pairs = (*self._over.get(identifier, ()), *self._under.get(identifier, ()))
        return all(self._evidence[pair] == NO_EVIDENCE for pair in pairs)

    def update(self, found: pl.DataFrame, withdrawn: Iterable[Pair] = ()) -> Changes:
        """Take in `found` (columns `ties.EVIDENCE`) and settle anew what it touches.

        Of a `withdrawn` pair only the evidence in `found` counts; without any, the pair goes,
        unless a ruling asserts it.
        """
        touched: dict[Pair, tuple[Evidence, Verdict] | None] = {}
        for pair in withdrawn:
            if pair in self._evidence:
                touched[pair] = self._stand(pair)
                self._withdraw(pair)
        for pair, new in evidence(found).items():
            before = self._stand(pair)
            if keep_best(self._evidence, pair, new):
                touched.setdefault(pair, before)
                if before is None:
                    self._adjoin(pair)
        return self._changes(touched)

    def rule(self, rulings: Dictionary[Pair, Ruling | None]) -> Changes:
        """Go by the last words on some pairs from now on; None lifts an earlier ruling."""
        touched = {pair: self._stand(pair) for pair in rulings}
        for pair, ruling in rulings.items():
            self._rulings.pop(pair, None)
            if ruling is not None:
                self._rulings[pair] = ruling
            asserted = ruling is not None and ruling.asserted
            if asserted and pair not in self._evidence:
                self._evidence[pair] = NO_EVIDENCE
                self._adjoin(pair)
            elif not asserted and self._evidence.get(pair) == NO_EVIDENCE:
                self._drop(pair)
        return self._changes(touched)

    def _changes(self, touched: dict[Pair, tuple[Evidence, Verdict] | None]) -> Changes:
        region = self._region(touched)
        over = {pair for identifier in region for pair in self._over.get(identifier, ())}
        pairs = over | touched.keys()
        before = {pair: touched[pair] if pair in touched else self._stand(pair) for pair in pairs}
        places = {identifier: self.place(identifier) for identifier in region}
        self._settle(pairs & self._evidence.keys(), region)
        after = {pair: self._stand(pair) for pair in pairs}
        moved = {i: self.place(i) for i, was in places.items() if self.place(i) != was}
        links = {pair: now for pair, now in after.items() if now != before[pair]}
        roots = {place.root_id for i in moved for place in (places[i], moved[i])}
        roots |= {self.place(end).root_id for pair in links for end in (pair.child, pair.parent)}
        return Changes(places=moved, links=links, roots=roots - {""})

    def _settle(self, pairs: Iterable[Pair], region: Set[str]) -> None:
        """Settle `pairs`, all that lie over the identifiers of `region`, and relations."""
        places, verdicts = settle(
            {pair: self._evidence[pair] for pair in pairs}, self._rulings, self._mapping
        )
        for identifier in region:
            self._places.pop(identifier, None)
        self._places.update((i, place) for i, place in places.items() if i in region)
        for pair, verdict in verdicts.items():
            self._lost.pop(pair, None)
            if verdict != _HELD:
                self._lost[pair] = verdict

    def _region(self, touched: Iterable[Pair]) -> set[str]:
        """Whatever `touched` can move, and all that its place follows from.

        An owner never moves with what it owns, so a contract's other objects stay out.
        """
        moving: set[str] = set()
        ahead = [pair.child for pair in touched if pair.kind in _PLACING]
        ahead += [pair.parent for pair in touched if pair.kind == SAME_AS]
        while ahead:
            identifier = ahead.pop()
            if identifier not in moving:
                moving.add(identifier)
                ahead += [pair.child for pair in self._under.get(identifier, ())]
                ahead += self._names(identifier)
        return self._founded(moving)

    def _founded(self, identifiers: Iterable[str]) -> set[str]:
        """`identifiers`, all their names, and the same of all owners, up to the top."""
        founded: set[str] = set()
        ahead = list(identifiers)
        while ahead:
            identifier = ahead.pop()
            if identifier not in founded:
                founded.add(identifier)
                for pair in self._over.get(identifier, ()):
                    ahead += (pair.child, pair.parent)
        return founded

    def _names(self, identifier: str) -> Iterator[str]:
        for pair in self._over.get(identifier, ()):
            if pair.kind == SAME_AS:
                yield from (pair.child, pair.parent)

    def _stand(self, pair: Pair) -> tuple[Evidence, Verdict] | None:
        found = self._evidence.get(pair)
        return None if found is None else (found, self._lost.get(pair, _HELD))

    def _adjoin(self, pair: Pair) -> None:
        for pairs, end in self._ends(pair):
            pairs[end].append(pair)

    def _ends(self, pair: Pair) -> Iterator[tuple[dict[str, list[Pair]], str]]:
        if pair.kind in _PLACING:
            yield self._over, pair.child
            yield self._over if pair.kind == SAME_AS else self._under, pair.parent

    def _withdraw(self, pair: Pair) -> None:
        ruling = self._rulings.get(pair)
        if ruling is not None and ruling.asserted:
            self._evidence[pair] = NO_EVIDENCE
        else:
            self._drop(pair)

    def _drop(self, pair: Pair) -> None:
        del self._evidence[pair]
        self._lost.pop(pair, None)
        for pairs, end in self._ends(pair):
            pairs[end].remove(pair)
            if not pairs[end]:
                del pairs[end]
