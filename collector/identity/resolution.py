"""What every identifier resolves to: a pure function of the set of links and rulings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from collector.identity.claims import Claim, Lives, claims
from collector.identity.ownership import owners
from collector.identity.sameness import objects
from collector.identity.tenure import current, in_time, joined, tenure
from collector.identity.ties import (
    BELONGS_TO,
    NO_EVIDENCE,
    RULINGS,
    SAME_AS,
    Evidence,
    Pair,
    Place,
    Tenures,
    Verdict,
    evidence,
    identifiers_frame,
    links_frame,
    tenures_frame,
)
from collector.mapping import Mapping
from collector.validity import ALWAYS, FOREVER


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What somebody decided about a pair."""

    asserted: bool
    reason: str


Rulings = Dictionary[Pair, Ruling]


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """`identifiers` has one row for each that occurs in a link, `tenures` one for each stretch that
    one of them spends in a place, if it is not always there; `links` adds state and reason.
    """

    identifiers: pl.DataFrame
    tenures: pl.DataFrame
    links: pl.DataFrame

    @property
    def conflicts(self) -> pl.DataFrame:
        """The links that lost against better evidence, and against what."""
        return self.links.filter(pl.col("state") == "conflict")


def resolve(links: pl.DataFrame, rulings: pl.DataFrame, mapping: Mapping) -> Resolution:
    """Resolve all `links` (columns `ties.EVIDENCE`, any order) under `rulings` (`ties.RULINGS`).

    Names of one object are joined pair by pair, best evidence first; a pair that would give an
    object two names in one namespace is a conflict. Each object has one owner: among rivals the one
    with the best evidence, where owners that lie on one chain are not rivals.
    """
    decided = decisions(rulings)
    found = with_asserted(evidence(links), decided)
    settled = settle(found, decided, mapping)
    return Resolution(
        identifiers=identifiers_frame(settled.places),
        tenures=tenures_frame(settled.tenures),
        links=links_frame({pair: (found[pair], settled.verdicts[pair]) for pair in found}),
    )


def decisions(rulings: pl.DataFrame) -> Rulings:
    """The last ruling on each pair; a pair whose last one was lifted is left out."""
    return {pair: ruling for pair, ruling in last_words(rulings).items() if ruling is not None}


def last_words(rulings: pl.DataFrame) -> dict[Pair, Ruling | None]:
    """The last ruling on each pair; None where it was lifted."""
    ordered = rulings.select(RULINGS.names()).sort("number", "at", "act", "who", "why")
    return {
        Pair(kind, child, parent): None
        if act == "lift"
        else Ruling(asserted=act == "assert", reason=f"{who}: {why}")
        for _, kind, child, parent, act, _, who, why in ordered.iter_rows()
    }


def with_asserted(found: dict[Pair, Evidence], rulings: Rulings) -> dict[Pair, Evidence]:
    """`found` and the pairs that nothing but a ruling asserts."""
    told = {pair.tie for pair in found}
    ruled = {pair: NO_EVIDENCE for pair, ruling in rulings.items() if ruling.asserted}
    return {pair: none for pair, none in ruled.items() if pair not in told} | found


def settle(links: Dictionary[Pair, Evidence], rulings: Rulings, mapping: Mapping) -> Settled:
    """What the identifiers in `links` resolve to, and the verdict on each pair.

    Links of separate components never affect each other, so settling some components alone gives
    what settling all of them would.
    """
    verdicts = {pair: _retracted(pair, found, rulings) for pair, found in links.items()}
    standing = [pair for pair in links if verdicts[pair].state == "held"]
    placing = [pair for pair in standing if pair.kind in (SAME_AS, BELONGS_TO)]
    names = {name for pair in links for name in (pair.child, pair.parent)}
    court, cut = _Court(links, rulings, mapping), _with_bounded(placing)
    still = [pair for pair in placing if pair.child not in cut]
    places, judged = court.at_once(court.ranked(map(_always, still)), names - cut)
    moving = [pair for pair in placing if pair.child in cut]
    moved = _in_time(moving, cut, court) if cut else Settled({}, {}, {})
    return Settled(places | moved.places, moved.tenures, verdicts | judged | moved.verdicts)


def _with_bounded(placing: Sequence[Pair]) -> set[str]:
    """The names that hang together with a pair that does not always hold."""
    ahead = [pair.child for pair in placing if pair.bounded]
    if not ahead:
        return set()
    beside: dict[str, list[str]] = defaultdict(list)
    for pair in placing:
        beside[pair.child].append(pair.parent)
        beside[pair.parent].append(pair.child)
    found: set[str] = set()
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += beside[name]
    return found


def _in_time(placing: Sequence[Pair], names: set[str], court: _Court) -> Settled:
    lives = Lives(placing, court.links, court.mapping)
    slices, judged = in_time(
        court.ranked(claims(placing, court.links, lives)),
        names | lives.begins.keys(),
        court.at_once,
    )
    found = {name: joined(name, slices, lives) for name in names}
    tenures = {name: kept for name in names if len(kept := tenure(found[name])) > 1}
    places = {name: current(found[name]) for name in names}
    return Settled(places, tenures, judged)


class Settled(NamedTuple):
    """`places` of all identifiers as things stand; `tenures` of those that are not always there."""

    places: dict[str, Place]
    tenures: Tenures
    verdicts: dict[Pair, Verdict]


@dataclass(frozen=True)
class _Court:
    """Resolves claims that hold at one time."""

    links: Dictionary[Pair, Evidence]
    rulings: Rulings
    mapping: Mapping

    def ranked(self, made: Iterable[Claim]) -> list[Claim]:
        return sorted(made, key=self._order)

    def at_once(
        self, made: Sequence[Claim], names: Collection[str]
    ) -> tuple[dict[str, Place], dict[Pair, Verdict]]:
        """Places of `names`, and the verdict on the pairs of the claims, which come best first."""
        kinds: dict[str, list[Pair]] = {SAME_AS: [], BELONGS_TO: []}
        said = {claim.bound: claim.pair for claim in made}
        for bound in said:
            kinds[bound.kind].append(bound)
        ruled = {bound for bound in kinds[SAME_AS] if said[bound].tie in self.rulings}
        object_of, same = objects(names, kinds[SAME_AS], self.mapping, ruled)
        places, owned = owners(object_of, kinds[BELONGS_TO], self.mapping)
        judged = dict.fromkeys(said, Verdict()) | same | owned
        return places, {said[bound]: verdict for bound, verdict in judged.items()}

    def _order(self, claim: Claim) -> tuple[object, ...]:
        """A total order: rulings, then evidence, then the pair itself."""
        ruling, found = self.rulings.get(claim.pair.tie), self.links[claim.pair]
        asserted = ruling is not None and ruling.asserted
        standing = (not asserted, not found.plausible, not found.mastered)
        return (*standing, -claim.began, found.rank(), claim.bound)


def _always(pair: Pair) -> Claim:
    return Claim(pair=pair, bound=pair, since=ALWAYS, until=FOREVER, began=ALWAYS)


def _retracted(pair: Pair, found: Evidence, rulings: Rulings) -> Verdict:
    """People have the last word; where they have not spoken, whoever withdrew what was said."""
    ruling = rulings.get(pair.tie)
    if ruling is not None:
        return Verdict() if ruling.asserted else Verdict("retracted", ruling.reason)
    return Verdict("retracted", found.void) if found.void else Verdict()
