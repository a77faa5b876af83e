"""Lists of incidents: what is part of another, and what is asked for."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from control_databases import NOON


def test_what_a_hop_explains_is_counted_with_it_and_left_out_of_the_wholes(desk):
    for number in ("C-1", "C-2", "C-3"):
        desk.case(f"contract:clm:{number}")
    desk.at(hours=1)
    for number in ("C-1", "C-2", "C-3"):
        desk.fails(number, minutes=61)
    desk.at(hours=1, minutes=30)

    service = desk.service
    live = service.page(states=["open", "acknowledged"]).items
    (hop,) = [one for one in live if one.of_hop]
    parts = {one.id for one in live if one.part_of == hop.id}
    assert len(parts) == 3
    assert {one.id for one in service.page(part_of=hop.id).items} == parts
    assert [one.id for one in service.page(states=["open"], part_of="").items] == [hop.id]
    assert service.parts([one.id for one in live]) == {hop.id: 3}
    assert service.parts([]) == {}


def test_a_list_is_narrowed_by_the_fields_of_incidents(desk):
    desk.case("contract:clm:C-1", criticality="revenue")
    desk.case("contract:clm:C-2", criticality="standard")
    desk.at(hours=1)
    (revenue,) = desk.service.page(criticality="revenue").items
    desk.service.assign(revenue.id, assignee="billing-primary", who="ana")

    assert revenue.case_id == "contract:clm:C-1"
    assert [one.id for one in desk.service.page(assignee="billing-primary").items] == [revenue.id]
    assert desk.service.page(criticality="revenue", system="crm").items == []


def test_the_most_urgent_are_live_grave_of_many_cases_and_worth_much(desk):
    desk.case("contract:clm:C-1", warn_at=None, value=Decimal("9000.00"))
    desk.case("contract:clm:C-2", warn_at=None, value=Decimal("120000.00"))
    desk.case("contract:clm:C-3", due_at=NOON + timedelta(hours=9), value=Decimal("800000.00"))
    desk.case("contract:clm:C-4", warn_at=None, value=None)
    desk.case("contract:clm:C-5", warn_at=None, value=Decimal("700000.00"))
    for number in ("C-11", "C-12", "C-13"):
        desk.fails(number, minutes=30)
    for number in ("C-21", "C-22", "C-23", "C-24"):
        desk.fails(number, minutes=60, error="no such project")
    desk.at(hours=2)
    (fifth,) = [one for one in desk.service.page().items if one.case_id.endswith("C-5")]
    desk.service.resolve(fifth.id, who="ana")

    asked, told = {"order": "urgent", "limit": 4}, []
    while True:
        found = desk.service.page(**asked)
        told += [one.case_id.rpartition(":")[2] or f"{one.cases} cases" for one in found.items]
        if found.next is None:
            break
        asked["cursor"] = found.next
    assert told == ["4 cases", "3 cases", "C-2", "C-1", "C-4", "C-3", "C-5"]
