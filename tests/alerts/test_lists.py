"""Lists of incidents: what is part of another, and what is asked for."""

from __future__ import annotations


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
