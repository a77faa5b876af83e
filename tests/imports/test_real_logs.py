"""Logs that others made are imported whole, and mean here what they mean by plain computation."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from collector.imports import ImportReport, import_file

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "examples" / "order-management"

PURCHASES = """\
source: /ocel/purchases
zone: UTC
root: Purchase Order
objects:
  Purchase Order: {as: purchase_order}
  Purchase Requisition: {as: requisition, relations: {PO from PR: {to: Purchase Order}}}
  Invoice: {as: invoice, owner: {type: Purchase Order, qualifier: Invoice from PO}}
  Payment: {as: payment, owner: {type: Invoice, qualifier: Payment from invoice}}
"""


@pytest.fixture(scope="module")
def orders() -> tuple[ImportReport, list[dict[str, Any]], dict[str, Any]]:
    """What the import of the order-management log reported and sent, and what the oracle says."""
    file = HERE.parents[2] / "shared" / "data" / "eventlogs" / "order-management.sqlite"
    if not file.exists():
        pytest.skip("the order-management log is not in the data folder")
    bodies: list[bytes] = []
    report = import_file(file, EXAMPLE / "import.yaml", bodies.append)
    oracle = [sys.executable, str(HERE / "oracle" / "order_management.py"), str(file)]
    figures = json.loads(subprocess.run(oracle, capture_output=True, check=True).stdout)
    return report, [event for body in bodies for event in json.loads(body)], figures


def test_the_report_counts_what_the_file_holds(orders: Any) -> None:
    report, _, figures = orders
    for name in ("events", "objects", "event_objects", "object_objects"):
        assert getattr(report, name) == figures[name]
    assert report.by_event_type == figures["by_event_type"]
    assert report.by_object_type == figures["by_object_type"]
    assert sorted(report.empty_event_types) == figures["empty_event_types"]


def test_what_is_sent_is_what_the_file_holds(orders: Any) -> None:
    report, sent, figures = orders
    types = Counter(event["type"] for event in sent)
    assert types.pop("ocel.object") == figures["objects"]
    assert types.pop("ocel.relation") == figures["object_objects"]
    assert types == figures["by_event_type"]
    named = [
        ids for event in sent for key, ids in event["data"].items() if key.endswith(".qualifiers")
    ]
    assert sum(map(len, named)) == figures["event_objects"]
    assert len({event["id"] for event in sent}) == report.posted == len(sent)


def test_every_item_has_one_owner_and_nothing_is_left_open(orders: Any) -> None:
    report, _, _ = orders
    assert (report.disputed, report.unowned, report.undated, report.dangling) == (0, 0, 0, 0)


def test_no_two_facts_name_rival_owners_or_several(orders: Any) -> None:
    _, sent, figures = orders
    owners = defaultdict(set)
    for event in sent:
        named = event["data"]
        for item in _ids(named, "item.id") if "order.id" in named else []:
            owners[item].update(_ids(named, "order.id"))
    assert len(owners) == figures["by_object_type"]["items"]
    assert all(len(found) == 1 for found in owners.values())


def test_the_orders_cycle_times_can_be_read_from_what_is_sent(orders: Any) -> None:
    _, sent, figures = orders
    owner = {
        event["data"]["item.id"]: event["data"]["order.id"]
        for event in sent
        if event["type"] == "ocel.relation" and event["data"]["ocel.qualifier"] == "comprises"
    }
    placed = _first(sent, "place order", lambda data: data["order.id"])
    sent_first = _first(sent, "send package", lambda data: [owner[i] for i in data["item.id"]])
    hours = [(sent_first[o] - placed[o]).total_seconds() / 3600 for o in placed]
    assert len(hours) == figures["orders_complete"]
    assert median(hours) == pytest.approx(figures["median_hours_to_first_package"], abs=1e-4)


def test_the_example_of_the_standard_is_imported_with_attributes_and_history(
    real: Path, tmp_path: Path
) -> None:
    mapping = tmp_path / "import.yaml"
    mapping.write_text(PURCHASES)
    bodies: list[bytes] = []
    report = import_file(real / "ocel20_example.sqlite", mapping, bodies.append)
    assert (report.events, report.objects) == (13, 9)
    assert (report.event_objects, report.object_objects) == (20, 7)
    events = {event["id"]: event for body in bodies for event in json.loads(body)}
    assert events["e2"]["data"]["pr_approver"] == "Tania"
    quantities = [s.get("po_quantity") for s in events["object:PO1"]["data"]["ocel.history"]]
    assert quantities == ["500", "600"]


def _ids(data: dict[str, Any], name: str) -> list[str]:
    given = data.get(name, [])
    return given if isinstance(given, list) else [given]


def _first(sent: list[dict[str, Any]], kind: str, orders_of: Any) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for event in sent:
        if event["type"] == kind:
            at = datetime.fromisoformat(event["time"])
            for order in orders_of(event["data"]):
                found[order] = min(found.get(order, at), at)
    return found
