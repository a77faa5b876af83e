"""Links kept up to date one by one: always what resolving them all from nothing gives."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from identity_links import (
    CLM,
    CLM2,
    ERP,
    LINKS,
    MAPPING,
    NONE,
    ONE_RULING,
    PSA,
    SOME_RULINGS,
    WORKING_SETS,
    belongs,
    places,
    resolved,
    ruling,
)

from collector.identity.linkage import Linkage
from collector.identity.resolution import Resolution, Ruling, last_words, resolve
from collector.identity.ties import (
    EVIDENCE,
    Evidence,
    Pair,
    Place,
    Verdict,
    alone,
    evidence,
    pairs,
    tenures,
)


@given(LINKS, st.data(), SOME_RULINGS)
@settings(deadline=None, max_examples=150)
def test_keeping_up_equals_resolving_from_nothing(
    links: list[pl.DataFrame], data: st.DataObject, rulings: pl.DataFrame
) -> None:
    nothing = EVIDENCE.to_frame()
    linkage = ruled(rulings, data.draw(WORKING_SETS))
    whole = resolve(nothing, rulings, MAPPING)
    held: list[pl.DataFrame] = []
    for batch in _batches(data, links):
        gone = data.draw(st.sets(st.sampled_from(pairs(pl.concat(held))))) if held else set()
        held = [h for h in held if pairs(h)[0] not in gone] + batch
        before, whole = whole, resolve(pl.concat([nothing, *held]), rulings, MAPPING)
        changes = linkage.update(pl.concat([nothing, *batch]), gone)
        assert _moved(changes.places) == _differences(_places(before), _places(whole))
        assert changes.tenures == _cut(before, whole)
        assert changes.links == _differences(_links(before), _links(whole))
        moved = changes.places.keys() | changes.tenures.keys()
        assert changes.roots >= _roots(before, moved) | _roots(whole, moved)
        known = _places(whole)
        assert linkage.places.of(known) == known


@given(LINKS, st.data(), st.lists(ONE_RULING, max_size=4))
@settings(deadline=None, max_examples=150)
def test_ruling_as_one_goes_equals_resolving_from_nothing(
    links: list[pl.DataFrame], data: st.DataObject, made: list[pl.DataFrame]
) -> None:
    linkage = Linkage(MAPPING, data.draw(WORKING_SETS))
    steps = data.draw(st.permutations([*made, *links]))
    known: list[pl.DataFrame] = []
    words: dict[Pair, Ruling | None] = {}
    for step in steps:
        before = resolved(*known, rulings=_last(words))
        if step.columns == EVIDENCE.names():
            known.append(step)
            changes = linkage.update(step)
        else:
            words |= last_words(step)
            changes = linkage.rule(last_words(step))
        whole = resolved(*known, rulings=_last(words))
        assert _moved(changes.places) == _differences(_places(before), _places(whole))
        assert changes.tenures == _cut(before, whole)
        assert changes.links == _differences(_links(before), _links(whole))


def ruled(rulings: pl.DataFrame, working_set: int = 1) -> Linkage:
    """A linkage that knows nothing but rulings."""
    linkage = Linkage(MAPPING, working_set)
    linkage.rule(last_words(rulings))
    return linkage


def _last(words: dict[Pair, Ruling | None]) -> pl.DataFrame:
    """Rulings of which these are the last words."""
    return pl.concat(
        [
            NONE,
            *(
                ruling("assert" if word.asserted else "retract", *pair[:3])
                for pair, word in words.items()
                if word is not None
            ),
        ]
    )


def _places(resolution: Resolution) -> dict[str, Place]:
    """Identifiers whose place is not what it would be without any link."""
    found = {i: Place(*place) for i, place in places(resolution).items()}
    return {i: place for i, place in found.items() if place != alone(i, MAPPING)}


def _cut(before: Resolution, after: Resolution) -> dict[str, Any]:
    was, now = tenures(before.tenures), tenures(after.tenures)
    return {i: (was.get(i, ()), now.get(i, ())) for i in _differences(was, now)}


def _moved(found: dict[str, Place]) -> dict[str, Place | None]:
    return {i: None if place == alone(i, MAPPING) else place for i, place in found.items()}


def _links(resolution: Resolution) -> dict[Pair, tuple[Evidence, Verdict]]:
    frame = resolution.links
    verdicts = [Verdict(*row) for row in frame.select("state", "reason").iter_rows()]
    found = evidence(frame)
    return {
        pair: (found[pair], verdict) for pair, verdict in zip(pairs(frame), verdicts, strict=True)
    }


def _differences(before: dict[Any, Any], after: dict[Any, Any]) -> dict[Any, Any]:
    keys = before.keys() | after.keys()
    return {key: after.get(key) for key in keys if before.get(key) != after.get(key)}


def _roots(resolution: Resolution, identifiers: Iterable[str]) -> set[str]:
    found = places(resolution)
    slices = tenures(resolution.tenures)
    roots = {one.place.root_id for i in identifiers for one in slices.get(i, ())}
    return (roots | {found[i][2] for i in identifiers if i in found}) - {""}


def _batches(data: st.DataObject, links: list[pl.DataFrame]) -> list[list[pl.DataFrame]]:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(links)), max_size=3)))
    return [links[a:b] for a, b in pairwise([0, *cuts, len(links)])]


def test_a_ruling_outlives_the_evidence_it_confirmed() -> None:
    rulings = ruling("assert", "belongs_to", ERP, CLM)
    linkage = ruled(rulings)
    linkage.update(belongs(ERP, CLM, mastered=False))
    linkage.update(EVIDENCE.to_frame(), [Pair("belongs_to", ERP, CLM)])
    assert linkage.places.of([ERP])[ERP].root_id == CLM


def test_worse_evidence_counts_once_the_better_one_is_withdrawn() -> None:
    linkage = Linkage(MAPPING, working_set=0)
    linkage.update(belongs(ERP, CLM, 1))
    linkage.update(belongs(PSA, CLM2, 1))  # lays the first link down
    worse = belongs(ERP, CLM, 5)
    changes = linkage.update(worse, [Pair("belongs_to", ERP, CLM)])
    assert changes.links == {
        Pair("belongs_to", ERP, CLM): (evidence(worse)[Pair("belongs_to", ERP, CLM)], Verdict())
    }
