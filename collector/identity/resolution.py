"""What every identifier resolves to: a pure function of the set of links and rulings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass

import polars as pl

from collector.identity.ownership import owners
from collector.identity.sameness import objects
from collector.identity.ties import (
    BELONGS_TO,
    NO_EVIDENCE,
    RULINGS,
    SAME_AS,
    Evidence,
    Pair,
    Place,
    Verdict,
    evidence,
    identifiers_frame,
    links_frame,
)
from collector.mapping import Mapping


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """What somebody decided about a pair."""

    asserted: bool
    reason: str


Rulings = Dictionary[Pair, Ruling]


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """`identifiers` has one row for each that occurs in a link; `links` adds state and reason."""

    identifiers: pl.DataFrame
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
    places, verdicts = settle(found, decided, mapping)
    return Resolution(
        identifiers=identifiers_frame(places),
        links=links_frame({pair: (found[pair], verdicts[pair]) for pair in found}),
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
    ruled = {pair: NO_EVIDENCE for pair, ruling in rulings.items() if ruling.asserted}
    return ruled | found


def settle(
    links: Dictionary[Pair, Evidence], rulings: Rulings, mapping: Mapping
) -> tuple[dict[str, Place], dict[Pair, Verdict]]:
    """Places of all identifiers in `links` and the verdict on each pair.

    Links of separate components never affect each other, so settling some components alone gives
    what settling all of them would.
    """
    verdicts = {pair: _retracted(pair, rulings) for pair in links}
    kinds: dict[str, list[Pair]] = defaultdict(list)
    for pair in sorted(links, key=lambda pair: _order(pair, links[pair], rulings)):
        if verdicts[pair].state == "held":
            kinds[pair.kind].append(pair)
    identifiers = {name for pair in links for name in (pair.child, pair.parent)}
    ruled = {pair for pair in kinds[SAME_AS] if pair in rulings}
    object_of, same = objects(identifiers, kinds[SAME_AS], mapping, ruled)
    places, owned = owners(object_of, kinds[BELONGS_TO], mapping)
    return places, verdicts | same | owned


def _retracted(pair: Pair, rulings: Rulings) -> Verdict:
    ruling = rulings.get(pair)
    if ruling is None or ruling.asserted:
        return Verdict()
    return Verdict("retracted", ruling.reason)


def _order(pair: Pair, found: Evidence, rulings: Rulings) -> tuple[object, ...]:
    """A total order: rulings, then evidence, then the pair itself."""
    ruling = rulings.get(pair)
    return (not (ruling and ruling.asserted), found.rank(), pair)
