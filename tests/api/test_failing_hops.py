"""Incidents of failing hops over HTTP, and the demo that watches one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from handmade_failures import AWAY, failure, frame
from handmade_rows import NOW, Rows
from handmade_services import served, services

from threadline.api import ApiServices, create_api
from threadline.cli.outage import PATIENCE, Outage
from threadline.store.telemetry import Telemetry, failing

INCIDENTS = "/api/v1/incidents"
NOBODY = frame([])


@pytest.fixture
def world(telemetry: Telemetry, tmp_path: Path) -> Iterator[ApiServices]:
    """The ERP has not answered four contracts, one of them in dollars."""
    away = [failure(f"C-{n}", NOW - timedelta(minutes=n)) for n in range(1, 4)]
    away.append(failure("C-4", NOW - timedelta(minutes=4), currency="USD"))
    with services(telemetry, tmp_path, frame(away)) as given:
        yield given


@pytest.fixture
def url(world: ApiServices) -> Iterator[str]:
    with served(create_api(world)) as url:
        yield url


def _heal(world: ApiServices) -> None:
    now = world.clock.now() + timedelta(seconds=1)
    world.clock.move_to(now)
    cases = world.telemetry.query("SELECT * EXCEPT (generation, deleted) FROM cases FINAL")
    world.alerts.evaluate(cases, now, failing=NOBODY)


def test_it_says_how_many_hang_on_what_and_what_they_are_worth(url):
    (one,) = httpx.get(url + INCIDENTS).json()["items"]
    assert one["title"] == f"erp fails: 4 cases hang on “{AWAY}”"
    assert (one["severity"], one["cases"], one["step_title"]) == (
        "failure",
        4,
        "ERP project created",
    )
    assert one["worth"] == [
        {"amount": "360000.00", "currency": "EUR"},
        {"amount": "120000.00", "currency": "USD"},
    ]
    assert one["owner"] == "ERP finance support"


def test_its_cases_come_in_pages_and_stay_known_after_it_has_healed(url, world):
    (one,) = httpx.get(url + INCIDENTS).json()["items"]
    path = f"{url}{INCIDENTS}/{one['id']}/cases"
    first = httpx.get(path, params={"limit": 3}).json()
    rest = httpx.get(path, params={"limit": 3, "cursor": first["next"]}).json()
    numbers = [case["number"] for case in (*first["items"], *rest["items"])]
    assert (sorted(numbers), rest["next"]) == (["C-1", "C-2", "C-3", "C-4"], None)
    _heal(world)
    assert httpx.get(f"{url}{INCIDENTS}/{one['id']}").json()["reason"] == "healed"
    left = httpx.get(path).json()["items"]
    assert len([case for case in left if case["left_at"]]) == 4
    assert httpx.get(f"{url}{INCIDENTS}/unknown/cases").status_code == 404


def test_the_demo_tells_of_it_acknowledges_what_nobody_has_and_sees_it_heal(url, world):
    said: list[str] = []
    outage = Outage(url, said.append, world.clock)
    outage.look()
    outage.look()
    assert len(said) == 1, "nothing is said twice"
    assert "erp: 4 cases hang on it, worth EUR 360 k and USD 120 k (open)" in said[0]
    world.clock.move_to(NOW + PATIENCE)
    outage.look()
    outage.look()
    assert "(acknowledged by demo)" in said[1]
    _heal(world)
    outage.look()
    assert "healed" in said[2]


def test_only_required_open_steps_of_running_cases_that_have_failed_are_failing(
    telemetry: Telemetry,
):
    rows = Rows()
    ready = NOW - timedelta(hours=1)
    for place, number in enumerate(("C-1", "C-2", "C-3", "C-4")):
        ended = {"completed_at": NOW} if number == "C-4" else {}
        rows.case(number, ready, NOW + timedelta(days=1), place, **ended)
        failures = 0 if number == "C-2" else 2
        closed = NOW if number == "C-3" else None
        rows.step(number, "erp-project", "erp", ready=ready, closed=closed, failures=failures)
    rows.write(telemetry)
    (found,) = failing.steps(telemetry).to_dicts()
    assert (found["case_id"], found["step"], found["system"]) == (
        "contract:clm:C-1",
        "erp-project",
        "erp",
    )
    assert found["failed_at"] == ready
