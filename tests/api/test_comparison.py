"""A KPI before and after a change, and the cases on either side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from handmade_rows import NOW
from kpi_oracle import Count

from metrics.definitions import load, restore
from metrics.derive import Derived
from threadline.api.labels import title
from threadline.model.kpis import Window

KPIS = "/api/v1/kpis"
AT = NOW - timedelta(days=20)
ENDED = NOW - timedelta(days=2)


@pytest.mark.parametrize(
    ("kpi", "count"),
    [("failed-project-setups", "failed"), ("first-time-right", "first_time_right")],
)
def test_both_sides_are_counted_at_equal_maturity_and_open_to_their_cases(api, world, kpi, count):
    asked = {"at": AT.isoformat(), "to": ENDED.isoformat()}
    found = api.get(f"{KPIS}/{kpi}/comparison", params=asked).json()

    frames = {
        table: world.telemetry.query(f"SELECT * EXCEPT (generation, deleted) FROM {table} FINAL")
        for table in ("cases", "steps", "exceptions")
    }
    length = ENDED - AT
    sides = {
        "before": (Window(start=AT - length, end=AT), AT + (NOW - ENDED)),
        "after": (Window(start=AT, end=ENDED), NOW),
    }
    for side, (window, now) in sides.items():
        hits, n = getattr(Count(world.definitions, Derived(**frames), window, now, set()), count)()
        assert (found[side]["n"], found[side]["value"]) == (n, pytest.approx(hits / n))
        more = asked | {"side": side, "limit": 500}
        cases = api.get(f"{KPIS}/{kpi}/comparison/cases", params=more).json()["items"]
        assert (len(cases), sum(case["contributes"] for case in cases)) == (n, hits)
    assert found["change"] == pytest.approx(found["after"]["value"] - found["before"]["value"])
    assert found["interval"][0] <= found["change"] <= found["interval"][1]


def test_two_parts_of_one_window_are_compared(api):
    asked = {"by": "region", "before": "emea", "after": "amer"}
    found = api.get(f"{KPIS}/project-setup-time/comparison", params=asked).json()

    parts = {
        part["label"]: part
        for kpi in api.get(KPIS, params={"by": "region"}).json()["items"]
        if kpi["kpi"] == "project-setup-time"
        for part in kpi["by"]
    }
    for side, label in (("before", "emea"), ("after", "amer")):
        assert found[side]["label"] == label
        assert found[side]["value"] == parts[label]["value"]
        assert found[side]["n"] == parts[label]["n"]
    assert found["verdict"] in ("better", "worse", "unclear", "too_few")


def test_a_question_without_two_sides_is_refused_in_words(api):
    answer = api.get(f"{KPIS}/first-time-right/comparison")
    assert answer.status_code == 422
    assert "when the change was made" in answer.json()["detail"]
    late = api.get(f"{KPIS}/first-time-right/comparison", params={"at": "2030-01-01T00:00:00Z"})
    assert late.status_code == 422
    assert api.get(f"{KPIS}/luck/comparison", params={"at": AT.isoformat()}).status_code == 404


def test_a_version_is_called_by_its_number_and_the_day_it_was_activated():
    first = load()
    content = dict(first.content)
    journey = content["journeys"]["contract-activation"] | {"title": "Our way"}
    content["journeys"] = content["journeys"] | {"contract-activation": journey}
    second = restore(content).after(first, datetime(2026, 11, 3, tzinfo=UTC))
    versions = [one.journey.version for one in second.versions["contract-activation"]]

    assert [title(second, "version", label) for label in versions] == [
        "Our way, version 1",
        "Our way, version 2, since 03 Nov 2026",
    ]
    assert title(second, "version", "") == title(second, "region", versions[0]) == ""
