"""Each thing that can make a published figure another one is named, and nothing else is."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from closes_world import AT, LATER, STEPS
from judge.service import JudgedService, fresh_service
from judge.tape import Delivery

from threadline import activation
from threadline.cli import main, questions
from threadline.settings import Settings
from threadline.store.telemetry import Telemetry

SIGNED = datetime.fromisoformat("2026-05-04T08:00Z")
SOON = SIGNED + timedelta(days=3)  # every promise is five working days
TERMS = {
    "contract.value": "100.00",
    "contract.currency": "EUR",
    "contract.region": "EMEA",
    "contract.business_unit": "services",
}


def _say(
    service: JudgedService, name: str, at: datetime, received: datetime, fact: str = "", **ids: str
) -> None:
    """One event; `fact` is its own id where it is told again."""
    named = {key.replace("_", "."): value for key, value in ids.items()}
    terms = TERMS if name == "clm.contract.approved" else {}
    body = {
        "specversion": "1.0",
        "id": fact or f"{name} {at} {named}",
        "source": f"/{name.split('.')[0]}",
        "type": name,
        "time": at.isoformat(),
        "data": {"actor.type": "integration", **terms, **named},
    }
    kind = {"content-type": "application/cloudevents+json"}
    content = json.dumps(body).encode()
    service.deliver([Delivery(n=0, at=received, channel="events", headers=kind, body=content)])


def _contract(service: JudgedService, number: int, *, without: str = "", **ids: str) -> None:
    """Signed and set up at once, known at once; its ERP events name its project only."""
    own = ids or {"contract_id": f"C-{number}"}
    _say(service, "clm.contract.approved", SIGNED, SIGNED, **own)
    _say(service, "erp.cost_centre.copied", SIGNED, SIGNED, **own, erp_project_id=f"P-{number}")
    for name in STEPS:
        named = {"erp_project_id": f"P-{number}"} if name.startswith("erp.") else own
        if name != without:
            _say(service, name, SOON, SOON, **named)


def test_every_cause_is_told_where_it_belongs(
    tmp_path: Path,
    telemetry: Telemetry,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(questions.console, "_width", 200)  # whoever imported it first
    psa = "psa.project.created"
    with fresh_service(tmp_path, telemetry, SIGNED - timedelta(days=1)) as service:
        _contract(service, 1)
        _contract(service, 2, without=psa)
        _contract(service, 3, without=psa)
        _contract(service, 4, without=psa, crm_contract_id="S-4")
        _contract(service, 5, without="erp.project.created")
        _contract(service, 7)
        _contract(service, 8, crm_contract_id="S-8")
        told = {"at": SOON, "fact": "told twice"}
        _say(service, "erp.project.created", received=SOON, contract_id="C-5", **told)
        for day, name in ((26, "waiting"), (29, "answered")):  # at the end of May it is paused
            at = SIGNED + timedelta(days=day)
            _say(service, f"clm.customer.{name}", at, at, contract_id="C-2")
        for system in ("clm", "erp", "middleware"):  # heard of; only the PSA is silent
            _say(service, f"{system}.heartbeat.sent", AT, AT, contract_id="C-9")
        service.drain()
        service.clock.move_to(AT + timedelta(seconds=5))
        asked = {"period": "2026-05", "at": AT.isoformat()}
        assert service.api.post("/api/v1/closes", json=asked).status_code == 201

        _ruled(service)  # project 1 is of no contract
        _say(service, psa, SOON, LATER, contract_id="C-3")  # and so the PSA is heard of
        for crm, clm in (("S-4", "C-4"), ("S-8", "C-7")):  # the latter were two cases
            tie = {"crm_contract_id": crm, "contract_id": clm}
            _say(service, "clm.contract.linked", SOON, LATER, **tie)
        _say(service, "erp.project.created", received=LATER, contract_id="C-6", **told)
        after = LATER + timedelta(days=30)  # what happens after the close restates nothing
        _say(service, "clm.customer.waiting", after, after, contract_id="C-2")
        _say(service, "clm.contract.cancelled", after, after, contract_id="C-3")
        _another_target(service, after)
        service.drain()
        service.clock.move_to(after + timedelta(days=1))
        found = _told(service)
        address = str(service.api.base_url).rstrip("/")
        codes = [
            main([*words, "--api", address])
            for words in (
                ["closes"],
                ["closes", "2026-05"],
                ["closes", "2026-05", "--kpi", "sla-attainment"],
                ["close", "2026-05"],
                ["closes", "2026-04"],
            )
        ]

    said = capsys.readouterr()
    assert codes == [0, 0, 0, 1, 1]
    for words in (
        "2026-05  1     03 Jun 2026 06:00 UTC",
        "+EUR 300",
        "Silent then, and heard of since: psa.",
        "C-1, contract activation  counts otherwise: met → missed",
        "ana ruled on 04 Jun 2026 06:00 UTC that “project:erp:P-1 belongs to contract:clm:C-1”",
        "erp told on 09 Jun 2026 06:00 UTC: erp.project.created of 07 May 2026 08:00 UTC",
    ):
        assert words in said.out, words
    assert "2026-05 was closed by api" in said.err
    assert "no close is known as '2026-04'" in said.err
    assert found["contract:clm:C-1"] == ("met → missed", [], ["ana"], [])
    assert found["contract:clm:C-2"] == ("unknown → missed", [], [], ["psa"])
    assert found["contract:clm:C-3"] == ("unknown → met", [psa], [], ["psa"])
    assert found["contract:clm:C-4"] == ("unknown → missed", ["clm.contract.linked"], [], ["psa"])
    assert found["contract:clm:C-5"] == ("met → missed", ["erp.project.created"], [], [])
    assert found["contract:clm:C-7"] == ("met → -", ["clm.contract.linked"], [], [])
    assert set(found) == {f"contract:clm:C-{number}" for number in (1, 2, 3, 4, 5, 7)}


def _ruled(service: JudgedService) -> None:
    service.clock.move_to(AT + timedelta(days=1))
    ruling = {
        "act": "retract",
        "kind": "belongs_to",
        "child": "project:erp:P-1",
        "parent": "contract:clm:C-1",
        "why": "another firm's",
        "actor": "ana",
    }
    assert service.api.post("/api/v1/rulings", json=ruling).status_code == 201
    service.drain()


def _another_target(service: JudgedService, at: datetime) -> None:
    service.clock.move_to(at)
    content = dict(activation.load(Settings()).derivation.definitions.content)
    target = {"sla-attainment": content["kpis"]["sla-attainment"] | {"target": {"value": 0.5}}}
    service.control.definitions.activate(
        "metrics", {**content, "kpis": {**content["kpis"], **target}}
    )


def _told(service: JudgedService) -> dict[str, tuple[str, list[str], list[str], list[str]]]:
    """By contract: from what to what, the facts, who ruled, who was heard of."""
    path = "/api/v1/closes/2026-05/restatement"
    whole = service.api.get(path).json()
    changed = {("kpis", "sla-attainment")}
    assert {(one["kind"], one["name"]) for one in whole["definitions"]} == changed
    assert whole["heard_since"] == ["psa"]
    worth = [one for one in whole["items"] if one["kpi"] == "value-at-risk"]
    assert [(one["published"]["value"], one["difference"]) for one in worth] == [(0.0, 300.0)]
    found: dict[str, Any] = {}
    for one in service.api.get(f"{path}/sla-attainment").json()["items"]:
        sides = [one[side]["standing"] if one[side] else "-" for side in ("before", "after")]
        assert {(each["kind"], each["name"]) for each in one["definitions"]} == changed
        found[(one["after"] or one["before"])["subject"]] = (
            " → ".join(sides),
            [fact["name"] for fact in one["facts"]],
            [ruling["who"] for ruling in one["rulings"]],
            one["heard_since"],
        )
    return found
