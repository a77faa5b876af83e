"""Where a case that was dropped silently was lost, and whether others came through there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from handmade_rows import NOW, Rows
from handmade_services import served, services

from threadline.api import create_api
from threadline.store.telemetry import Telemetry

READY = NOW - timedelta(days=3)
HOUR = timedelta(hours=1)


@pytest.fixture
def rows() -> Rows:
    """C-7 was validated three days ago and waits for its ERP project; C-8, later, has got it."""
    rows = Rows()
    rows.identify("C-7")
    rows.identify("C-8")
    rows.case("C-7", READY - HOUR, NOW + HOUR, 0, current_step="erp-project", current_since=READY,
              current_due_at=READY + 24 * HOUR, waiting_systems=["erp"])  # fmt: skip
    rows.event("middleware", "middleware.fields.validated", READY, [("contract", "clm", "C-7")])
    rows.event("psa", "psa.project.created", READY + 9 * HOUR, [("contract", "clm", "C-7")])
    later = READY + 2 * HOUR
    rows.step("C-8", "erp-project", "erp", ready=later, closed=later + HOUR)
    return rows


@pytest.fixture
def asked(telemetry: Telemetry, tmp_path: Path, rows: Rows) -> Iterator[object]:
    def ask(path: str) -> dict:
        rows.write(telemetry)
        with services(telemetry, tmp_path) as given, served(create_api(given)) as url:
            return httpx.get(f"{url}/api/v1{path}", timeout=30).json()

    return ask


def test_it_was_lost_between_who_saw_it_last_and_who_should_have(asked, rows):
    call = rows.span("middleware", "POST erp/projects", READY + HOUR,
                     [("contract", "clm", "C-7")], seconds=2)  # fmt: skip
    rows.span("middleware", "run nightly", READY + 5 * HOUR,
              [("contract", "clm", "C-7"), ("contract", "clm", "C-8")], seconds=2)  # fmt: skip

    stuck = asked("/contracts/C-7")["stuck"]
    lost = stuck["lost"]
    assert (lost["last"], lost["to"], lost["fact_id"]) == ("middleware", "erp", call)
    assert (lost["passed"], lost["passed_at"]) == (1, "2026-03-17T15:00:00Z")
    assert stuck["why"].startswith("Lost on the way from middleware to erp. Middleware saw it last")
    assert "1 other case has come through since" in stuck["why"]


def test_lists_say_it_too_and_what_has_arrived_was_not_lost_on_the_way(asked, rows):
    rows.span("erp", "POST /sap/projects", READY + HOUR, [("contract", "clm", "C-7")], seconds=2)

    listed = asked("/journeys/contract-activation/cases")["items"]
    (lost,) = [one["lost"] for one in listed if one["number"] == "C-7"]
    assert (lost["last"], lost["to"], lost["name"]) == ("erp", "erp", "POST /sap/projects")


def test_of_what_is_late_for_another_reason_nothing_is_lost(asked, rows):
    rows.rows["cases"][0]["stuck_reason"] = "rejected"
    assert asked("/contracts/C-7")["stuck"]["lost"] is None
