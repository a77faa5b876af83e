"""Identity over the store: whatever the order, the batches and the crashes, the same comes out."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise, permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from identity_inputs import START, Input, event, hexed, span
from identity_service import Service

from collector.mapping import Mapping, load
from threadline.store.telemetry import Telemetry, identity
from threadline.store.telemetry.export import digests

CLM, CLM2, CRM = "contract:clm:C-1", "contract:clm:C-2", "contract:crm:800"
ERP, ERP2, PSA = "project:erp:P-1", "project:erp:P-2", "project:psa:D-1"
ACME = "customer:crm:ACME"


@pytest.fixture
def service(telemetry: Telemetry, mapping: Mapping) -> Service:
    return Service(telemetry, mapping)


def test_a_late_link_attributes_earlier_facts(service: Service) -> None:
    service.receive(event("created", ERP), event("staffed", PSA))
    assert service.orphans() == 2
    service.receive(event("mapped", ERP, PSA))
    found = service.receive(event("assigned", PSA, CLM))
    assert found.touched_roots == {CLM}
    assert service.places()[ERP] == (ERP, CLM, CLM)
    assert service.orphans() == 0


def test_a_span_waits_for_its_parent_in_a_later_batch(service: Service) -> None:
    service.receive(span("t", "2", "1"))
    assert service.mentions("t/2") == set()
    found = service.receive(span("t", "1", names=(CLM,)))
    assert service.mentions("t/2") == {(CLM, "ancestor")}
    assert found.touched_roots == {CLM}


def test_a_nearer_ancestor_that_comes_later_takes_over(service: Service) -> None:
    service.receive(span("t", "1", names=(CLM,)), span("t", "3", "2"))
    assert service.mentions("t/3") == {(CLM, "trace")}
    found = service.receive(span("t", "2", "1", names=(CLM2,)))
    assert service.mentions("t/3") == {(CLM2, "ancestor")}
    assert found.touched_roots == {CLM, CLM2}


def test_a_linking_trace_is_completed_when_its_target_comes(service: Service) -> None:
    service.receive(span("u", "1", links=("t/1",)), span("u", "2", "1"))
    found = service.receive(span("t", "1", names=(CLM,)))
    assert service.mentions("u/2") == {(CLM, "link")}
    assert found.touched_roots == {CLM}


def test_a_link_to_a_stored_span_carries_over(service: Service) -> None:
    service.receive(span("t", "1", names=(CLM,)), span("t", "2", "1"))
    service.receive(span("u", "1", links=("t/2",)))
    assert service.mentions("u/1") == {(CLM, "link")}


CONVERSATION = [
    (span("t", "1", names=(CLM,)), span("t", "2", "1")),
    (span("u", "1", links=("t/2",)), span("u", "2", "1")),
    (span("v", "1", links=("u/2",)), span("v", "2", "1")),
]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_conversation_over_many_traces_is_told_in_any_order(
    service: Service, order: Sequence[int]
) -> None:
    for trace in order:
        found = service.receive(*CONVERSATION[trace])
    assert found.touched_roots == {CLM}
    assert service.mentions("v/2") == service.mentions("u/2") == {(CLM, "link")}


def test_a_trace_that_runs_for_weeks_stays_one(service: Service) -> None:
    week = 7 * 24 * 60
    service.receive(span("t", "1", names=(CLM,)))
    for n in range(1, 9):
        service.receive(span("t", f"{n}/2", "1", received=n * week, at=n * week))
    assert all(service.mentions(f"t/{n}/2") == {(CLM, "ancestor")} for n in range(1, 9))


def test_a_batch_run_over_ten_thousand_contracts_ties_none_of_them(service: Service) -> None:
    items = [span("t", f"i{n}", "run", names=(f"contract:clm:B-{n}",)) for n in range(10_000)]
    below = [span("t", f"b{n}", f"i{n}") for n in range(0, 10_000, 100)]
    service.receive(*items[:10], *below[:50])
    service.receive(span("t", "run"))
    assert len(service.mentions("t/run")) == 10  # few enough to be the trace of all of them
    service.receive(*items[10:], *below[50:])
    assert service.mentions("t/run") == set()
    assert service.mentions("t/b9900") == {("contract:clm:B-9900", "ancestor")}
    assert service.telemetry.query("SELECT * FROM links FINAL").is_empty()
    assert service.orphans() == 0


def test_names_that_never_link_are_searchable_and_resolve_to_nothing(service: Service) -> None:
    service.receive(event("e", ACME), event("f", ACME, CLM))
    assert service.mentions("e") == {(ACME, "own")}
    assert ACME not in service.places()
    assert service.orphans() == 1


def test_a_mention_says_what_its_fact_names_beside_that_never_links(service: Service) -> None:
    service.receive(event("f", ACME, CLM))
    told = service.telemetry.query("SELECT DISTINCT beside FROM mentions FINAL")
    assert told["beside"].to_list() == [[ACME]]


def test_a_shared_span_above_identified_ones_is_no_orphan(service: Service) -> None:
    items = [span("t", f"i{n}", "1", names=(f"contract:clm:C-{n}",)) for n in range(20)]
    service.receive(span("t", "1"), *items)
    assert service.mentions("t/1") == set()
    assert service.orphans() == 0


def test_a_conflict_is_stored_with_its_loser_and_reason(service: Service) -> None:
    service.receive(event("first", ERP, CLM, at=1))
    found = service.receive(event("second", ERP, CLM2, at=2))
    states = service.telemetry.query("SELECT parent_value, state, reason FROM links FINAL")
    assert set(states.rows()) == {
        ("C-1", "held", ""),
        ("C-2", "conflict", f"{ERP} belongs to {CLM} on better evidence"),
    }
    assert found.touched_roots == {CLM, CLM2}


def test_better_evidence_moves_an_object_and_touches_both_roots(service: Service) -> None:
    service.receive(event("later", ERP, CLM, at=5), event("staffed", ERP))
    found = service.receive(event("earlier", ERP, CLM2, at=1))
    assert service.places()[ERP] == (ERP, CLM2, CLM2)
    assert found.touched_roots == {CLM, CLM2}


def test_a_superseded_version_takes_its_mentions_and_links_with_it(service: Service) -> None:
    service.receive(event("e", ERP, CLM, version=1))
    found = service.receive(event("e", ERP2, CLM2, version=2))
    assert service.mentions("e") == {(ERP2, "own"), (CLM2, "own")}
    assert service.places() == {
        ERP2: (ERP2, CLM2, CLM2),
        CLM2: (CLM2, "", CLM2),
    }
    assert service.telemetry.query("SELECT * FROM links FINAL").height == 1
    assert found.touched_roots == {CLM, CLM2}


def test_a_superseded_version_leaves_what_others_say_too(service: Service) -> None:
    service.receive(event("e", ERP, CLM, at=1), event("other", ERP, CLM, at=7))
    service.receive(event("e", ERP2, version=2))
    assert service.places()[ERP] == (ERP, CLM, CLM)
    found = service.telemetry.query("SELECT fact_id FROM links FINAL")
    assert found["fact_id"].to_list() == [hexed("other")]


def test_a_neighbour_in_the_trace_goes_on_saying_what_a_superseded_version_said(
    service: Service,
) -> None:
    service.receive(span("t", "1", names=(ERP, CLM), at=1), span("t", "2", names=(ERP, CLM), at=7))
    service.receive(span("t", "1", version=2))
    assert service.places()[ERP] == (ERP, CLM, CLM)
    found = service.telemetry.query("SELECT fact_id FROM links FINAL")
    assert found["fact_id"].to_list() == [hexed("t/2")]


def test_an_older_version_that_comes_late_changes_nothing(service: Service) -> None:
    service.receive(event("e", ERP, CLM, version=2))
    before = digests(service.telemetry)
    service.receive(event("e", ERP2, CLM2, version=1))
    after = digests(service.telemetry)
    assert {table for table in after if after[table] != before[table]} == {"facts"}


def test_an_earlier_receipt_that_comes_late_is_the_one_shown(service: Service) -> None:
    service.receive(event("e", CLM, received=9))
    service.receive(event("e", CLM, received=2))
    shown = service.telemetry.query("SELECT received_at FROM mentions FINAL")
    assert shown["received_at"].to_list() == [START.replace(minute=2)]


def test_sent_again_is_counted_and_stored_once(service: Service) -> None:
    service.receive(event("e", CLM))
    again = service.receive(event("e", CLM, received=5))
    assert again.counts.select("facts", "duplicates").rows() == [(1, 1)]
    assert service.telemetry.query("SELECT count() AS n FROM facts")["n"].item() == 1
    assert again.touched_roots == {CLM}


def test_an_empty_batch_is_nothing(service: Service) -> None:
    found = service.receive()
    assert found.touched_roots == set()
    assert all(frame.is_empty() for frame in found.frames.values())


def test_a_restart_knows_what_was_there(service: Service) -> None:
    service.receive(event("e", ERP, CLM), span("u", "1", links=("t/1",)), span("t", "2", "1"))
    service.start()
    found = service.receive(span("t", "1", names=(ERP,)))
    assert service.mentions("t/2") == {(ERP, "ancestor")}
    assert service.mentions("u/1") == {(ERP, "link")}
    assert found.touched_roots == {CLM}


AMENDMENT, ORDER = "amendment:clm:A", "purchase_order:procurement:PO"
NAMES = st.lists(
    st.sampled_from([CLM, CLM, CLM2, CRM, ERP, ERP, PSA, ACME, AMENDMENT, ORDER]),
    unique=True,
    max_size=3,
).map(tuple)


def _bounded(since: int | None) -> str:
    if since is None:
        return "{}"
    at = (START + timedelta(minutes=since)).isoformat()
    return json.dumps({"amendment.valid_from": at, "purchase_order.valid_from": at})


EVENTS = st.builds(
    lambda fact, names, **more: event(fact, *names, **more),
    st.sampled_from(["a", "b", "c"]),
    NAMES,
    at=st.integers(0, 3),
    version=st.integers(1, 2),
    received=st.integers(0, 3),
    system=st.sampled_from(["erp", "clm"]),
    note=st.sampled_from(["", "", "", "link.retracted"]),
    payload=st.sampled_from([None, None, 0, 1, 2, 3]).map(_bounded),
    plausible=st.sampled_from([True, True, True, False]),
)
SPANS = st.builds(
    span,
    st.sampled_from(["t", "u"]),
    st.sampled_from(["1", "2", "3"]),
    st.sampled_from(["", "1", "2", "9"]),
    names=st.one_of(st.just(()), NAMES),
    links=st.sampled_from([(), ("t/1",), ("u/2",)]),
    version=st.integers(1, 2),
    received=st.integers(0, 3),
)


def _consistent(inputs: Iterable[Input]) -> list[Input]:
    """One content per version: what was drawn first for it stands, but for its receipt."""
    contents: dict[tuple[str, int], Input] = {}
    found = []
    for given_ in inputs:
        content = contents.setdefault((given_.fact, given_.version), given_)
        found.append(replace(content, received=given_.received))
    return found


WORLDS = st.lists(st.one_of(EVENTS, SPANS), min_size=4, max_size=16).map(_consistent)


def _play(
    telemetry: Telemetry,
    mapping: Mapping,
    batches: Sequence[Sequence[Input]],
    crash: tuple[int, int] | None = None,
) -> tuple[dict[str, str], set[str]]:
    """The export after all batches, and all roots touched; crash = (batch, frames stored)."""
    telemetry.reset()
    service = Service(telemetry, mapping)
    for number, batch in enumerate(batches):
        crash_after = crash[1] if crash and crash[0] == number else None
        service.receive(*batch, crash_after=crash_after)
    return digests(telemetry), service.touched


@pytest.mark.timeout(600)
@given(WORLDS, st.randoms(use_true_random=False), st.data())
@settings(
    deadline=None,
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_order_duplicates_batches_and_crashes_change_nothing(
    telemetry: Telemetry, world: list[Input], shuffle: random.Random, data: st.DataObject
) -> None:
    mapping = load()
    whole, roots = _play(telemetry, mapping, [world])
    other = [*world, *world[:3]]
    shuffle.shuffle(other)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(other) - 1), min_size=1, max_size=4)))
    batches = [other[a:b] for a, b in pairwise([0, *cuts, len(other)])]
    crash = (data.draw(st.integers(0, len(batches) - 1)), data.draw(st.integers(0, 7)))
    found, touched = _play(telemetry, mapping, batches, crash)
    assert found == whole
    assert roots <= touched


def test_a_crash_forgets_no_root(telemetry: Telemetry, mapping: Mapping) -> None:
    first = [event("later", ERP, CLM, at=5), event("staffed", ERP)]
    second = [event("earlier", ERP, CLM2, at=1)]
    for frames in range(8):
        telemetry.reset()
        service = Service(telemetry, mapping)
        service.receive(*first)
        service.touched.clear()
        service.receive(*second, crash_after=frames)
        assert service.touched == {CLM, CLM2}


def _states(service: Service) -> set[tuple[str, str, str]]:
    rows = service.telemetry.query(
        "SELECT concat(child_type, ':', child_namespace, ':', child_value) AS child,"
        " concat(parent_type, ':', parent_namespace, ':', parent_value) AS parent, state"
        " FROM links FINAL"
    )
    return set(rows.rows())


def _withdrawal(fact: str, at: int, system: str, parent: str = CLM) -> Input:
    return event(fact, ERP, parent, at=at, system=system, note="link.retracted")


def test_a_system_takes_back_what_it_said_until_then(service: Service) -> None:
    service.receive(event("a", ERP, CLM, at=1, system="psa"), _withdrawal("w", 2, "psa"))
    assert service.places()[ERP] == (ERP, "", "")
    assert _states(service) == {(ERP, CLM, "retracted")}
    reasons = service.telemetry.query("SELECT reason FROM links FINAL")["reason"]
    assert reasons.to_list() == [f"psa withdrew it, fact {hexed('w')[:12]}"]


def test_a_system_does_not_take_back_what_another_said(service: Service) -> None:
    service.receive(event("a", ERP, CLM, at=1, system="erp"), _withdrawal("w", 2, "psa"))
    assert _states(service) == {(ERP, CLM, "held")}


def test_the_system_of_record_takes_back_what_anybody_said(service: Service) -> None:
    service.receive(event("a", ERP, CLM, at=1, system="psa"), event("b", ERP, CLM2, system="crm"))
    found = service.receive(_withdrawal("w", 2, "erp"), _withdrawal("x", 2, "psa", CLM2))
    assert service.places()[ERP] == (ERP, CLM2, CLM2)
    assert found.touched_roots == {CLM, CLM2}


def test_what_is_said_after_it_was_taken_back_stands(service: Service) -> None:
    service.receive(event("a", ERP, CLM, at=1), _withdrawal("w", 2, "erp"))
    service.receive(event("b", ERP, CLM, at=3, system="psa"))
    assert _states(service) == {(ERP, CLM, "held")}
    found = service.telemetry.query("SELECT fact_id FROM links FINAL")
    assert found["fact_id"].to_list() == [hexed("b")]


def test_what_was_taken_back_before_it_arrives_is_void(service: Service) -> None:
    service.receive(_withdrawal("w", 2, "erp"))
    service.start()
    service.receive(event("a", ERP, CLM, at=1))
    assert _states(service) == {(ERP, CLM, "retracted")}


def test_people_have_the_last_word_over_what_was_taken_back(service: Service) -> None:
    service.receive(event("a", ERP, CLM, at=1), _withdrawal("w", 2, "erp"))
    for act, state in (("assert", "held"), ("lift", "retracted")):
        service.rule(act, ERP, CLM)
        assert _states(service) == {(ERP, CLM, state)}


def test_a_withdrawal_whose_time_is_odd_withdraws_nothing(service: Service) -> None:
    odd = replace(_withdrawal("w", 2, "erp"), plausible=False)
    service.receive(event("a", ERP, CLM, at=1), odd)
    assert _states(service) == {(ERP, CLM, "held")}


def test_an_index_of_any_size_is_taken_up_in_parts(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.receive(
        *(event(f"e{n}", f"project:erp:P-{n}", f"contract:clm:C-{n}") for n in range(7))
    )
    monkeypatch.setattr(identity, "_AT_ONCE", 3)
    service.start()
    found = service.receive(event("late", "invoice:erp:1", "project:erp:P-6"))
    assert found.touched_roots == {"contract:clm:C-6"}
    assert [part.height for part in identity.links(service.telemetry)] == [3, 3, 2]
