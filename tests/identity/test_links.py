"""What facts are evidence for, and what they are not."""

from __future__ import annotations

import random

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from identity_inputs import Decoded, Input, event, hexed

from collector.identity.links import fold
from collector.identity.ties import EVIDENCE, evidence
from collector.mapping import Mapping, load

MAPPING = load()
CLM, CLM2, CRM = "contract:clm:C-1", "contract:clm:C-2", "contract:crm:800"
ERP, ERP2, PSA = "project:erp:P-1", "project:erp:P-2", "project:psa:D-1"
INVOICE, INVOICE2 = "invoice:erp:1", "invoice:erp:2"
MILESTONE, MILESTONE2 = "milestone:psa:M-1", "milestone:psa:M-2"

Folded = dict[tuple[str, str, str], tuple[str, bool]]


def facts(*inputs: Input) -> pl.DataFrame:
    named = pl.Series("identifiers", [list(i.names) for i in inputs], dtype=pl.List(pl.String))
    return Decoded(inputs).facts.with_columns(named)


def folded(*inputs: Input, mapping: Mapping = MAPPING) -> Folded:
    """By pair: the fact that is its best evidence, and whether the master said so."""
    names = {hexed(i.fact): i.fact for i in inputs}
    found = evidence(fold(facts(*inputs), mapping))
    return {tuple(pair[:3]): (names[e.fact_id], e.mastered) for pair, e in found.items()}  # type: ignore[misc]


def pairs(*inputs: Input) -> set[tuple[str, str, str]]:
    return set(folded(*inputs))


def test_two_identifiers_on_one_fact_tie_only_where_configured() -> None:
    assert pairs(event("e", ERP, CLM)) == {("belongs_to", ERP, CLM)}
    assert pairs(event("e", CLM, "customer:crm:ACME", "batch:middleware:7")) == set()
    assert pairs(event("e", CLM, CRM)) == {("same_as", CRM, CLM)}
    assert pairs(event("e", CLM)) == set()


def test_a_fact_may_tie_along_and_across() -> None:
    assert pairs(event("e", INVOICE, ERP, CLM)) == {
        ("belongs_to", INVOICE, ERP),
        ("belongs_to", INVOICE, CLM),
        ("belongs_to", ERP, CLM),
    }


def test_two_candidates_for_owner_are_evidence_for_neither() -> None:
    assert pairs(event("e", ERP, CLM, CLM2)) == set()
    assert pairs(event("e", ERP, CLM, CLM2, CRM)) == {("belongs_to", ERP, CRM)}


def test_several_children_belong_to_the_one_owner() -> None:
    assert pairs(event("e", ERP, ERP2, CLM)) == {
        ("belongs_to", ERP, CLM),
        ("belongs_to", ERP2, CLM),
    }


def test_sameness_needs_one_name_on_each_side() -> None:
    assert ("same_as", PSA, ERP) in pairs(event("e", ERP, PSA))
    assert pairs(event("e", ERP, ERP2, PSA)) == set()


def test_a_relation_is_many_to_many_but_not_a_cross_product() -> None:
    assert pairs(event("e", INVOICE, MILESTONE, MILESTONE2)) == {
        ("bills", INVOICE, MILESTONE),
        ("bills", INVOICE, MILESTONE2),
    }
    assert pairs(event("e", INVOICE, INVOICE2, MILESTONE, MILESTONE2)) == set()


def test_an_implausible_fact_is_no_evidence() -> None:
    assert pairs(event("e", ERP, CLM, plausible=False)) == set()


def test_the_system_of_record_comes_first_then_time_then_the_fact_id() -> None:
    early = event("early", ERP, CLM, at=1, system="crm")
    master = event("master", ERP, CLM, at=5, system="erp")
    later = event("later", ERP, CLM, at=6, system="erp")
    pair = ("belongs_to", ERP, CLM)
    assert folded(early, later, master)[pair] == ("master", True)
    assert folded(early)[pair] == ("early", False)
    twins = [event(name, ERP, CLM, at=5) for name in ("x", "y")]
    assert folded(*twins)[pair][0] == min("xy", key=hexed)


def test_the_frame_has_the_columns_of_the_table_also_when_empty() -> None:
    assert fold(facts(), MAPPING).schema == EVIDENCE
    assert fold(facts(event("e", ERP, CLM)), MAPPING).schema == EVIDENCE


NAMES = st.lists(
    st.sampled_from([CLM, CLM2, CRM, ERP, PSA, INVOICE, MILESTONE]), unique=True, max_size=4
)
INPUTS = st.lists(
    st.builds(
        lambda names, **more: event("", *names, **more),
        NAMES,
        at=st.integers(0, 2),
        system=st.sampled_from(["erp", "clm"]),
    ),
    max_size=6,
)


@given(INPUTS, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(inputs: list[Input], shuffle: random.Random) -> None:
    named = [Input(**{**vars(i), "fact": f"f{n}"}) for n, i in enumerate(inputs)]
    shuffled = [*named, *named[:2]]
    shuffle.shuffle(shuffled)
    assert folded(*shuffled) == folded(*named)
