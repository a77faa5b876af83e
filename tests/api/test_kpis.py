"""KPIs: values, and that every value opens to exactly the cases it was computed from."""

from __future__ import annotations

import pytest

KPIS = "/api/v1/kpis"


def test_a_kpi_has_value_unit_sample_target_state_and_coverage(api):
    page = api.get(KPIS).json()
    kpis = {kpi["kpi"]: kpi for kpi in page["items"]}

    attainment = kpis["sla-attainment"]
    assert attainment["unit"] == "ratio"
    assert attainment["value"] == pytest.approx(15 / 17)
    assert attainment["n"] == 17
    assert attainment["target"] == 0.9
    assert attainment["state"] == "breached"
    assert attainment["coverage"] == 1.0
    assert attainment["previous"] == 1.0
    assert kpis["value-at-risk"]["unit"] == "EUR"
    assert (page["start"], page["end"]) == ("2026-02-18T12:00:00Z", "2026-03-20T12:00:00Z")


@pytest.mark.parametrize(
    "kpi", ["sla-attainment", "failed-project-setups", "activation-cycle-time"]
)
def test_a_value_opens_to_exactly_the_cases_behind_it(api, kpi):
    value = next(one for one in api.get(KPIS).json()["items"] if one["kpi"] == kpi)

    first = api.get(f"{KPIS}/{kpi}/cases", params={"limit": 10}).json()
    rest = api.get(f"{KPIS}/{kpi}/cases", params={"limit": 500, "cursor": first["next"]}).json()
    cases = first["items"] + rest["items"]

    assert rest["next"] is None
    assert len({case["case_id"] for case in cases}) == len(cases) == value["n"]
    if value["unit"] == "ratio":
        assert sum(case["contributes"] for case in cases) / len(cases) == value["value"]


def test_the_cases_that_make_a_number_worse_come_first(api):
    missed = api.get(f"{KPIS}/sla-attainment/cases").json()["items"]

    assert [case["standing"] for case in missed[:3]] == ["missed", "missed", "met"]


def test_a_kpi_opens_by_a_dimension_whose_samples_add_up(api):
    for kpi in api.get(KPIS, params={"by": "region"}).json()["items"]:
        assert {part["label"] for part in kpi["by"]} <= {"emea", "amer", "apac"}
        if kpi["unit"] == "ratio":
            assert sum(part["n"] for part in kpi["by"]) == kpi["n"]


def test_a_series_covers_the_window_without_gaps(api):
    points = api.get(f"{KPIS}/sla-attainment/series", params={"every": "7d"}).json()["items"]

    assert points[0]["start"] == "2026-02-18T12:00:00Z"
    assert points[-1]["end"] == "2026-03-20T12:00:00Z"
    for earlier, later in zip(points, points[1:], strict=False):
        assert earlier["end"] == later["start"]
    assert sum(point["n"] for point in points) == 17


def test_what_is_over_long_ago_changes_no_later_window(api):
    """The API reads only what a window needs; reading all of it gives the same values."""
    month = api.get(KPIS).json()["items"]
    week = {"from": "2026-03-13T12:00:00Z"}
    values = {kpi["kpi"]: kpi for kpi in api.get(KPIS, params=week).json()["items"]}
    whole = {kpi["kpi"]: kpi for kpi in month}

    for kpi in ("stuck-cases", "value-at-risk"):  # anchored at now, whatever the window
        assert values[kpi]["value"] == whole[kpi]["value"]


def test_a_past_instant_is_refused_and_not_answered_wrongly(api):
    answer = api.get(KPIS, params={"as_of": "2026-03-01T00:00:00Z"})

    assert answer.status_code == 422
    assert "as_of" in answer.json()["detail"]
