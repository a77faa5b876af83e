"""KPIs: values, and that every value opens to exactly the cases it was computed from."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from handmade_rows import NOW
from handmade_services import served

from metrics.definitions import load
from metrics.derive import Derived
from metrics.kpis import evaluate
from threadline.api import create_api
from threadline.api.receipts import received
from threadline.model.kpis import Window

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
    for kpi in _of_cases(api, by="region"):
        assert {part["label"] for part in kpi["by"]} <= {"emea", "amer", "apac"}
        if kpi["unit"] == "ratio":
            assert sum(part["n"] for part in kpi["by"]) == kpi["n"]


def test_every_part_opens_to_its_own_cases(api):
    for kpi in _of_cases(api, by="region"):
        money = kpi["unit"] if kpi["unit"] == "EUR" else ""
        for part in kpi["by"]:
            asked = {"by": "region", "label": part["label"], "currency": money, "limit": 500}
            cases = api.get(f"{KPIS}/{kpi['kpi']}/cases", params=asked).json()["items"]
            assert {case["dimensions"]["region"] for case in cases} <= {part["label"]}
            assert len(cases) == part["n"], (kpi["kpi"], part)


def test_money_opens_by_currency(api):
    path = f"{KPIS}/value-at-risk/cases"

    assert len(api.get(path, params={"currency": "EUR"}).json()["items"]) == 3
    assert api.get(path, params={"currency": "USD"}).json()["items"] == []


def test_a_series_covers_the_window_without_gaps(api):
    points = api.get(f"{KPIS}/sla-attainment/series", params={"every": "7d"}).json()["items"]

    assert points[0]["start"] == "2026-02-18T12:00:00Z"
    assert points[-1]["end"] == "2026-03-20T12:00:00Z"
    for earlier, later in itertools.pairwise(points):
        assert earlier["end"] == later["start"]
    assert sum(point["n"] for point in points) == 17


@pytest.mark.parametrize("days", [1, 3, 7, 20])
def test_reading_only_what_a_window_needs_gives_the_values_of_reading_everything(api, world, days):
    window = Window(start=NOW - timedelta(days=days), end=NOW)
    frames = {
        table: world.telemetry.query(f"SELECT * EXCEPT (generation, deleted) FROM {table} FINAL")
        for table in ("cases", "steps", "exceptions", "mismatches")
    }
    told = {"window": window, "now": NOW, "received": received(world)}
    whole = evaluate(world.definitions, Derived(**frames), **told)

    answered = api.get(KPIS, params={"from": window.start.isoformat()}).json()["items"]

    assert [(one["kpi"], one["value"], one["n"]) for one in answered] == [
        (one.kpi, one.value if one.value is None else float(one.value), one.n) for one in whole
    ]
    assert [one["previous_n"] for one in answered] == [
        one.previous and one.previous.n for one in whole
    ]


def test_a_window_is_asked_by_name_and_compared_at_equal_maturity(api):
    asked = {"window": "this-quarter"}
    page = api.get(KPIS, params=asked).json()
    assert (page["start"], page["end"]) == ("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z")
    before = {"start": "2025-10-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}
    assert page["previous"] == before | {"as_of": "2025-12-18T12:00:00Z"}  # 78 days and a half
    assert page["year_ago"] is None  # there is no history of then
    kpis = {kpi["kpi"]: kpi for kpi in page["items"]}
    by_dates = api.get(KPIS, params={"from": page["start"], "to": page["end"]}).json()["items"]
    assert [(one["kpi"], one["value"], one["n"]) for one in by_dates] == [
        (one["kpi"], one["value"], one["n"]) for one in page["items"]
    ]
    cycle = kpis["activation-cycle-time"]
    assert [one["share"] for one in cycle["percentiles"]] == [0.5, 0.9, 0.95, 0.99]
    assert cycle["percentiles"][0]["value"] == cycle["value"]

    months = api.get(f"{KPIS}/sla-attainment/series", params=asked | {"every": "month"}).json()
    starts = ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"]
    assert [point["start"] for point in months["items"]] == starts


def test_a_year_ago_stands_beside_where_history_goes_back_so_far(api):
    page = api.get(KPIS, params={"window": "last-7-days", "to": "2027-03-18T12:00:00Z"}).json()
    kpis = {kpi["kpi"]: kpi for kpi in page["items"]}
    assert page["year_ago"]["start"] == "2026-03-11T12:00:00Z"
    assert kpis["activation-cycle-time"]["year_ago_n"] == 0  # it was seen before it began
    then = {"from": "2026-03-11T12:00:00Z", "to": "2026-03-18T12:00:00Z"}
    assert api.get(KPIS, params=then).json()["items"]


def test_what_moved_a_kpi_adds_up_to_its_change(api):
    kpis = {kpi["kpi"]: kpi for kpi in api.get(KPIS).json()["items"]}
    attained = kpis["sla-attainment"]
    path = f"{KPIS}/sla-attainment/contribution"

    (moved,) = api.get(path, params={"by": "region"}).json()["items"]

    assert moved["change"] == pytest.approx(attained["value"] - attained["previous"])
    assert sum(part["effect"] for part in moved["parts"]) == pytest.approx(moved["change"])
    assert moved["residual"] == 0
    assert sum(part["n"] for part in moved["parts"]) == attained["n"]
    assert api.get(path, params={"by": "colour"}).status_code == 404
    assert api.get(path, params={"by": "region", "against": "year-ago"}).status_code == 422


def test_the_orphan_share_opens_to_exactly_the_orphans(api):
    asked = {"by": "source"}
    kpis = {kpi["kpi"]: kpi for kpi in api.get(KPIS, params=asked).json()["items"]}
    share = kpis["orphan-share"]
    orphans = share["counts"]["orphan"]

    found = api.get(f"{KPIS}/orphan-share/facts").json()["items"]

    assert (share["of"], kpis["sla-attainment"]["of"]) == ("facts", "cases")
    assert share["value"] == orphans / share["n"] > 0
    assert [one["identifiers"] for one in found] == [["project:erp:P-00999"]]
    assert len(found) == orphans
    assert sum(part["n"] for part in share["by"]) == share["n"]
    for part in share["by"]:
        more = asked | {"label": part["label"]}
        its = api.get(f"{KPIS}/orphan-share/facts", params=more).json()["items"]
        assert len(its) == round(part["value"] * part["n"]), part


def test_orphans_outside_the_window_are_not_behind_it(api):
    early = {"to": (NOW - timedelta(hours=6)).isoformat()}
    late = {"from": (NOW - timedelta(hours=4)).isoformat()}
    for asked in (early, late):
        assert api.get(f"{KPIS}/orphan-share/facts", params=asked).json()["items"] == []


@pytest.mark.parametrize(
    ("path", "instead"), [("orphan-share/cases", "facts"), ("stuck-cases/facts", "cases")]
)
def test_a_kpi_does_not_open_to_what_it_is_not_computed_from(api, path, instead):
    answer = api.get(f"{KPIS}/{path}")
    assert answer.status_code == 404
    assert f"/{instead}" in answer.json()["detail"]
    assert api.get(f"{KPIS}/luck/{instead}").status_code == 404


def test_a_past_instant_is_refused_and_not_answered_wrongly(api):
    answer = api.get(KPIS, params={"as_of": "2026-03-01T00:00:00Z"})

    assert answer.status_code == 422
    assert "as_of" in answer.json()["detail"]


def _of_cases(api, **asked):
    return [kpi for kpi in api.get(KPIS, params=asked).json()["items"] if kpi["of"] == "cases"]


def test_money_is_told_in_the_reporting_currency_and_as_it_was_stated(world, tmp_path):
    (tmp_path / "rates.yaml").write_text(
        "reporting_currency: USD\nstale_after: 30 days\n"
        "rates: [2026-02-01 EUR USD 1.5, 2026-03-18 EUR USD 1.25]"
    )
    with served(create_api(replace(world, definitions=load(tmp_path)))) as url:
        api = httpx.Client(base_url=url)
        page = api.get(KPIS, params={"by": "currency"}).json()
        risk = next(kpi for kpi in page["items"] if kpi["kpi"] == "value-at-risk")
        cases = api.get(f"{KPIS}/value-at-risk/cases", params={"currency": "USD"}).json()["items"]
        none = api.get(f"{KPIS}/value-at-risk/cases", params={"currency": "EUR"}).json()["items"]
        moved = api.get(f"{KPIS}/value-at-risk/contribution", params={"by": "currency"}).json()
        shown = api.get(f"{KPIS}/value-at-risk/cases", params={"by": "currency", "label": "EUR"})

    (stated,) = risk["money"]
    assert (page["reporting_currency"], risk["unit"], risk["n"]) == ("USD", "USD", 3)
    assert float(stated["amount"]) * 1.25 == float(stated["value"]) == risk["value"]
    rate = {"since": "2026-03-18", "one": "EUR", "other": "USD", "rate": "1.25"}
    assert (stated["currency"], stated["n"], stated["rates"]) == ("EUR", 3, [rate])
    assert [(part["label"], part["value"]) for part in risk["by"]] == [("EUR", risk["value"])]
    assert sum(case["contributes"] for case in cases) == risk["value"]
    assert {case["value"]["currency"] for case in cases} == {"EUR"}
    assert none == []
    assert len(shown.json()["items"]) == 3
    assert moved["items"][0]["unit"] == "USD"
