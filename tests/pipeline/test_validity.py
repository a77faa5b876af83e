"""Ties that hold from a date on, numbers given out again: facts belong where they did then."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl

from threadline.model.entries import Entry
from threadline.model.identifiers import Identifier
from threadline.store.control import ControlStore
from threadline.store.telemetry import (
    Telemetry,
    export,
    identity,
    observations,
    threads,
)

DAY = timedelta(days=1)
START = datetime(2026, 5, 1, 9, tzinfo=UTC)
FIRST, SECOND = "contract:clm:C-1", "contract:clm:C-2"
AMENDMENT, ORDER = "amendment:clm:A-1", "purchase_order:procurement:PO-1"
MOVED = START + 10 * DAY
AGAIN = f"{ORDER}@2026-05-11T09:00:00Z"


def told(number: int, name: str, day: float, **data: object) -> Entry:
    at = START + day * DAY
    body = {
        "specversion": "1.0",
        "id": str(number),
        "source": f"/{name.split('.')[0]}",
        "type": name,
        "time": at.isoformat(),
        "data": {key.replace("__", "."): value for key, value in data.items()},
    }
    return Entry(
        kind="cloudevents",
        source="open",
        content_type="application/cloudevents+json",
        received_at=at + timedelta(minutes=number),
        body=json.dumps(body).encode(),
    )


GUIDE = (Path(__file__).parents[2] / "docs" / "validity.md").read_text()

CONTRACTS = [
    told(0, "clm.contract.approved", 0, contract__id="C-1"),
    told(1, "clm.contract.approved", 0, contract__id="C-2"),
]
AMENDED = [
    told(2, "clm.amendment.approved", 1, amendment__id="A-1", contract__id="C-1"),
    told(3, "erp.billing_schedule.rejected", 2, amendment__id="A-1"),
    told(
        4,
        "clm.amendment.moved",
        9,
        amendment__id="A-1",
        contract__id="C-2",
        amendment__valid_from=MOVED.isoformat(),
    ),
    told(5, "erp.billing_schedule.updated", 11, amendment__id="A-1"),
    told(6, "psa.project.updated", 12, amendment__id="A-1", contract__id="C-2"),
]
ORDERED = [
    told(7, "procurement.request.created", 1, purchase_order__number="PO-1", contract__id="C-1"),
    told(8, "procurement.order.issued", 2, purchase_order__number="PO-1"),
    told(
        9,
        "procurement.request.created",
        10,
        purchase_order__number="PO-1",
        contract__id="C-2",
        purchase_order__valid_from=MOVED.isoformat(),
    ),
    told(10, "procurement.order.issued", 11, purchase_order__number="PO-1"),
]
WHOLE = [*CONTRACTS, *AMENDED, *ORDERED]


def _names(telemetry: Telemetry, root: str) -> list[str]:
    """What the facts of a contract's thread are called, without the contract's own approval."""
    facts, total = threads.facts_of(telemetry, observations.members(telemetry, [root]))
    assert total == len(facts)
    names = [fact["name"] for fact in facts]
    return [name for name in names if name != "clm.contract.approved"]


def _relations(telemetry: Telemetry, *roots: str) -> pl.DataFrame:
    members = observations.members(telemetry, roots)
    links = observations.links(telemetry, roots)
    return observations.relations(telemetry, roots, members, links)


def _orphans(telemetry: Telemetry) -> int:
    found = identity.orphans(telemetry, START, START + 1000 * DAY)
    return int(found["orphans"].sum())


def test_a_moved_amendment_is_in_the_thread_of_each_contract_at_its_time(
    derive, telemetry: Telemetry
):
    derive([*CONTRACTS, *AMENDED], 100)
    assert _names(telemetry, FIRST) == [
        "clm.amendment.approved",
        "erp.billing_schedule.rejected",
        "clm.amendment.moved",
    ]
    assert _names(telemetry, SECOND) == [
        "clm.amendment.moved",  # it names the contract itself
        "erp.billing_schedule.updated",
        "psa.project.updated",
    ]
    states = telemetry.query("SELECT DISTINCT state FROM links FINAL")
    assert states["state"].to_list() == ["held"]
    assert _orphans(telemetry) == 0


def test_the_amendments_case_stands_under_its_last_contract_with_all_its_facts(
    derive, telemetry: Telemetry
):
    derive([*CONTRACTS, *AMENDED], 100)
    case = telemetry.query(
        "SELECT root_id, started_at, facts FROM cases FINAL WHERE journey = 'amendment-sync'"
    )
    assert case.rows() == [(SECOND, START + DAY, 5)]
    steps = telemetry.query(
        "SELECT step, closed_at FROM steps FINAL WHERE journey = 'amendment-sync' AND required"
        " ORDER BY step"
    )
    assert steps["closed_at"].to_list() == [START + 11 * DAY, START + 12 * DAY]


def test_what_a_contract_owned_once_counts_for_it_until_then(derive, telemetry: Telemetry):
    derive([*CONTRACTS, *AMENDED], 100)
    facts = telemetry.query(
        "SELECT root_id, facts FROM cases FINAL WHERE journey = 'contract-activation'"
        " ORDER BY root_id"
    )
    assert facts.rows() == [(FIRST, 4), (SECOND, 4)]


def test_a_number_given_out_again_is_another_order(derive, telemetry: Telemetry):
    derive([*CONTRACTS, *ORDERED], 100)
    found = telemetry.query(
        "SELECT object_id, root_id, valid_from FROM tenures FINAL ORDER BY valid_from"
    )
    assert found["object_id"].to_list() == [ORDER, AGAIN]
    assert found["root_id"].to_list() == [FIRST, SECOND]
    assert found["valid_from"].to_list() == [datetime.fromtimestamp(0, UTC), MOVED]
    for root in (FIRST, SECOND):
        expected = ["procurement.request.created", "procurement.order.issued"]
        assert _names(telemetry, root) == expected


def test_what_ended_is_an_orphan_from_then_on_and_its_case_stays(derive, telemetry: Telemetry):
    ends = {"amendment__valid_to": MOVED.date().isoformat()}
    approved = told(2, "clm.amendment.approved", 1, amendment__id="A-1", contract__id="C-1", **ends)
    derive([*CONTRACTS, approved, *AMENDED[3:4]], 100)
    assert _names(telemetry, FIRST) == ["clm.amendment.approved"]
    assert _orphans(telemetry) == 1
    case = telemetry.query("SELECT root_id FROM cases FINAL WHERE journey = 'amendment-sync'")
    assert case["root_id"].to_list() == [FIRST]


def test_a_time_that_cannot_be_read_states_nothing_and_is_said(derive, telemetry: Telemetry):
    odd = told(
        4,
        "clm.amendment.moved",
        9,
        amendment__id="A-1",
        contract__id="C-2",
        amendment__valid_from="next month",
    )
    derive([*CONTRACTS, *AMENDED[:2], odd], 100)
    found = telemetry.query("SELECT state FROM links FINAL ORDER BY state")
    assert found["state"].to_list() == ["conflict", "held"]
    noted = telemetry.query(
        "SELECT annotations, plausible FROM facts FINAL WHERE name = 'clm.amendment.moved'"
    )
    assert noted.rows() == [(["validity-unreadable"], True)]


def test_order_and_batches_change_nothing(derive, telemetry: Telemetry):
    derive(WHOLE, 100)
    expected = export.digests(telemetry)
    for seed, size in ((1, 1), (2, 3), (3, 5)):
        derive(Random(seed).sample(WHOLE, len(WHOLE)), size)
        assert export.digests(telemetry) == expected


def test_wherever_the_move_is_heard_between_the_others(derive, telemetry: Telemetry):
    few, move = [CONTRACTS[1], AMENDED[0], AMENDED[3]], AMENDED[2]
    derive([*few, move], 100)
    expected = export.digests(telemetry)
    for place in range(3):
        derive([*few[:place], move, *few[place:]], 1)
        assert export.digests(telemetry) == expected


def test_people_rule_on_a_tie_whenever_it_holds(
    derive: Callable[..., int], telemetry: Telemetry, control: ControlStore
):
    derive([*CONTRACTS, *AMENDED[:3]], 100)
    child, parent = Identifier.parse(AMENDMENT), Identifier.parse(SECOND)
    control.rulings.rule("retract", "belongs_to", child, parent, who="ana", why="never moved")
    derive([], 100, keep=True)
    assert telemetry.query("SELECT * FROM tenures FINAL").is_empty()
    assert len(_names(telemetry, FIRST)) == 3


def test_a_relation_counts_while_it_holds_and_the_first_reaches_back(derive, telemetry: Telemetry):
    related = [
        told(
            20 + place,
            "erp.billing_schedule.updated",
            place,
            amendment__id="A-1",
            billing_schedule__id=f"B-{place}",
            amendment__valid_from=(START + place * DAY).isoformat(),
        )
        for place in (1, 2)
    ]
    derive([*CONTRACTS, AMENDED[0], *related], 100)
    found = _relations(telemetry, FIRST).sort("parent_id")
    assert found["parent_id"].to_list() == ["billing_schedule:erp:B-1", "billing_schedule:erp:B-2"]
    assert found["valid_from"].to_list() == [datetime.fromtimestamp(0, UTC), START + 2 * DAY]


def test_a_relation_of_a_number_given_out_again_is_one_of_the_order_it_spoke_of(
    derive, telemetry: Telemetry
):
    related = [
        told(
            20 + day,
            "procurement.order.issued",
            day,
            purchase_order__number="PO-1",
            subcontract__id=f"S-{day}",
        )
        for day in (3, 12)
    ]
    derive([*CONTRACTS, *ORDERED, *related], 100)
    found = _relations(telemetry, FIRST, SECOND)
    ends = set(found.select("child_id", "parent_id").rows())
    assert ends == {(ORDER, "subcontract:clm:S-3"), (AGAIN, "subcontract:clm:S-12")}


def test_the_events_of_the_guide_do_what_it_says(derive, telemetry: Telemetry):
    examples = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)]
    events = [*examples[0], examples[1]]
    entries = [
        Entry(
            kind="cloudevents",
            source="open",
            content_type="application/cloudevents+json",
            received_at=datetime.fromisoformat(event["time"]),
            body=json.dumps(event).encode(),
        )
        for event in events
    ]
    derive(entries[:3], 100)
    moved, updated = "clm.amendment.moved", "erp.billing_schedule.updated"
    assert _names(telemetry, FIRST) == ["clm.amendment.approved", moved]
    assert _names(telemetry, SECOND) == [moved, updated]
    cases = telemetry.query("SELECT root_id, facts FROM cases FINAL")
    assert cases.rows() == [(SECOND, 3)]
    derive(entries, 100)
    states = telemetry.query("SELECT parent_value, state FROM links FINAL")
    assert set(states.rows()) == {("C-1", "held"), ("C-2", "retracted")}
    assert updated in _names(telemetry, FIRST)
