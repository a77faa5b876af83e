"""One log is the same log in every format, and what cannot be read is named with its place."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from collector.imports import import_file
from threadline.store.foreign import UnreadableFile

# The example's SQLite and XML name some times without their zone: it is this one.
ZONE = ZoneInfo("Europe/Berlin")
PURCHASES = f"""\
source: /ocel/purchases
zone: {ZONE.key}
root: Purchase Order
objects:
  Purchase Order: {{as: purchase_order}}
  Purchase Requisition: {{as: requisition}}
  Invoice: {{as: invoice, owner: {{type: Purchase Order, qualifier: Invoice from PO}}}}
  Payment: {{as: payment, owner: {{type: Invoice, qualifier: Payment from invoice}}}}
"""


def sent(file: Path, mapping: Path | None = None) -> dict[str, dict[str, Any]]:
    """What an import sends, by id."""
    bodies: list[bytes] = []
    import_file(file, mapping, bodies.append)
    return {event["id"]: event for body in bodies for event in json.loads(body)}


def meaning(events: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The same without the spelling of times, relations in no order, states in that of time."""
    found = {}
    for name, event in events.items():
        data = {key: value for key, value in event["data"].items() if key != "ocel.time"}
        for key in [key for key in data if key.endswith(".qualifiers")]:
            ids = key.replace(".qualifiers", ".id")
            data[ids] = sorted(zip(data[ids], data.pop(key), strict=True))
        states = [
            (_instant(state["time"]), key, value)
            for state in [dict(one) for one in data.pop("ocel.history", ())]
            for key, value in [*state.items()]
            if key != "time"
        ]
        found[name] = (event["type"], event.get("time"), data, sorted(states))
    return found


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=ZONE)


def test_the_example_of_the_standard_is_equal_in_three_formats(real, tmp_path):
    mapping = tmp_path / "import.yaml"
    mapping.write_text(PURCHASES)
    kinds = ("jsonocel", "xmlocel", "sqlite")
    as_json, as_xml, as_sqlite = (
        meaning(sent(real / f"ocel20_example.{kind}", mapping)) for kind in kinds
    )

    assert len(as_sqlite) == 13 + 9 + 7
    assert as_json == as_sqlite
    assert as_xml == as_sqlite


def test_an_xes_log_says_what_the_same_log_says_as_rows(real, tmp_path):
    packed = tmp_path / "running-example.xes.gz"
    packed.write_bytes(gzip.compress((real / "running-example.xes").read_bytes()))
    events = sent(packed)

    told = Counter(
        (data["case.id"][0], event["type"], event["time"], data["org:resource"], data["Costs"])
        for event in events.values()
        if "org:resource" in (data := event["data"])
    )
    with (real / "running-example.csv").open() as text:
        rows = Counter(
            (
                row["case:concept:name"],
                row["concept:name"],
                _instant(row["time:timestamp"]).astimezone(UTC).isoformat().replace("+00:00", "Z"),
                row["org:resource"],
                row["Costs"],
            )
            for row in csv.DictReader(text)
        )
    assert told == rows
    assert sum(rows.values()) == 42
    assert sum(event["type"] == "ocel.object" for event in events.values()) == 6
    assert sent(real / "running-example.xes") == events


def test_a_table_is_the_same_as_csv_and_as_parquet(real, tmp_path):
    rules = """
source: /ocel/running
zone: Europe/Berlin
type: {column: "concept:name"}
time: {column: "time:timestamp"}
key: ["case:concept:name", Activity, "time:timestamp"]
attributes: {"case:concept:name": case.id}
"""
    told = []
    for kind in ("csv", "parquet"):
        mapping = tmp_path / f"{kind}.yaml"
        mapping.write_text(f"format: {kind}{rules}")
        events = sent(real / f"running-example.{kind}", mapping).values()
        spelled = ("column 1", "time:timestamp")  # of an index, and of the same instants
        told.append(
            Counter(
                (
                    event["type"],
                    event["time"],
                    *sorted(kv for kv in event["data"].items() if kv[0] not in spelled),
                )
                for event in events
            )
        )
    as_csv, as_parquet = told

    assert as_csv.total() == 42
    assert as_parquet == as_csv


def test_a_log_of_version_1_is_imported_whole(real):
    file = real / "p2p-normal.jsonocel"
    raw = json.loads(file.read_text())
    events = sent(file)

    objects = Counter(one["ocel:type"] for one in raw["ocel:objects"].values())
    acts = Counter(one["ocel:activity"] for one in raw["ocel:events"].values())
    types = Counter(event["type"] for event in events.values())
    assert types.pop("ocel.object") == sum(objects.values())
    assert types == acts
    assert set(acts.values()) == {80}
    for name, one in raw["ocel:events"].items():
        at = datetime.fromisoformat(one["ocel:timestamp"]).astimezone(UTC)
        named = [i for key, ids in events[name]["data"].items() if key.endswith(".id") for i in ids]
        assert sorted(named) == sorted(one["ocel:omap"])
        assert datetime.fromisoformat(events[name]["time"]) == at


def test_values_have_the_types_that_are_declared(tmp_path):
    kinds = {"n": "integer", "x": "float", "ok": "boolean", "s": "string", "odd": "integer"}
    attributes = "".join(f'<attribute name="{n}" type="{k}"/>' for n, k in kinds.items())
    given = {"n": "5", "x": "2.5", "ok": "true", "s": "5", "odd": "five"}
    values = "".join(f'<attribute name="{n}">{v}</attribute>' for n, v in given.items())
    file = tmp_path / "log.xml"
    file.write_text(
        f'<log><object-types/><event-types><event-type name="a"><attributes>{attributes}'
        "</attributes></event-type></event-types><objects/><events>"
        f'<event id="e" type="a" time="2026-01-01T00:00:00Z"><attributes>{values}</attributes>'
        "<objects/></event></events></log>"
    )
    data = sent(file)["e"]["data"]
    assert {n: data[n] for n in kinds} == {"n": 5, "x": 2.5, "ok": True, "s": "5", "odd": "five"}


OCEL_XML = "<log><objects>\n<object id='1' type='a'/>{}</objects><events/></log>"
OCEL_2 = {"eventTypes": [], "objectTypes": [], "objects": [], "events": [{"id": "e"}]}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"events": [', "line 1, column 13"),
        ("{}", "the log: needs 'eventTypes', a list"),
        (json.dumps(OCEL_2), r"events\[0\]: needs 'type', text"),
        (json.dumps({"ocel:objects": {}, "ocel:events": {"7": 1}}), r"ocel:events\['7'\]: needs"),
        (OCEL_XML.format("\n<object type='a'/>"), "line 3: <object> needs the attribute 'id'"),
        (OCEL_XML.format("<object id='1' type='a'/>"), "line 2: the object id '1' comes twice"),
        ("<log>\n<trace>", "line 2, column 8: no element found"),
        ("<log><trace>\n<event/></trace></log>", "line 2: an event needs 'concept:name'"),
        ("<log><trace>\n<list key='a'/></trace></log>", "line 2: <list> is no plain attribute"),
        ("<!DOCTYPE log [<!ENTITY a 'a'>]><log/>", "line 1: a document type is not read"),
        ("<html/>", "line 1: <html> begins neither OCEL 2.0 nor XES"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place_and_nothing_is_sent(tmp_path, content, reason):
    file = tmp_path / "log"
    file.write_text(content)
    posted: list[bytes] = []
    with pytest.raises(UnreadableFile, match=reason):
        import_file(file, None, posted.append)
    assert posted == []


def test_a_broken_archive_is_said(tmp_path):
    file = tmp_path / "log.xes.gz"
    file.write_bytes(gzip.compress(b"<log/>" * 99)[:-12])
    with pytest.raises(UnreadableFile, match="end-of-stream"):
        import_file(file, None, lambda _: None)
