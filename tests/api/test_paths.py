"""Discovered paths over HTTP: every number opens to exactly the cases it counts."""

from __future__ import annotations

PATHS = "/api/v1/journeys/contract-activation/paths"
WINDOW = {"from": "2026-01-01T00:00:00Z"}


def test_every_number_of_the_paths_opens_to_its_cases(api):
    told = api.get(PATHS, params=WINDOW).json()

    def behind(**asked: str) -> int:
        items = api.get(f"{PATHS}/cases", params={**WINDOW, "limit": 500, **asked}).json()["items"]
        return len({case["case_id"] for case in items})

    assert told["cases"] == 30
    assert {edge["standing"] for edge in told["edges"]} >= {"defined", "failure"}
    for edge in told["edges"]:
        assert behind(act=edge["act"], before=edge["before"]) == edge["cases"]
    for node in told["nodes"]:
        assert behind(act=node["act"]) == node["cases"]
    for step in told["steps"]:
        assert behind(waiting=step["step"]) == step["waiting"]
        assert behind(waiting=step["step"], late="true") == step["late"]
    for variant in told["variants"]:
        assert behind(variant=",".join(variant["path"])) == variant["cases"]
    assert behind(deviates="true") == told["deviating"] > 0
    assert told["annotations"]["clock-ahead"] == 1
    for annotation, count in told["annotations"].items():
        assert behind(annotation=annotation) == count
    assert 0 < sum(step["late"] for step in told["steps"]) < told["cases"]
    assert sum(step["waiting"] for step in told["steps"]) > 0
    assert sum(variant["cases"] for variant in told["variants"]) == 30
    kept = sum(one["cases"] for one in told["variants"] if not one["deviates"])
    assert kept == 30 - told["deviating"]


def test_paths_know_windows_by_name_and_past_instants(api):
    whole = api.get(PATHS, params={"window": "all-time"}).json()
    assert whole["cases"] == api.get(PATHS, params=WINDOW).json()["cases"]
    past = api.get(PATHS, params={"as_of": "2026-03-01T00:00:00Z"})
    assert "no past is kept here" in past.json()["detail"]  # it was looked for


def test_what_is_no_act_or_no_window_is_refused_and_said(api):
    answer = api.get(f"{PATHS}/cases", params={"act": "tea"})
    assert (answer.status_code, "'tea'" in answer.json()["detail"]) == (422, True)
    upside_down = {"from": "2026-03-20T00:00:00Z", "to": "2026-03-01T00:00:00Z"}
    assert api.get(PATHS, params=upside_down).status_code == 422
    assert api.get("/api/v1/journeys/none/paths").status_code == 404
