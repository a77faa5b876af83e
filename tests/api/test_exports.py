"""Contracts as event logs: the facts their threads show, in every format the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import handmade_world
import httpx
import jsonschema
import pytest
from handmade_rows import contract

from collector.imports import formats
from collector.imports.ocel import Ocel
from threadline.api.exports import WRITERS

SCHEMA = Path(__file__).parents[3] / "shared" / "data" / "eventlogs" / "schema_ocel2.json"
STUCK, OTHER = contract(handmade_world.STUCK), contract("C-100240")


def exported(api: httpx.Client, tmp_path: Path, kind: str, **asked: str) -> Ocel:
    answer = api.get(f"/api/v1/exports/{kind}", params=asked)
    assert answer.status_code == 200, answer.text
    file = tmp_path / kind
    file.write_bytes(answer.content)
    log = formats.read(file)
    assert int(answer.headers["threadline-events"]) == len(log.events)
    return log


def plain(log: Ocel) -> dict[str, Any]:
    """The same without what tells formats apart: spellings of times, columns that are empty."""

    def told(row: Any) -> dict[str, Any]:
        return {k: v for k, v in row.items() if v is not None and k != "ocel_changed_field"}

    return {
        "events": dict(log.events),
        "objects": dict(log.objects),
        "rows": {name: told(row) for name, row in log.rows.items()},
        "states": {
            name: [sorted(told(one).items()) for one in rows] for name, rows in log.states.items()
        },
        "participants": {name: sorted(pairs) for name, pairs in log.participants.items() if pairs},
        "relations": sorted(log.relations),
    }


def test_a_contract_is_exported_with_exactly_the_facts_its_thread_shows(api, tmp_path):
    thread = api.get(f"/api/v1/contracts/{handmade_world.STUCK}").json()
    log = exported(api, tmp_path, "jsonocel", contract="P-417")

    assert log.events == {fact["fact_id"]: fact["name"] for fact in thread["facts"]}
    times = {fact["fact_id"]: fact["at"] for fact in thread["facts"]}
    assert {name: row["ocel_time"] for name, row in log.rows.items()} == times
    owned = {one["object_id"] for one in thread["identifiers"]}
    assert owned <= log.objects.keys()
    for fact in thread["facts"]:
        attributes = api.get(f"/api/v1/facts/{fact['fact_id']}").json()["attributes"]
        own = {k: v for k, v in log.rows[fact["fact_id"]].items() if k in attributes}
        assert {k: str(v) for k, v in own.items()} == {k: str(v) for k, v in attributes.items()}


def test_every_format_of_ocel_says_the_same(api, tmp_path):
    kinds = ("jsonocel", "xmlocel", "sqlite")
    as_json, as_xml, as_sqlite = (
        plain(exported(api, tmp_path, kind, contract="P-417")) for kind in kinds
    )

    assert as_xml == as_json
    assert as_sqlite == as_json


def test_the_json_is_valid_by_the_standards_schema(api):
    if not SCHEMA.is_file():
        pytest.skip("the standard's schema is not at hand: see the data folder's index")
    log = api.get("/api/v1/exports/jsonocel", params={"contract": "P-417"}).json()

    jsonschema.validate(log, json.loads(SCHEMA.read_text()))
    known = {one["id"] for one in log["objects"]}
    told = [r["objectId"] for one in log["events"] + log["objects"] for r in one["relationships"]]
    assert set(told) <= known
    assert len(known) == len(log["objects"])


def test_what_speaks_of_two_contracts_is_one_event_of_ocel_and_one_in_each_trace(api, tmp_path):
    log = exported(api, tmp_path, "jsonocel")
    shared = [
        name
        for name, pairs in log.participants.items()
        if {STUCK, OTHER} <= {thing for thing, _ in pairs}
    ]
    told = sorted((log.events[name], root) for name in shared for root in (STUCK, OTHER))
    assert len(told) == 4

    kinds = {kind for kind, _ in told}
    traces = exported(api, tmp_path, "xes.gz")
    places = [(traces.events[name], pair[0][0]) for name, pair in traces.participants.items()]
    assert sorted(place for place in places if place[0] in kinds) == told


def test_contracts_are_chosen_by_journey_and_by_when_their_cases_started(api, tmp_path):
    cases = api.get("/api/v1/journeys/contract-activation/cases", params={"limit": 500}).json()
    started = sorted(case["started_at"] for case in cases["items"])
    middle = started[len(started) // 2]
    asked = {"journey": "contract-activation", "from": middle}
    log = exported(api, tmp_path, "jsonocel", **asked)

    chosen = {case["contract"] for case in cases["items"] if case["started_at"] >= middle}
    assert {name for name, kind in log.objects.items() if kind == "contract"} == chosen
    assert api.get("/api/v1/exports/xes", params={"journey": "none"}).status_code == 404
    assert api.get("/api/v1/exports/csv").status_code == 422
    assert api.get("/api/v1/exports/xes", params={"log": "/import/a"}).status_code == 422
    assert api.get("/api/v1/exports/sqlite", params={"log": "/import/a"}).status_code == 404


def test_every_export_is_audited_and_leaves_nothing_behind(api, control, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for kind in WRITERS:
        api.get(f"/api/v1/exports/{kind}", params={"contract": "C-100240"})

    told = control.audit.latest(len(WRITERS))
    assert {one.what for one in told} == {"facts.export"}
    assert {one.detail["format"] for one in told} == set(WRITERS)
    assert list(tmp_path.iterdir()) == []
