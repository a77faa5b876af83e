"""Lists: their filters, their cursors, and what an empty or unanswering store gives."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from threadline.exposure import Exposed

CASES = "/api/v1/journeys/contract-activation/cases"


def everything(api: httpx.Client, path: str, limit: int, **asked: Any) -> list[Any]:
    """All items of a list, part by part."""
    items: list[Any] = []
    cursor = None
    while True:
        given = {**asked, "limit": limit} | ({"cursor": cursor} if cursor else {})
        part = api.get(path, params=given).json()
        assert len(part["items"]) <= limit
        items += part["items"]
        cursor = part["next"]
        if cursor is None:
            return items


def test_a_journey_counts_its_cases_by_state(api):
    journeys = {row["title"]: row for row in api.get("/api/v1/journeys").json()["items"]}
    journey = journeys["Contract activation"]

    assert journey["states"] == {"cancelled": 1, "completed": 24, "open": 4, "paused": 1}
    assert sum(journey["sla"].values()) == journey["cases"] == 30
    assert journey["annotations"] == {"clock-ahead": 1, "step-skipped": 1}


def test_cursors_walk_through_all_cases_once(api):
    whole = everything(api, CASES, 500)
    parts = everything(api, CASES, 7)

    assert parts == whole
    assert len({case["case_id"] for case in whole}) == 30
    starts = [case["started_at"] for case in whole]
    assert starts == sorted(starts, reverse=True)


def test_cases_are_listed_by_state_promise_and_step(api):
    def numbers(**asked: str) -> set[str]:
        return {case["number"] for case in everything(api, CASES, 2, **asked)}

    assert numbers(state="paused,cancelled") == {"C-100250", "C-100260"}
    assert numbers(sla="breached") == {"C-100234", "C-100242"}
    assert numbers(step="billing-schedule", sla="at_risk") == {"C-100240"}
    assert numbers(step="tax") == set()


@pytest.mark.parametrize(
    "path",
    [
        f"{CASES}?state=asleep",
        f"{CASES}?sla=late",
        f"{CASES}?limit=0",
        f"{CASES}?limit=many",
        f"{CASES}?cursor=nonsense",
        f"{CASES}?cursor=WyJhIl0",
        "/api/v1/contracts?q=x",
        "/api/v1/contracts",
        "/api/v1/incidents?state=gone",
        "/api/v1/incidents/narrowing?state=gone",
        "/api/v1/incidents?cursor=nonsense",
        "/api/v1/dead-letters?cursor=nonsense",
        "/api/v1/kpis?from=yesterday",
        "/api/v1/kpis?from=2026-03-20T00:00:00",
        "/api/v1/kpis?from=2026-03-20T00:00:00Z&to=2026-03-01T00:00:00Z",
        "/api/v1/kpis?window=this-decade",
        "/api/v1/kpis?window=this-week&from=2026-03-20T00:00:00Z",
        "/api/v1/kpis?as_of=2026-01-01T00:00:00Z",
        "/api/v1/kpis/sla-attainment/comparison?at=2026-03-01T00:00:00Z&as_of=2026-01-01T00:00:00Z",
        "/api/v1/kpis/sla-attainment/series?every=often",
        "/api/v1/kpis/sla-attainment/series?every=0d",
        "/api/v1/kpis/sla-attainment/series?every=1h&from=2020-01-01T00:00:00Z",
    ],
)
def test_what_breaks_a_rule_is_a_422_problem_that_says_which(api, path):
    answer = api.get(path)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 422
    assert problem["detail"]
    assert problem["instance"] == path.partition("?")[0]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothing",
        "/api/v1/journeys/nothing/cases",
        "/api/v1/kpis/nothing/series",
        "/api/v1/kpis/nothing/cases",
        "/api/v1/kpis?journey=nothing",
        "/api/v1/kpis?by=nothing",
        "/api/v1/incidents/nothing",
    ],
)
def test_what_is_not_there_is_a_404_problem(api, path):
    answer = api.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_sources_say_what_came_what_went_wrong_and_what_is_an_orphan(api):
    sources = {row["source"]: row for row in api.get("/api/v1/sources").json()["items"]}

    assert sources["erp"]["dead_letters"] == 3
    assert sources["erp"]["orphans"] == 1
    assert sources["clm"]["orphans"] == 0
    assert sources["clm"]["cadence"] == "live"
    assert sources["clm"]["lateness_seconds"] == pytest.approx(3.0)
    assert sources["procurement"]["annotated"] == 1
    assert sources["procurement"]["lateness_seconds"] is None


def test_dead_letters_come_newest_first_with_their_reason(api):
    letters = everything(api, "/api/v1/dead-letters", 2)

    assert [letter["ordinal"] for letter in letters] == [2, 1, 0]
    assert {letter["position"] for letter in letters} == {"0-77"}
    assert letters[0]["reason"] == "the event has no id"
    assert everything(api, "/api/v1/dead-letters", 2, source="clm") == []


def test_an_empty_installation_answers_every_list_empty(empty_api):
    for path in ("/contracts?q=C-1", "/incidents", "/sources", "/dead-letters"):
        assert empty_api.get(f"/api/v1{path}").json() == {"items": [], "next": None}
    assert empty_api.get(CASES).json()["items"] == []
    assert empty_api.get("/api/v1/contracts/C-1").status_code == 404


def test_an_empty_installation_has_no_number_and_says_why(empty_api):
    for kpi in empty_api.get("/api/v1/kpis").json()["items"]:
        assert kpi["n"] == 0
        assert kpi["state"] in ("unknown", "too_few", "ok"), kpi
        assert kpi["why"], kpi


def test_an_index_that_does_not_answer_is_503_and_the_process_still_lives(closed_api):
    answer = closed_api.get("/api/v1/contracts/C-100234")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert closed_api.get("/livez").status_code == 200
    assert closed_api.get("/readyz").status_code == 503
    assert closed_api.get("/readyz").json()["status"] == "unavailable"
    assert closed_api.get("/api/v1/health").status_code == 200


def test_prometheus_reads_the_registry(api, world):
    from prometheus_client import Counter

    Counter("threadline_example", "An example.", registry=world.registry).inc(3)

    answer = api.get("/metrics")

    assert "threadline_example_total 3.0" in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


def test_no_other_origin_may_read_the_answers(api):
    answer = api.get("/api/v1/journeys", headers={"origin": "https://elsewhere.example"})

    assert "access-control-allow-origin" not in answer.headers


def test_what_prometheus_is_not_told_for_a_faulty_query_is_said_and_logged(
    world, monkeypatch, caplog
):
    def faulty(store, *_):
        return store.query("SELECT gone FROM steps")

    monkeypatch.setattr("threadline.exposure.hops.ended", faulty)
    told = {metric.name: metric for metric in Exposed(lambda: world, world.clock).collect()}

    (up,) = told["threadline_sources_up"].samples
    assert (up.value, "threadline_source_facts" in told) == (0, False)
    assert "hops and sources are not exposed" in caplog.text
    assert "UNKNOWN_IDENTIFIER" in caplog.text
