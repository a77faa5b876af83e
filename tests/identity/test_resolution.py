"""What identifiers resolve to: objects, owners, roots, conflicts, rulings."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from identity_links import (
    CLM,
    CLM2,
    CLM3,
    CRM,
    CRM2,
    ERP,
    ERP2,
    INVOICE,
    LINKS,
    MILESTONE,
    PAYMENT,
    PSA,
    SOME_RULINGS,
    belongs,
    link,
    lost,
    places,
    resolved,
    ruling,
    same,
    state,
)


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
    assert state(resolved(*evidence_given, rulings=lifted)) == state(resolved(*evidence_given))


def test_the_last_ruling_on_a_pair_counts() -> None:
    both = pl.concat(
        [
            ruling("retract", "belongs_to", ERP, CLM, hour=2),
            ruling("assert", "belongs_to", ERP, CLM, hour=1),
        ]
    )
    assert places(resolved(belongs(ERP, CLM), rulings=both))[ERP][2] == ""


@given(LINKS, st.data(), SOME_RULINGS)
@settings(deadline=None)
def test_order_and_repetition_change_nothing(
    links: list[pl.DataFrame], data: st.DataObject, rulings: pl.DataFrame
) -> None:
    other = data.draw(st.permutations([*links, *links[:2]]))
    assert state(resolved(*links, rulings=rulings)) == state(resolved(*other, rulings=rulings))
