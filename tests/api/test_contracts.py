"""One contract, found by whatever id is at hand, and its thread."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import handmade_world
import httpx
import pytest
from handmade_rows import NOW, TRACE, Rows, contract
from handmade_services import served, services

from threadline.api import create_api

ROOT = contract(handmade_world.STUCK)


@pytest.fixture
def thread(api: httpx.Client) -> Any:
    answer = api.get(f"/api/v1/contracts/{handmade_world.STUCK}")
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize(
    "identifier",
    [
        "C-100234",
        "c-100234",
        " C-100234 ",
        "P-417",
        "PRJ-88",
        "PO-5501",
        "006Qx01",
        "CU-7001",
        "project:erp:P-417",
        TRACE,
        TRACE.upper(),
    ],
)
def test_any_id_a_person_has_leads_to_the_same_thread(api, identifier):
    answer = api.get(f"/api/v1/contracts/{identifier}")

    assert answer.status_code == 200
    assert answer.json()["identifier"] == ROOT


def test_an_unknown_id_is_a_404_problem(api):
    answer = api.get("/api/v1/contracts/C-999999")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "C-999999" in answer.json()["detail"]


def test_an_orphan_is_said_to_be_known_but_tied_to_nothing(api):
    answer = api.get("/api/v1/contracts/P-00999")

    assert answer.status_code == 404
    assert "orphan" in answer.json()["detail"]


def test_a_trace_of_several_contracts_lists_them(api):
    answer = api.get(f"/api/v1/contracts/{handmade_world.BATCH_TRACE}")

    assert answer.status_code == 300
    found = {one["identifier"] for one in answer.json()["candidates"]}
    assert found == {ROOT, contract("C-100240")}


@pytest.mark.parametrize("injection", ["' OR 1=1 --", "{text:String}", "a' UNION SELECT 1", "%"])
def test_ids_are_data_and_never_part_of_a_statement(api, injection):
    assert api.get(f"/api/v1/contracts/{injection}").status_code == 404
    assert api.get("/api/v1/contracts", params={"q": f"zz{injection}"}).json()["items"] == []


def test_the_search_finds_parts_in_any_case_and_whole_matches_first(api):
    hits = api.get("/api/v1/contracts", params={"q": "c-10024"}).json()["items"]

    assert [hit["number"] for hit in hits] == ["C-100240", "C-100241", "C-100242"]
    assert [hit["sla"] for hit in hits] == ["at_risk", "on_track", "breached"]


def test_the_search_finds_customers_and_the_beginning_of_a_trace_id(api):
    for part, matched in (("cu-70", "customer:crm:CU-7001"), (TRACE[:10], f"trace {TRACE}")):
        hits = api.get("/api/v1/contracts", params={"q": part}).json()["items"]
        assert [(hit["identifier"], hit["matched"]) for hit in hits] == [(ROOT, matched)]


def test_the_thread_says_where_it_is_stuck_since_when_why_whose_and_what_next(thread):
    stuck = thread["stuck"]

    assert (stuck["step"], stuck["system"]) == ("erp-project", "erp")
    assert stuck["since"] == "2026-03-14T09:12:00Z"
    assert stuck["late"]
    assert stuck["reason"] == "rejected"
    assert "Cost centre 4711 is closed for posting" in stuck["why"]
    assert stuck["owner"] == "ERP finance support"
    assert "replay the project request" in stuck["runbook"]["next"]


def test_steps_come_in_the_order_of_the_journey_with_their_states(thread):
    states = [(step["step"], step["state"]) for step in thread["cases"][0]["steps"]]

    assert states == [
        ("fields-validated", "done"),
        ("erp-project", "failed"),
        ("billing-schedule", "waiting"),
        ("rate-card", "waiting"),
        ("tax", "waiting"),
        ("revenue-treatment", "waiting"),
        ("psa-project", "done"),
    ]


def test_facts_come_by_time_and_those_whose_time_makes_no_sense_last(thread):
    instants = [fact["at"] for fact in thread["facts"][:-1]]

    assert instants == sorted(instants)
    assert thread["facts"][-1]["annotations"] == ["before-2000"]
    assert thread["facts_total"] == len(thread["facts"])


def test_a_fact_that_closed_a_step_says_which(thread):
    closing = {fact["name"]: fact["closes"] for fact in thread["facts"] if fact["closes"]}

    assert closing == {
        "middleware.fields.validated": ["contract-activation/fields-validated"],
        "psa.project.created": ["contract-activation/psa-project"],
    }


def test_spans_above_several_contracts_are_shared_and_strangers_stay_out(thread):
    how = {fact["name"]: fact["how"] for fact in thread["facts"]}

    assert how["nightly.batch"] == "shared"  # names nobody, stands above
    assert how["nightly.group"] == "shared"  # names two contracts
    assert how["psa.project.sync"] == "own"  # below, names this one
    assert how["POST /projects"] == "ancestor"
    assert "load.configuration" not in how  # in the same trace, above nothing of this contract


def test_identifiers_carry_the_evidence_that_ties_them(thread):
    ties = {one["value"]: one["evidence"] for one in thread["identifiers"]}

    assert thread["identifiers"][0]["identifier"] == ROOT
    assert ties["C-100234"] == []
    (same,) = ties["PRJ-88"]
    assert (same["kind"], same["to"], same["system"]) == ("same_as", "project:erp:P-417", "psa")
    assert len(same["fact_id"]) == 32


def test_rival_evidence_is_shown_as_a_contradiction(thread):
    (rival,) = thread["conflicts"]

    assert rival["parent"] == contract("C-100100")
    assert rival["reason"] == "erp is the system of record"


def test_the_headline_has_value_customer_and_dimensions(thread):
    assert thread["value"] == {"amount": "480000.00", "currency": "EUR"}
    assert thread["attributes"]["customer"] == "CU-7001"
    assert thread["attributes"]["region"] == "emea"


def test_the_thread_has_its_incidents_and_who_was_told(thread):
    promises = {incident["promise"]: incident for incident in thread["incidents"]}

    assert set(promises) == {"case", "step:erp-project"}
    told = [delivery["state"] for delivery in promises["case"]["deliveries"]]
    assert told
    assert set(told) == {"delivered"}


@pytest.mark.parametrize(
    ("number", "state", "sla", "reason"),
    [
        ("C-100250", "paused", "unknown", "waiting-for-customer"),
        ("C-100242", "open", "breached", "dropped-silently"),
        ("C-100241", "open", "on_track", ""),
    ],
)
def test_why_a_case_waits_is_said_as_of_now(api, number, state, sla, reason):
    found = api.get(f"/api/v1/contracts/{number}").json()

    assert (found["cases"][0]["case"]["state"], found["cases"][0]["case"]["sla"]) == (state, sla)
    assert found["stuck"]["reason"] == reason
    assert found["stuck"]["why"]


def test_a_step_within_its_time_of_a_contract_past_its_deadline_is_late(telemetry, tmp_path):
    rows = Rows()
    rows.identify("C-7")
    rows.case("C-7", NOW - timedelta(days=2), NOW - timedelta(hours=1), 0,
              current_step="tax", current_since=NOW - timedelta(hours=3),
              current_due_at=NOW + timedelta(days=1), waiting_systems=["erp"])  # fmt: skip
    rows.write(telemetry)
    with (
        services(telemetry, tmp_path) as given,
        served(create_api(given)) as url,
    ):
        stuck = httpx.get(f"{url}/api/v1/contracts/C-7", timeout=30).json()["stuck"]

    assert stuck["late"]
    assert stuck["due_at"] == "2026-03-20T11:00:00Z"
    assert "past its deadline" in stuck["why"]


def test_a_contract_that_was_heard_of_before_anything_is_derived_of_it_is_said_to_be_on_its_way(
    telemetry, tmp_path
):
    rows = Rows()
    rows.identify("C-7")
    rows.write(telemetry)
    telemetry.command("TRUNCATE TABLE threads")
    with services(telemetry, tmp_path) as given, served(create_api(given)) as url:
        found = httpx.get(f"{url}/api/v1/contracts/C-7", timeout=30)

    assert found.status_code == 404
    assert found.json()["title"] == "Not derived yet"
    assert "ask again" in found.json()["detail"]


def test_what_is_over_is_stuck_nowhere(api):
    for number in ("C-100100", "C-100260"):
        assert api.get(f"/api/v1/contracts/{number}").json()["stuck"] is None


def test_a_fact_opens_to_its_input_as_received(api, thread):
    fact = next(fact for fact in thread["facts"] if fact["name"] == "clm.contract.approved")

    found = api.get(f"/api/v1/facts/{fact['fact_id']}").json()

    assert found["attributes"]["contract.value"] == "480000.00"
    assert "customer:crm:CU-7001" in found["identifiers"]
    assert found["raw"]["content_type"] == "application/cloudevents+json"
    assert '"specversion"' in found["raw"]["text"]


def test_an_unknown_fact_is_a_404_problem(api):
    answer = api.get("/api/v1/facts/0000")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
