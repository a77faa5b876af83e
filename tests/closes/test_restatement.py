"""What was published stays, and what is known since is what a service that had known it would say.

The oracles: `kpi_oracle` counts over what a service has derived that was told nothing else than
what had been received by the close, or had happened by then; and plain sets of events.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from closes_world import AT, LATER, Told, world
from judge.service import JudgedService, fresh_service
from kpi_oracle import Count
from statistics_oracle import quantile

from threadline import activation
from threadline.activation import Derivation
from threadline.model.kpis import Window
from threadline.settings import Settings
from threadline.store.telemetry import Telemetry

MAY = Window(
    start=datetime.fromisoformat("2026-05-01T00:00Z"),
    end=datetime.fromisoformat("2026-06-01T00:00Z"),
)
PATIENCE = timedelta(hours=64)  # of systems that are heard of live
SYSTEMS = {
    *("clm", "crm", "middleware", "erp", "psa", "procurement", "billing", "bank", "revrec"),
}
OPENED = ("sla-attainment", "activation-cycle-time", "value-at-risk")


@pytest.mark.parametrize("seed", [1])
def test_a_close_keeps_what_was_known_and_a_restatement_says_what_changed_and_why(
    seed: int, tmp_path: Path, telemetry: Telemetry
):
    told = world(Random(seed), 9)
    with fresh_service(tmp_path / "service", telemetry, AT - timedelta(days=40)) as service:
        _tell(service, [one for one in told if one.known])
        then = _figures(telemetry, _silent(told, by=AT))
        service.clock.move_to(AT + timedelta(seconds=10))
        asked = {"period": "2026-05", "at": AT.isoformat(), "actor": "ana", "note": "first close"}
        taken = service.api.post("/api/v1/closes", json=asked)
        assert taken.status_code == 201, taken.text
        assert service.api.post("/api/v1/closes", json=asked).status_code == 409
        published = service.api.get("/api/v1/closes/2026-05").json()
        assert _told(published["items"]) == then

        _tell(service, [one for one in told if not one.known])
        service.clock.move_to(LATER + timedelta(days=20))
        now = service.api.get("/api/v1/closes/2026-05/restatement").json()
        then_and_then = service.api.get(
            "/api/v1/closes/2026-05/restatement", params={"as_of": AT.isoformat()}
        ).json()
        assert not any(item["differs"] or item["changed"] for item in then_and_then["items"])
        cases = {kpi: _all(service, f"restatement/{kpi}") for kpi in OPENED}
        before = {kpi: _all(service, f"kpis/{kpi}") for kpi in OPENED}
        assert service.api.get("/api/v1/closes/2026-05").json() == published
        _reactivated_and_rebuilt(service)
        assert service.api.get("/api/v1/closes/2026-05").json() == published
        assert {kpi: _all(service, f"kpis/{kpi}") for kpi in OPENED} == before

    with fresh_service(tmp_path / "oracle", telemetry, AT - timedelta(days=40)) as service:
        _tell(service, [one for one in told if one.known or one.late])
        silent = _silent(told, by=LATER)
        expected, after = _figures(telemetry, silent), _standings(telemetry, silent[AT])
    restated = _told([one["restated"] for one in now["items"]])
    assert restated == expected
    assert expected != then, "nothing was restated: the world proves nothing"
    _explained(cases, told, before, after)
    for item in now["items"]:
        if item["entered"] == item["left"] == item["changed"] == 0:
            assert not item["differs"], item["kpi"]


def _tell(service: JudgedService, told: Sequence[Told]) -> None:
    service.deliver(one.delivery() for one in told)
    service.drain()


def _silent(told: Sequence[Told], *, by: datetime) -> dict[datetime, set[str]]:
    """What had been silent at the close, and at the end of May, of what was heard of `by` then."""
    found = {}
    for now in (AT, MAY.end):
        heard: dict[str, datetime] = {}
        for one in told:  # in the order of receipt
            if one.received_at <= by:
                heard[one.name.split(".")[0]] = one.received_at
        lately = {system for system, last in heard.items() if now - last <= PATIENCE}
        found[now] = SYSTEMS - lately
    return found


def _figures(telemetry: Telemetry, silent: dict[datetime, set[str]]) -> dict[str, tuple[Any, ...]]:
    """What the oracle counts, over all that is derived."""
    flows = _count(telemetry, AT, silent[AT])
    states = _count(telemetry, MAY.end, silent[MAY.end])
    met, known, unknown = flows.attainment()
    failed, started = flows.failed()
    ended, _ = flows.cycle_times()
    return {
        "sla-attainment": (met / known, known, 1 - unknown / (known + unknown)),
        "failed-project-setups": (failed / started, started, 1.0),
        "activation-cycle-time": (quantile(ended, 0.5), len(ended), None),
        "stuck-cases": (len(states.stuck()), len(states.stuck()), None),
        "value-at-risk EUR": (float(states.at_risk()["EUR"]), None, None),
        "backlog": (sum(states.queue()[0].values()), None, None),
    }


@cache
def _declared() -> Derivation:
    return activation.load(Settings()).derivation


def _count(telemetry: Telemetry, now: datetime, silent: set[str]) -> Count:
    tables = ("cases", "steps", "exceptions")
    derived = {name: telemetry.query(f"SELECT * FROM {name} FINAL") for name in tables}
    return Count(_declared().definitions, SimpleNamespace(**derived), MAY, now, silent)


def _told(items: Sequence[dict[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """The same figures as the API tells them."""
    found = {}
    for one in items:
        money = one["kpi"] == "value-at-risk"
        whole = one["kpi"] in ("sla-attainment", "failed-project-setups")
        n = None if one["kpi"] in ("value-at-risk", "backlog") else one["n"]
        name = f"{one['kpi']} {one['unit']}" if money else one["kpi"]
        found[name] = (one["value"], n, one["coverage"] if whole else None)
    known = ("sla-attainment", "failed-project-setups", "activation-cycle-time", "stuck-cases")
    return {name: found[name] for name in (*known, "value-at-risk EUR", "backlog")}


def _all(service: JudgedService, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        asked = {"limit": 6 if "sla" in path else 100} | ({"cursor": cursor} if cursor else {})
        page = service.api.get(f"/api/v1/closes/2026-05/{path}", params=asked)
        assert page.status_code == 200, page.text
        items += page.json()["items"]
        cursor = page.json()["next"]
        if cursor is None:
            return items


def _standings(telemetry: Telemetry, silent: set[str]) -> dict[str, str]:
    """By contract of the cases due in May and before the close: what became of the promise."""
    count = _count(telemetry, AT, silent)
    found = {}
    for case in count.cases:
        if case["journey"] == "contract-activation" and count.within(case["due_at"]):
            met = count.by_now(case["completed_at"]) and case["completed_at"] <= case["due_at"]
            unheard = not count.by_now(case["completed_at"]) and count.unheard(case)
            found[case["root_id"]] = "met" if met else "unknown" if unheard else "missed"
    return found


def _explained(
    cases: dict[str, list[dict[str, Any]]],
    told: Sequence[Told],
    before: dict[str, list[dict[str, Any]]],
    after: dict[str, str],
) -> None:
    """Exactly what differs is listed, with exactly the late facts of its contract."""
    then = {one["contract"]: one["standing"] for one in before["sla-attainment"]}
    differing = {root for root in {**then, **after} if then.get(root) != after.get(root)}
    listed = {
        one[side]["contract"]: one["how"]
        for one in cases["sla-attainment"]
        for side in ("before", "after")
        if one[side]
    }
    assert set(listed) == differing
    for root, how in listed.items():
        assert how == (
            "entered" if root not in then else "left" if root not in after else "changed"
        )
    assert any(cases.values())
    for one in (each for of_kpi in cases.values() for each in of_kpi):
        contract = int((one["after"] or one["before"])["contract"].split("-")[-1])
        late = {(each.name, each.at) for each in told if each.contract == contract and each.late}
        facts = {(fact["name"], datetime.fromisoformat(fact["at"])) for fact in one["facts"]}
        assert facts == late
        assert (one["rulings"], one["definitions"]) == ([], [])
        judged = (
            one["before"] and one["before"]["standing"] == "unknown" != one["after"]["standing"]
        )
        assert bool(one["heard_since"]) == bool(judged)


def _reactivated_and_rebuilt(service: JudgedService) -> None:
    """Another target is activated, and the index is derived anew."""
    service.control.definitions.activate("metrics", {"kpis": {}})
    service.telemetry.reset()
    service.pipeline.adopt(_declared())
    service.drain()
