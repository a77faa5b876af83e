"""Identity over HTTP: what ties what, what contradicts it, what is lost, and what people rule."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from judge.service import JudgedService, fresh_service
from rich.console import Console

from collector.imports import BATCH_TYPE
from threadline.api import suspecting
from threadline.cli.why import evidence_in_words
from threadline.store.telemetry import Telemetry
from threadline.wire import IdentifierEvidence

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
C1, C2, P1 = "contract:clm:C-100001", "contract:clm:C-100002", "project:erp:P-1"


class World:
    """A service that is told things, and asked."""

    def __init__(self, service: JudgedService) -> None:
        self.service, self._number = service, 0

    def tell(self, name: str, *, hours: float = 1, **data: str) -> None:
        """An event of `name`, so many hours before now; `data` with __ for dots."""
        self._number += 1
        event = {
            "specversion": "1.0",
            "id": str(self._number),
            "source": f"/{name.split('.')[0]}",
            "type": name,
            "time": (NOW - timedelta(hours=hours)).isoformat(),
            "data": {key.replace("__", "."): value for key, value in data.items()},
        }
        url = f"{self.service.http}/v1/events"
        httpx.post(url, json=[event], headers={"content-type": BATCH_TYPE}).raise_for_status()

    def get(self, path: str, **asked: Any) -> Any:
        """The answer, once all is derived."""
        self.service.drain()
        answer = self.service.api.get(f"/api/v1{path}", params=asked)
        assert answer.is_success, answer.text
        return answer.json()

    def rule(self, act: str, kind: str, child: str, parent: str, **more: str) -> httpx.Response:
        said = {"act": act, "kind": kind, "child": child, "parent": parent, "why": "on paper"}
        return self.service.api.post("/api/v1/rulings", json=said | {"actor": "ana"} | more)


@pytest.fixture
def world(telemetry: Telemetry, tmp_path: Path) -> Iterator[World]:
    with fresh_service(tmp_path, telemetry, NOW) as service:
        given = World(service)
        for number in ("C-100001", "C-100002"):
            given.tell("clm.contract.approved", hours=9, contract__id=number)
        given.tell("erp.project.created", hours=5, erp__project__id="P-1")
        given.tell("psa.budget.copied", hours=6, contract__id="C-100002", erp__project__id="P-1")
        given.tell("erp.cost.copied", hours=4, contract__id="C-100001", erp__project__id="p-1")
        given.tell("erp.cost.copied", hours=3, contract__id="C-100001", erp__project__id="P-1")
        yield given


def test_an_identifier_tells_who_ties_it_to_what_since_when_and_which_rival_lost(world):
    (found,) = world.get("/identifiers/p-1")["items"]
    assert (found["identifier"], found["root_id"]) == (P1, C1)
    held, lost = found["ties"]
    assert (held["state"], held["parent"], held["since"]) == ("held", C1, "2026-06-30T08:00:00Z")
    assert [(one["system"], one["mastered"]) for one in held["assertions"]] == [("erp", True)] * 2
    assert [(one["system"], one["mastered"]) for one in lost["assertions"]] == [("psa", False)]
    assert lost["reason"] == f"{P1} belongs to {C1} on better evidence"


def test_an_identifier_nobody_has_named_is_not_found(world):
    world.service.drain()
    assert world.service.api.get("/api/v1/identifiers/P-404").status_code == 404


def test_a_customer_is_said_never_to_tie_anything(world):
    world.tell("clm.terms.agreed", contract__id="C-100002", customer__id="CU-7")
    world.service.drain()
    refused = world.service.api.get("/api/v1/identifiers/CU-7")
    assert refused.status_code == 404
    assert "names a customer" in refused.json()["detail"]


def test_conflicts_are_listed_by_source_and_relation_with_the_cases_they_touch(world):
    (conflict,) = world.get("/conflicts", kind="belongs_to", system="psa")["items"]
    assert (conflict["child"], conflict["parent"], conflict["state"]) == (P1, C2, "conflict")
    assert {case["case_id"] for case in conflict["cases"]} == {C1, C2}
    assert world.get("/conflicts", system="erp")["items"] == []
    assert world.get("/conflicts/counts")["items"] == [
        {"system": "psa", "kind": "belongs_to", "state": "conflict", "count": 1}
    ]


def test_a_ruling_settles_a_conflict_everywhere_and_lifting_it_brings_it_back(world):
    assert world.rule("retract", "belongs_to", P1, C1).status_code == 201
    (found,) = world.get("/identifiers/P-1")["items"]
    assert found["root_id"] == C2
    retracted = next(tie for tie in found["ties"] if tie["parent"] == C1)
    assert (retracted["state"], retracted["reason"]) == ("retracted", "ana: on paper")
    assert [one["act"] for one in retracted["rulings"]] == ["retract"]
    assert world.get("/contracts/P-1")["identifier"] == C2
    world.rule("lift", "belongs_to", P1, C1, why="the paper was a copy")
    assert world.get("/contracts/P-1")["identifier"] == C1
    assert [one["act"] for one in world.get("/rulings")["items"]] == ["lift", "retract"]


@pytest.mark.parametrize(
    ("kind", "child", "parent", "key"),
    [
        ("belongs_to", "P-1", C1, "child"),
        ("belongs_to", C1, "project:erp:P-1", "kind"),
        ("bills", "project:erp:P-1", C1, "kind"),
        ("same_as", C1, C1, "parent"),
        ("belongs_to", "project:erp:p-1", C1, "child"),
        ("belongs_to", "project:nowhere:P-1", C1, "child"),
        ("same_as", "customer:crm:A", "customer:crm:B", "child"),
    ],
)
def test_a_ruling_on_what_no_evidence_could_ever_tie_is_refused(world, kind, child, parent, key):
    refused = world.rule("assert", kind, child, parent)
    assert refused.status_code == 422
    assert refused.json()["detail"].startswith(f"{key}: ")
    assert world.get("/rulings")["items"] == []


def test_a_ruling_without_a_reason_is_refused(world):
    assert world.rule("assert", "same_as", C1, C2, why="").status_code == 422


def test_orphans_are_listed_by_source_and_reason_until_the_link_comes(world):
    world.tell("erp.invoice.issued", erp__project__id="P-77")
    world.tell("erp.job.finished", job="nightly")
    rows = world.get("/orphans")["items"]
    assert {(row["reason"], *row["identifiers"]) for row in rows} == {
        ("not-tied", "project:erp:P-77"),
        ("names-nobody",),
    }
    first = world.get("/orphans", limit=1)
    rest = world.get("/orphans", limit=1, cursor=first["next"])
    assert {first["items"][0]["name"], rest["items"][0]["name"]} == {
        "erp.invoice.issued",
        "erp.job.finished",
    }
    counts = world.get("/orphans/counts")["items"]
    assert {(one["reason"], one["count"], one["facts"]) for one in counts} == {
        ("not-tied", 1, 8),
        ("names-nobody", 1, 8),
    }
    world.tell("clm.project.linked", contract__id="C-100002", erp__project__id="P-77")
    assert [row["reason"] for row in world.get("/orphans")["items"]] == ["names-nobody"]


def test_a_likely_mistype_is_suspected_never_merged_and_made_a_tie_by_one_ruling(world):
    world.tell("erp.project.created", contract__id="C-100002", erp__project__id="PRJ-10250")
    world.tell("erp.invoice.issued", erp__project__id="PRJ-1O25O", hours=2)
    (suspicion,) = world.get("/suspicions")["items"]
    assert (suspicion["child"], suspicion["parent"]) == (
        "project:erp:PRJ-1O25O",
        "project:erp:PRJ-10250",
    )
    assert suspicion["score"] == 0.8
    assert suspicion["why"] == [
        "letters and digits that look alike: PRJ-1O25O for PRJ-10250",
    ]
    assert world.get("/identifiers/PRJ-1O25O")["items"][0]["root_id"] == "", "only suspected"
    world.rule("assert", suspicion["kind"], suspicion["child"], suspicion["parent"])
    assert world.get("/suspicions")["items"] == []
    (found,) = world.get("/identifiers/PRJ-1O25O")["items"]
    assert (found["object_id"], found["root_id"]) == ("project:erp:PRJ-10250", C2)


def test_a_missing_link_is_suspected_where_a_customer_leads_to_the_only_contract_without(world):
    world.tell("clm.terms.agreed", contract__id="C-100002", customer__id="CU-7")
    world.tell("psa.project.created", psa__project__id="PSA-9", customer__id="CU-7")
    (suspicion,) = world.get("/suspicions")["items"]
    assert (suspicion["kind"], suspicion["child"], suspicion["parent"]) == (
        "belongs_to",
        "project:psa:PSA-9",
        C2,
    )
    assert suspicion["why"] == [
        "both name customer:crm:CU-7",
        "the contract has no project yet",
    ]


def _move(world) -> None:
    approved = {"amendment__id": "A-1", "contract__id": "C-100001"}
    world.tell("clm.amendment.approved", hours=8, **approved)
    moved = {"amendment__id": "A-1", "contract__id": "C-100002"}
    world.tell(
        "clm.amendment.moved", hours=3, amendment__valid_from="2026-06-30T10:00:00Z", **moved
    )


def test_a_moved_identifier_tells_where_it_was_when_and_since_when_each_tie_holds(world):
    _move(world)
    (found,) = world.get("/identifiers/A-1")["items"]
    assert [(one["valid_from"], one["valid_to"], one["root_id"]) for one in found["tenures"]] == [
        (None, "2026-06-30T10:00:00Z", C1),
        ("2026-06-30T10:00:00Z", None, C2),
    ]
    ties = {tie["parent"]: (tie["state"], tie["valid_from"]) for tie in found["ties"]}
    assert ties == {C1: ("held", None), C2: ("held", "2026-06-30T10:00:00Z")}
    assert [len(tie["assertions"]) for tie in found["ties"]] == [1, 1]


def test_both_threads_show_a_moved_identifier_and_when_it_was_theirs(world):
    _move(world)
    bounds = {}
    for contract in ("C-100001", "C-100002"):
        thread = world.get(f"/contracts/{contract}")
        (moved,) = [one for one in thread["identifiers"] if one["value"] == "A-1"]
        bounds[contract] = moved["valid_from"], moved["valid_to"]
    at = "2026-06-30T10:00:00Z"
    assert bounds == {"C-100001": (None, at), "C-100002": (at, None)}


def test_a_number_given_out_again_leads_to_the_contracts_of_all_its_orders(world):
    name = "procurement.request.created"
    world.tell(name, hours=8, purchase_order__number="PO-1", contract__id="C-100001")
    again = {"purchase_order__number": "PO-1", "contract__id": "C-100002"}
    world.tell(name, hours=2, purchase_order__valid_from="2026-06-30T10:00:00Z", **again)
    world.service.drain()
    answer = world.service.api.get("/api/v1/contracts/PO-1")
    assert answer.status_code == 300
    assert {one["identifier"] for one in answer.json()["candidates"]} == {C1, C2}


def test_who_took_a_tie_back_is_told_even_if_it_was_not_theirs(world):
    world.tell("link.retracted", hours=1, contract__id="C-100001", erp__project__id="P-1")
    (found,) = world.get("/identifiers/P-1")["items"]
    (tie,) = [one for one in found["ties"] if one["parent"] == C1]
    assert (tie["state"], [one["system"] for one in tie["retractions"]]) == ("held", ["/link"])


def test_the_terminal_tells_stretches_and_who_took_back(world):
    _move(world)
    (found,) = world.get("/identifiers/A-1")["items"]
    console = Console(file=io.StringIO(), width=100)
    console.print(evidence_in_words([IdentifierEvidence(**found)]))
    told = console.file.getvalue()
    assert f"until 2026-06-30 10:00:00 of {C1}" in told
    assert f"belongs to {C2}  held from 2026-06-30 10:00:00 said 2026-06-30 09:00:00" in told


def test_orphans_beyond_those_looked_at_first_are_looked_at_on_the_next_page(world, monkeypatch):
    monkeypatch.setattr(suspecting, "ORPHANS", 1)
    world.tell("erp.project.created", contract__id="C-100002", erp__project__id="PRJ-10250")
    world.tell("erp.invoice.issued", erp__project__id="PRJ-1O25O", hours=2)
    world.tell("erp.invoice.issued", erp__project__id="QQQ-999")
    first = world.get("/suspicions")
    assert (first["items"], first["looked_at"], first["orphans"]) == ([], 1, 2)
    second = world.get("/suspicions", cursor=first["next"])
    assert [one["child"] for one in second["items"]] == ["project:erp:PRJ-1O25O"]
    last = world.get("/suspicions", cursor=second["next"])
    assert (last["items"], last["looked_at"], last["next"]) == ([], 0, None)


def test_two_projects_that_a_milestone_belongs_to_are_asked_about_and_one_ruling_makes_them_one(
    world,
):
    world.tell("psa.project.created", contract__id="C-100001", psa__project__id="D-9")
    world.tell("psa.milestone.planned", milestone__id="M-1", psa__project__id="D-9")
    world.tell("erp.milestone.copied", milestone__id="M-1", erp__project__id="P-1")
    assert len(world.get("/conflicts")["items"]) == 1, "that of the fixture, and no other"
    (suspicion,) = world.get("/suspicions")["items"]
    tie = suspicion["kind"], suspicion["child"], suspicion["parent"]
    assert tie == ("same_as", "project:psa:D-9", P1)
    assert (suspicion["score"], suspicion["contract"]) == (0.6, C1)
    assert suspicion["why"][0] == "1 object belongs to both"
    world.rule("assert", *tie)
    assert world.get("/suspicions")["items"] == []
    (found,) = world.get("/identifiers/D-9")["items"]
    assert found["object_id"] == P1


def test_two_projects_that_are_not_one_by_ruling_are_not_asked_about_again(world):
    world.tell("psa.project.created", contract__id="C-100001", psa__project__id="D-9")
    world.tell("psa.milestone.planned", milestone__id="M-1", psa__project__id="D-9")
    world.tell("erp.milestone.copied", milestone__id="M-1", erp__project__id="P-1")
    world.rule("retract", "same_as", "project:psa:D-9", P1)
    assert world.get("/suspicions")["items"] == []
