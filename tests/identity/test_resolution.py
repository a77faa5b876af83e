"""What identifiers resolve to: objects, owners, roots, conflicts, rulings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.identity.linkage import Linkage
from collector.identity.resolution import Resolution, Ruling, last_words, resolve
from collector.identity.ties import (
    EVIDENCE,
    RULINGS,
    Evidence,
    Pair,
    Place,
    Verdict,
    alone,
    evidence,
    links_frame,
    pairs,
    tenures,
)
from collector.mapping import load
from collector.validity import ALWAYS, FOREVER

MAPPING = load()
CLM, CLM2, CLM3 = "contract:clm:C-1", "contract:clm:C-2", "contract:clm:C-3"
CRM, CRM2 = "contract:crm:800", "contract:crm:801"
ERP, ERP2, PSA = "project:erp:P-1", "project:erp:P-2", "project:psa:D-1"
AMENDMENT, ORDER = "amendment:clm:A-1", "purchase_order:procurement:PO-1"
INVOICE, PAYMENT, MILESTONE = "invoice:erp:1", "payment:bank:B", "milestone:psa:M"
NONE = RULINGS.to_frame()


def link(
    kind: str,
    child: str,
    parent: str,
    at: int = 0,
    *,
    mastered: bool = True,
    since: int = ALWAYS,
    until: int = FOREVER,
) -> pl.DataFrame:
    """One pair and its evidence, `at` nanoseconds; the fact's id says so too."""
    found = Evidence(at=at, fact_id=f"f{at}", system="erp", mastered=mastered)
    rows = links_frame({Pair(kind, child, parent, since, until): (found, Verdict())})
    return rows.select(EVIDENCE.names())


def belongs(child: str, parent: str, at: int = 0, **more: Any) -> pl.DataFrame:
    return link("belongs_to", child, parent, at, **more)


def same(child: str, parent: str, at: int = 0, **more: Any) -> pl.DataFrame:
    return link("same_as", child, parent, at, **more)


def ruling(act: str, kind: str, child: str, parent: str, hour: int = 0) -> pl.DataFrame:
    at = datetime(2026, 1, 1, hour, tzinfo=UTC)
    row = (hour, kind, child, parent, act, at, "auditor", "seen the paper")
    return pl.DataFrame([row], schema=RULINGS, orient="row")


def resolved(*links: pl.DataFrame, rulings: pl.DataFrame = NONE) -> Resolution:
    whole = pl.concat(links) if links else EVIDENCE.to_frame()
    return resolve(whole, rulings, MAPPING)


def places(resolution: Resolution) -> dict[str, tuple[str, str, str]]:
    """By identifier: object, owner, root."""
    frame = resolution.identifiers
    names = frame.select(pl.concat_str("object_type", "namespace", "value", separator=":"))
    rows = frame.select("object_id", "owner_id", "root_id").rows()
    return dict(zip(names.to_series().to_list(), rows, strict=True))


def lost(resolution: Resolution) -> dict[tuple[str, str], tuple[str, str]]:
    """By pair that is not held: state and reason."""
    frame = resolution.links
    found = zip(pairs(frame), frame.select("state", "reason").rows(), strict=True)
    return {(p.child, p.parent): row for p, row in found if row[0] != "held"}


def test_names_of_one_object_share_its_first_name_and_its_root() -> None:
    found = places(resolved(same(CRM, CLM), same(PSA, ERP), belongs(PSA, CRM)))
    assert found == {
        CLM: (CLM, "", CLM),
        CRM: (CLM, "", CLM),
        ERP: (ERP, CLM, CLM),
        PSA: (ERP, CLM, CLM),
    }


def test_an_owner_chain_ends_at_the_root() -> None:
    found = places(resolved(belongs(PAYMENT, INVOICE), belongs(INVOICE, ERP), belongs(ERP, CLM)))
    assert found[PAYMENT] == (PAYMENT, INVOICE, CLM)


def test_a_chain_that_ends_below_a_root_is_an_orphan() -> None:
    assert places(resolved(belongs(INVOICE, ERP)))[INVOICE] == (INVOICE, ERP, "")


def test_agreement_through_a_longer_path_is_no_conflict() -> None:
    found = resolved(belongs(INVOICE, CLM), belongs(INVOICE, ERP, 1), belongs(ERP, CLM, 2))
    assert lost(found) == {}
    assert places(found)[INVOICE] == (INVOICE, ERP, CLM)


def test_an_owner_without_a_root_contradicts_nobody_and_hides_none() -> None:
    found = resolved(belongs(INVOICE, ERP), belongs(INVOICE, CLM, 1))
    assert lost(found) == {}
    assert places(found)[INVOICE] == (INVOICE, CLM, CLM)


def test_two_names_that_may_be_one_project_of_one_contract_do_not_contradict_each_other() -> None:
    asked = (belongs(MILESTONE, PSA), belongs(MILESTONE, ERP, 1), belongs(PSA, CLM, 2))
    one_root = resolved(*asked, belongs(ERP, CLM, 3))
    assert lost(one_root) == {}
    assert places(one_root)[MILESTONE] == (MILESTONE, PSA, CLM)
    for elsewhere in ([], [belongs(ERP, CLM2, 3)]):
        assert lost(resolved(*asked, *elsewhere)).keys() == {(MILESTONE, ERP)}


def test_two_names_that_one_system_gave_are_two_projects() -> None:
    known = [belongs(ERP, CLM, 3), belongs(ERP2, CLM, 4)]
    asked = (belongs(MILESTONE, PSA), belongs(MILESTONE, ERP, 1), belongs(PSA, CLM, 2))
    found = resolved(*asked, *known, belongs(MILESTONE, ERP2, 5))
    assert lost(found).keys() == {(MILESTONE, ERP2)}
    joined = resolved(*asked, *known, same(PSA, ERP2, 6))
    assert lost(joined).keys() == {(MILESTONE, ERP)}


def test_the_later_of_two_owners_loses_and_is_shown() -> None:
    found = resolved(belongs(ERP, CLM, 1), belongs(ERP, CLM2, 2))
    assert places(found)[ERP] == (ERP, CLM, CLM)
    assert lost(found) == {(ERP, CLM2): ("conflict", f"{ERP} belongs to {CLM} on better evidence")}
    assert found.conflicts.height == 1


def test_the_system_of_record_beats_earlier_evidence() -> None:
    found = resolved(belongs(ERP, CLM, 1, mastered=False), belongs(ERP, CLM2, 2))
    assert places(found)[ERP][1] == CLM2
    assert list(lost(found)) == [(ERP, CLM)]


def test_rivals_higher_up_are_seen_from_below() -> None:
    found = resolved(belongs(INVOICE, ERP), belongs(ERP, CLM), belongs(INVOICE, CLM2, 1))
    assert places(found)[INVOICE] == (INVOICE, ERP, CLM)
    assert list(lost(found)) == [(INVOICE, CLM2)]


def test_an_object_never_gets_two_names_in_one_namespace() -> None:
    found = resolved(same(CRM, CLM, 1), same(CRM, CLM2, 2))
    assert places(found)[CRM] == (CLM, "", CLM)
    assert places(found)[CLM2] == (CLM2, "", CLM2)
    assert lost(found) == {(CRM, CLM2): ("conflict", f"one object cannot be both {CLM} and {CLM2}")}


def test_a_clash_through_a_third_name_is_a_conflict_too() -> None:
    docusign = "contract:docusign:e1"
    found = resolved(same(CRM, CLM, 1), same(docusign, CLM2, 2), same(docusign, CLM, 3))
    assert list(lost(found)) == [(docusign, CLM)]


def test_relations_tie_nothing_together() -> None:
    found = resolved(link("bills", INVOICE, MILESTONE), belongs(INVOICE, CLM))
    assert places(found)[MILESTONE] == (MILESTONE, "", "")
    assert lost(found) == {}


def test_a_retraction_undoes_a_link_everywhere() -> None:
    found = resolved(
        belongs(ERP, CLM, 1),
        belongs(ERP, CLM2, 2),
        rulings=ruling("retract", "belongs_to", ERP, CLM),
    )
    assert places(found)[ERP][1] == CLM2
    assert lost(found) == {(ERP, CLM): ("retracted", "auditor: seen the paper")}


def test_an_assertion_outranks_evidence_and_needs_none() -> None:
    found = resolved(belongs(ERP, CLM, 1), rulings=ruling("assert", "belongs_to", ERP, CLM3))
    assert places(found)[ERP][1] == CLM3
    assert list(lost(found)) == [(ERP, CLM)]


def test_a_ruled_alias_joins_a_mistyped_name_and_never_represents_the_object() -> None:
    mistyped = "invoice:erp:0"  # sorts before the right one
    found = resolved(
        belongs(INVOICE, ERP),
        belongs(ERP, CLM),
        rulings=ruling("assert", "same_as", mistyped, INVOICE),
    )
    assert places(found)[mistyped] == places(found)[INVOICE] == (INVOICE, ERP, CLM)
    assert lost(found) == {}


def test_two_names_of_one_namespace_are_one_object_by_a_ruling_only() -> None:
    found = resolved(
        same(CRM, CLM, 1),
        same(CRM2, CLM2, 2),
        rulings=ruling("assert", "same_as", CLM2, CLM),
    )
    assert {places(found)[name][0] for name in (CLM, CLM2, CRM, CRM2)} == {CLM}
    again = resolved(same(CRM, CLM, 1), same(CRM, CLM2, 2))
    assert list(lost(again)) == [(CRM, CLM2)]


def test_a_lifted_ruling_was_never_made() -> None:
    evidence_given = [belongs(ERP, CLM, 1), belongs(ERP, CLM2, 2)]
    lifted = pl.concat(
        [
            ruling("retract", "belongs_to", ERP, CLM, hour=1),
            ruling("lift", "belongs_to", ERP, CLM, hour=2),
        ]
    )
    assert _state(resolved(*evidence_given, rulings=lifted)) == _state(resolved(*evidence_given))


def test_the_last_ruling_on_a_pair_counts() -> None:
    both = pl.concat(
        [
            ruling("retract", "belongs_to", ERP, CLM, hour=2),
            ruling("assert", "belongs_to", ERP, CLM, hour=1),
        ]
    )
    assert places(resolved(belongs(ERP, CLM), rulings=both))[ERP][2] == ""


NAMES = {
    "contract": [CLM, CLM2, CRM, CRM2],
    "project": [ERP, ERP2, PSA],
    "invoice": [INVOICE],
    "milestone": [MILESTONE],
    "amendment": [AMENDMENT],
    "purchase_order": [ORDER],
}
KINDS = [
    ("same_as", "contract", "contract"),
    ("same_as", "project", "project"),
    ("belongs_to", "project", "contract"),
    ("belongs_to", "invoice", "project"),
    ("belongs_to", "invoice", "contract"),
    ("belongs_to", "milestone", "project"),
    ("bills", "invoice", "milestone"),
]
TIMED = [
    ("belongs_to", "amendment", "contract"),
    ("belongs_to", "purchase_order", "contract"),
    ("belongs_to", "purchase_order", "contract"),
]
INSTANTS = st.sampled_from([ALWAYS, ALWAYS, 2, 4, 6])


@st.composite
def asserted(draw: st.DrawFn) -> pl.DataFrame:
    kind, child, parent = draw(st.sampled_from(KINDS))
    return link(
        kind,
        draw(st.sampled_from(NAMES[child])),
        draw(st.sampled_from(NAMES[parent])),
        draw(st.integers(0, 3)),
        mastered=draw(st.booleans()),
    )


@st.composite
def bounded(draw: st.DrawFn) -> pl.DataFrame:
    """Any tie may say when it holds, those of projects and contracts too: objects.yaml decides."""
    kind, child, parent = draw(st.sampled_from([*KINDS, *TIMED, *TIMED]))
    since = draw(INSTANTS)
    return link(
        kind,
        draw(st.sampled_from(NAMES[child])),
        draw(st.sampled_from(NAMES[parent])),
        draw(st.integers(0, 7)),
        mastered=draw(st.booleans()),
        since=since,
        until=draw(st.sampled_from([FOREVER, FOREVER, since + 1, since + 2])),
    )


def _meaningful(links: pl.DataFrame) -> bool:
    pair = pairs(links)[0]
    return pair.kind != "same_as" or pair.child.split(":")[1] != pair.parent.split(":")[1]


LINKS = st.lists(asserted().filter(_meaningful), max_size=10) | st.lists(
    bounded().filter(_meaningful), max_size=10
)
ACTS, HOURS = st.sampled_from(["assert", "retract", "lift"]), st.integers(0, 3)
ONE_RULING = st.builds(
    ruling,
    ACTS,
    st.just("belongs_to"),
    st.sampled_from([ERP, PSA, ORDER, AMENDMENT]),
    st.sampled_from([CLM, CLM2]),
    HOURS,
) | st.builds(ruling, ACTS, st.just("same_as"), st.just(CLM2), st.sampled_from([CLM, CRM]), HOURS)
WORKING_SETS = st.integers(0, 4)  # nearly always too small, so that links come and go
SOME_RULINGS = st.lists(ONE_RULING, max_size=2).map(lambda rulings: pl.concat([NONE, *rulings]))


def _state(resolution: Resolution) -> object:
    return (
        sorted(resolution.identifiers.rows(), key=str),
        sorted(resolution.tenures.rows(), key=str),
        sorted(resolution.links.rows(), key=str),
    )


@given(LINKS, st.data(), SOME_RULINGS)
@settings(deadline=None)
def test_order_and_repetition_change_nothing(
    links: list[pl.DataFrame], data: st.DataObject, rulings: pl.DataFrame
) -> None:
    other = data.draw(st.permutations([*links, *links[:2]]))
    assert _state(resolved(*links, rulings=rulings)) == _state(resolved(*other, rulings=rulings))


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
