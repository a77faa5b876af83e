"""Links and what they resolve to, held in memory and kept up to date batch by batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import Self

import polars as pl

from collector.identity import archive
from collector.identity.archive import Archive, Link
from collector.identity.names import Names
from collector.identity.places import Places
from collector.identity.resolution import Ruling, Rulings, decisions, settle
from collector.identity.ties import (
    BELONGS_TO,
    NO_EVIDENCE,
    SAME_AS,
    Evidence,
    Pair,
    Place,
    Tenure,
    Tenures,
    Verdict,
    alone,
    keep_best,
)
from collector.mapping import Mapping

_HELD = Verdict()
_PLACING = (SAME_AS, BELONGS_TO)  # relations place nothing

# How many links are held as objects before all of them go to the archive, which is laid anew then:
# so many, or a part of what lies there.
WORKING_SET = 20_000
_PART = 16


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What an update changed.

    `places` are the new places of identifiers that moved; `tenures` the slices, before and after,
    of those whose slices changed; `links` the new state of changed pairs, None for a pair without
    evidence left; `roots` all roots that lost or won something.
    """

    places: dict[str, Place]
    tenures: dict[str, tuple[Tenure, Tenure]]
    links: dict[Pair, tuple[Evidence, Verdict] | None]
    roots: set[str]


class Linkage:
    """All links and the place of every identifier they name.

    After any sequence of updates it holds what `resolution.resolve` gives for the same evidence.
    Links that a batch touches are objects; all others rest in an archive.
    """

    def __init__(self, mapping: Mapping, working_set: int = WORKING_SET) -> None:
        self._mapping, self._working_set = mapping, working_set
        names = Names()
        self.places = Places(names, mapping)
        self._archive = Archive(names)
        self._rulings: dict[Pair, Ruling] = {}
        self._forget_objects()

    @classmethod
    def load(
        cls,
        links: Iterable[pl.DataFrame],
        identifiers: Iterable[pl.DataFrame],
        tenures: pl.DataFrame,
        rulings: pl.DataFrame,
        mapping: Mapping,
    ) -> Self:
        """What was stored, as `ties.LINKS` and as `Places.load` takes it, under `ties.RULINGS`."""
        linkage = cls(mapping)
        linkage.places.load(identifiers, tenures)
        linkage._archive.put(map(archive.rows, links))
        linkage.rule(decisions(rulings))
        return linkage

    def known(self, pairs: Collection[Pair]) -> dict[Pair, Evidence]:
        """The best evidence for those of `pairs` that have any."""
        self._open_over({pair.child for pair in pairs})
        return {pair: self._evidence[pair] for pair in pairs if pair in self._evidence}

    def variants(self, ties: Collection[Pair]) -> list[Pair]:
        """All that is known of `ties`, whenever it is said to hold."""
        self._open_over({tie.child for tie in ties})
        found = [(tie, *self._variants.get(tie, ())) for tie in ties]
        return [pair for pairs in found for pair in pairs if pair in self._evidence]

    def unwitnessed(self, identifiers: Collection[str]) -> set[str]:
        """Those of `identifiers` that no fact ties to another, people's rulings at the most."""
        self._open_over(set(identifiers))
        self._open_under(set(identifiers))
        return {i for i in identifiers if all(map(self._unproven, self._pairs_of(i)))}

    def update(self, found: pl.DataFrame, withdrawn: Collection[Pair] = ()) -> Changes:
        """Take in `found` (columns `ties.EVIDENCE`) and settle anew what it touches.

        Of a `withdrawn` pair only the evidence in `found` counts; without any, the pair goes,
        unless a ruling asserts it.
        """
        self._lay_down()
        touched: dict[Pair, tuple[Evidence, Verdict] | None] = {}
        fallen = self.known(withdrawn)
        self._archive.doubt({pair.child for pair in fallen})
        for pair in fallen:
            if fallen[pair] != NO_EVIDENCE:
                touched[pair] = self._stand(pair)
                self._drop(pair)
        for pair, new, _ in self._news(found):
            before = self._stand(pair)
            if keep_best(self._evidence, pair, new):
                touched.setdefault(pair, before)
                if before is None:
                    self._adjoin(pair)
        for tie in {pair.tie for pair in touched}:
            self._attend(tie, touched)
        return self._changes(touched)

    def rule(self, rulings: Dictionary[Pair, Ruling | None] | Rulings) -> Changes:
        """Go by the last words on some pairs from now on; None lifts an earlier ruling."""
        self._lay_down()
        self._open_over({pair.child for pair in rulings})
        touched = {
            pair: self._stand(pair)
            for tie in rulings
            for pair in (tie, *self._variants.get(tie, ()))
        }
        for tie, ruling in rulings.items():
            self._rulings.pop(tie, None)
            if ruling is not None:
                self._rulings[tie] = ruling
            self._attend(tie, touched)
        return self._changes(touched)

    def _attend(self, tie: Pair, touched: dict[Pair, tuple[Evidence, Verdict] | None]) -> None:
        """Have a tie without evidence where people assert it and no fact does, at any time."""
        ruling, stands = self._rulings.get(tie), self._evidence.get(tie)
        bare = ruling is not None and ruling.asserted and not self._variants.get(tie)
        if bare and stands is None:
            touched.setdefault(tie, None)
            self._evidence[tie] = NO_EVIDENCE
            self._adjoin(tie)
        elif not bare and stands == NO_EVIDENCE:
            touched.setdefault(tie, self._stand(tie))
            self._drop(tie)

    def _news(self, found: pl.DataFrame) -> list[Link]:
        """The rows of `found` that may be better than what is known."""
        told = archive.rows(found)
        fresh = told.filter(~self._archive.knows_better(told))
        self._open_over(set(fresh["child"]))
        return archive.links(fresh)

    def _changes(self, touched: dict[Pair, tuple[Evidence, Verdict] | None]) -> Changes:
        region = self._region(touched)
        over = {pair for identifier in region for pair in self._over.get(identifier, ())}
        pairs = over | touched.keys()
        before = {pair: touched[pair] if pair in touched else self._stand(pair) for pair in pairs}
        was, had = self.places.of(region), self.places.tenures(region)
        now, tenures = self._settle(pairs & self._evidence.keys(), region)
        after = {pair: self._stand(pair) for pair in pairs}
        moved = {i: place for i, place in now.items() if place != was[i]}
        cut = {i: (had[i], tenures.get(i, ())) for i in region if had[i] != tenures.get(i, ())}
        self.places.put(moved)
        self.places.put_tenures({i: after for i, (_, after) in cut.items()})
        links = {pair: new for pair, new in after.items() if new != before[pair]}
        roots = {place.root_id for i in moved for place in (was[i], moved[i])}
        roots |= {one.place.root_id for both in cut.values() for some in both for one in some}
        roots |= self.places.roots([end for pair in links for end in (pair.child, pair.parent)])
        return Changes(places=moved, tenures=cut, links=links, roots=roots - {""})

    def _settle(
        self, pairs: Iterable[Pair], region: Collection[str]
    ) -> tuple[dict[str, Place], Tenures]:
        """Settle `pairs`, all that lie over the identifiers of `region`, and relations."""
        settled = settle(
            {pair: self._evidence[pair] for pair in pairs}, self._rulings, self._mapping
        )
        for pair, verdict in settled.verdicts.items():
            self._lost.pop(pair, None)
            if verdict != _HELD:
                self._lost[pair] = verdict
        places = settled.places
        return {i: places.get(i) or alone(i, self._mapping) for i in region}, settled.tenures

    def _region(self, touched: Iterable[Pair]) -> set[str]:
        """Whatever `touched` can move, and all that its place follows from.

        An owner never moves with what it owns, so a contract's other objects stay out.
        """
        ahead = {pair.child for pair in touched if pair.kind in _PLACING}
        ahead |= {pair.parent for pair in touched if pair.kind == SAME_AS}
        moving: set[str] = set()
        while ahead:
            moving |= ahead
            self._open_over(ahead)
            self._open_under(ahead)
            below = {pair.child for i in ahead for pair in self._under.get(i, ())}
            ahead = (below | {name for i in ahead for name in self._names(i)}) - moving
        return self._founded(moving)

    def _founded(self, identifiers: set[str]) -> set[str]:
        """`identifiers`, all their names, and the same of all owners, up to the top."""
        founded: set[str] = set()
        ahead = identifiers
        while ahead:
            founded |= ahead
            self._open_over(ahead)
            pairs = [pair for i in ahead for pair in self._over.get(i, ())]
            ahead = {end for pair in pairs for end in (pair.child, pair.parent)} - founded
        return founded

    def _names(self, identifier: str) -> Iterator[str]:
        for pair in self._over.get(identifier, ()):
            if pair.kind == SAME_AS:
                yield from (pair.child, pair.parent)

    def _stand(self, pair: Pair) -> tuple[Evidence, Verdict] | None:
        found = self._evidence.get(pair)
        return None if found is None else (found, self._lost.get(pair, _HELD))

    def _pairs_of(self, identifier: str) -> Iterator[Pair]:
        yield from self._over.get(identifier, ())
        yield from self._under.get(identifier, ())

    def _unproven(self, pair: Pair) -> bool:
        return self._evidence[pair] == NO_EVIDENCE

    def _adjoin(self, pair: Pair) -> None:
        if pair.bounded:
            self._variants[pair.tie].add(pair)
        for pairs, end in self._ends(pair):
            pairs[end].append(pair)

    def _ends(self, pair: Pair) -> Iterator[tuple[dict[str, list[Pair]], str]]:
        if pair.kind in _PLACING:
            yield self._over, pair.child
            yield self._over if pair.kind == SAME_AS else self._under, pair.parent

    def _drop(self, pair: Pair) -> None:
        del self._evidence[pair]
        self._lost.pop(pair, None)
        if pair.bounded:
            self._variants[pair.tie].discard(pair)
        for pairs, end in self._ends(pair):
            pairs[end].remove(pair)
            if not pairs[end]:
                del pairs[end]

    def _open_over(self, identifiers: set[str]) -> None:
        """Make objects of the links that give `identifiers` names or owners."""
        shut = identifiers - self._opened_over
        if shut and len(self._archive):
            self._opened_over |= shut
            self._take_in(self._archive.over(shut))

    def _open_under(self, identifiers: set[str]) -> None:
        """Make objects of the links in which `identifiers` own."""
        shut = identifiers - self._opened_under
        if shut and len(self._archive):
            self._opened_under |= shut
            self._take_in(self._archive.under(shut))

    def _take_in(self, links: Iterable[Link]) -> None:
        for pair, found, verdict in links:
            self._evidence[pair] = found
            if verdict != _HELD:
                self._lost[pair] = verdict
            self._adjoin(pair)

    def _lay_down(self) -> None:
        """Archive all objects once they are many."""
        if len(self._evidence) <= max(self._working_set, len(self._archive) // _PART):
            return
        links = (Link(p, found, self._lost.get(p, _HELD)) for p, found in self._evidence.items())
        self._archive.put([archive.frame(links)])
        self._forget_objects()

    def _forget_objects(self) -> None:
        self._evidence: dict[Pair, Evidence] = {}
        self._lost: dict[Pair, Verdict] = {}
        # What an identifier's place follows from: the pairs that give it names or owners; and the
        # other way round: the pairs in which it owns. Complete for the identifiers opened.
        self._over: dict[str, list[Pair]] = defaultdict(list)
        self._under: dict[str, list[Pair]] = defaultdict(list)
        self._variants: dict[Pair, set[Pair]] = defaultdict(set)  # by tie: its bounded pairs
        self._opened_over: set[str] = set()
        self._opened_under: set[str] = set()
