"""Rotas over HTTP: who is on duty, and putting somebody else on duty."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from handmade_services import served

from alerts.duty import loading
from threadline.api import ApiServices, create_api
from threadline.cli import main
from threadline.clock import FixedClock

EXAMPLES = Path(__file__).parents[2] / "examples" / "on-call" / "rotas"
HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 3, 30, 7, tzinfo=UTC)  # nine in Berlin


@pytest.fixture
def clock(world: ApiServices) -> Iterator[FixedClock]:
    before = world.clock.now()
    world.clock.move_to(MONDAY)
    yield world.clock
    world.clock.move_to(before)


@pytest.fixture
def api(world: ApiServices, clock: FixedClock) -> Iterator[httpx.Client]:
    rotas = loading.load([EXAMPLES], {"default/webhook", "default/log"}).by_name
    with (
        served(create_api(replace(world, rotas=rotas))) as url,
        httpx.Client(base_url=f"{url}/api/v1", timeout=30) as client,
    ):
        yield client


def decide(api: httpx.Client, **more: object) -> httpx.Response:
    asked = {
        "member": "billing-lead",
        "starts_at": (MONDAY + HOUR).isoformat(),
        "ends_at": (MONDAY + 3 * HOUR).isoformat(),
        "why": "the primary is ill",
        "actor": "billing-primary",
    }
    return api.post("/rotas/billing/overrides", json=asked | more)


def test_every_rota_says_who_is_on_duty_until_when_and_who_follows(api: httpx.Client):
    texts = {rota["name"]: rota["text"] for rota in api.get("/rotas").json()["items"]}

    assert texts == {
        "billing": "billing-primary is on duty until Mon 06 Apr 2026 09:00 (Europe/Berlin);"
        " then billing-secondary",
        "integration": "integration-emea-a is on duty until Mon 30 Mar 2026 15:00 (UTC);"
        " then integration-amer",
        "revenue": "revenue-secondary is on duty until Mon 30 Mar 2026 09:00 (Europe/London);"
        " then revenue-primary",
    }


def test_one_may_be_asked_about_any_instant_and_how_it_goes_on(api: httpx.Client):
    christmas = api.get("/rotas/billing", params={"at": "2026-12-24T12:00:00Z", "shifts": 3}).json()

    assert christmas["text"].startswith("billing-lead is on duty instead (Christmas) until Mon 28")
    assert [shift["by"] for shift in christmas["shifts"]] == ["override", "layer", "layer"]
    assert christmas["shifts"][0]["receivers"] == ["default/webhook", "default/log"]
    assert christmas["shifts"][1]["since"] == "2026-12-28T08:00:00Z"


def test_somebody_stands_in_gives_duty_back_and_both_are_in_the_audit(
    api: httpx.Client, clock: FixedClock, world: ApiServices
):
    made = decide(api)
    assert (made.status_code, made.json()["who"]) == (201, "billing-primary")
    clock.move_to(MONDAY + 2 * HOUR)
    text = "billing-lead is on duty instead (the primary is ill) until Mon 30 Mar 2026 12:00"
    assert api.get("/rotas/billing").json()["text"].startswith(text)

    ended = api.delete(
        f"/rotas/billing/overrides/{made.json()['number']}", params={"actor": "lead"}
    )

    assert (ended.json()["until"], ended.json()["ended_by"]) == ("2026-03-30T09:00:00Z", "lead")
    rota = api.get("/rotas/billing").json()
    assert rota["text"].startswith("billing-primary is on duty until Mon 06 Apr")
    assert rota["overrides"] == []
    assert [one.what for one in world.audit.latest(2)] == ["override.ended", "override.made"]


@pytest.mark.parametrize(
    ("odd", "fault"),
    [
        ({"member": "guest"}, "'guest' is none of this rota (members: billing-primary"),
        ({"ends_at": (MONDAY + HOUR).isoformat()}, "ends_at: has to be after starts_at"),
        (
            {
                "starts_at": (MONDAY - 2 * HOUR).isoformat(),
                "ends_at": (MONDAY - HOUR).isoformat(),
            },
            "past already",
        ),
        ({"ends_at": (MONDAY + timedelta(days=100)).isoformat()}, "90 days at most"),
        ({"why": "  "}, "why: say why"),
        ({"ends_at": "2026-04-01T00:00:00"}, "timezone"),
    ],
)
def test_an_override_that_makes_no_sense_is_refused_with_the_reason(api, odd, fault: str):
    refused = decide(api, **odd)

    assert refused.status_code == 422
    assert fault in refused.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/rotas/payments", "/rotas/payments/overrides", "/rotas/billing/overrides/999"]
)
def test_what_is_not_known_is_not_found(api: httpx.Client, path: str):
    if path.endswith("999"):
        assert api.delete(path).status_code == 404
    elif path.endswith("overrides"):
        asked = {"member": "a", "ends_at": "2026-04-01T00:00:00Z", "why": "-"}
        assert api.post(path, json=asked).status_code == 404
    else:
        assert api.get(path).status_code == 404


def test_an_instant_is_in_utc_unless_it_says_otherwise(api: httpx.Client):
    assert api.get("/rotas/billing", params={"at": "2026-12-24T12:00:00"}).status_code == 422
    assert decide(api, ends_at="2026-03-30T11:00:00+02:00").json()["ends_at"].endswith("09:00:00Z")


def threadline(api: httpx.Client, *arguments: str) -> int:
    return main(["oncall", *arguments, "--api", str(api.base_url).removesuffix("/api/v1/")])


def test_at_a_terminal_each_rota_is_a_line(api: httpx.Client, capsys: pytest.CaptureFixture[str]):
    assert threadline(api, "--at", "2026-05-01") == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "Billing, first on call: billing-primary is on duty until Mon 04 May 2026 09:00"
        " (Europe/Berlin); then billing-secondary"
    )
    assert len(lines) == 3


def test_at_a_terminal_one_rota_tells_how_it_goes_on(
    api: httpx.Client, capsys: pytest.CaptureFixture[str]
):
    decide(api, ends_at=(MONDAY + 25 * HOUR).isoformat())
    assert threadline(api, "billing", "--at", "2026-03-30") == 0

    said = capsys.readouterr().out
    assert "Mon 30 Mar 2026 10:00  billing-lead" in said
    assert "by billing-primary: the primary is ill" in said


def test_for_scripts_it_is_json_and_a_rota_nobody_knows_is_no_answer(
    api: httpx.Client, capsys: pytest.CaptureFixture[str]
):
    assert threadline(api, "billing", "--at", "2026-05-01", "--json") == 0
    assert json.loads(capsys.readouterr().out)["name"] == "billing"
    assert threadline(api, "payments") == 1
    assert "no rota is known as 'payments'" in " ".join(capsys.readouterr().err.split())
