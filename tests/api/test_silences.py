"""Silences over HTTP: making, ending, listing them, and what one would mute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from handmade_services import served

from alerts.maintenance import loading
from threadline.api import ApiServices, create_api

EXAMPLES = Path(__file__).parents[2] / "examples" / "on-call" / "maintenance"
DAY = timedelta(days=1)
ERP = [{"label": "system", "op": "=", "value": "erp"}]


@pytest.fixture
def now(world: ApiServices) -> Iterator[datetime]:
    """The time of the world; it may be moved, and comes back."""
    before = world.clock.now()
    yield before
    world.clock.move_to(before)


@pytest.fixture(scope="module")
def api(world: ApiServices) -> Iterator[httpx.Client]:
    maintenance = loading.load([EXAMPLES]).all
    with (
        served(create_api(replace(world, maintenance=maintenance))) as url,
        httpx.Client(base_url=f"{url}/api/v1", timeout=30) as client,
    ):
        yield client


def silence(api: httpx.Client, now: datetime, **more: object) -> httpx.Response:
    asked = {
        "matchers": ERP,
        "ends_at": (now + DAY).isoformat(),
        "comment": "the ERP moves house",
        "actor": "on-call",
    }
    return api.post("/silences", json=asked | more)


def listed(api: httpx.Client, **asked: object) -> list[str]:
    found = api.get("/silences", params=asked).json()["items"]
    return [one["id"] for one in found if one["source"] == "silence"]


def test_one_is_made_listed_ended_and_stays_listed(
    api: httpx.Client, now: datetime, world: ApiServices
):
    made = silence(api, now)
    assert made.status_code == 201
    told = made.json()
    assert (told["state"], told["who"], told["matchers"]) == ("active", "on-call", ERP)
    assert told["id"] in listed(api, state="active")
    world.clock.move_to(now + timedelta(hours=2))

    ended = api.delete(f"/silences/{told['id']}", params={"actor": "support"}).json()

    assert (ended["state"], ended["ended_by"]) == ("expired", "support")
    assert datetime.fromisoformat(ended["until"]) == now + timedelta(hours=2)
    assert told["id"] not in listed(api, state="active,pending")
    assert told["id"] in listed(api, state="expired")
    assert api.get(f"/silences/{told['id']}").json() == ended
    assert api.delete(f"/silences/{told['id']}").json() == ended, "once is enough"
    assert [one.what for one in world.audit.latest(2)] == ["silence.ended", "silence.created"]


def test_one_to_come_is_pending_until_its_time_and_over_after_it(
    api: httpx.Client, now: datetime, world: ApiServices
):
    starts = {"starts_at": (now + DAY).isoformat(), "ends_at": (now + 2 * DAY).isoformat()}
    name = silence(api, now, **starts).json()["id"]
    states = []
    for days in (0.5, 1.5, 2.5):
        world.clock.move_to(now + days * DAY)
        states.append(api.get(f"/silences/{name}").json()["state"])

    assert states == ["pending", "active", "expired"]


@pytest.mark.parametrize(
    ("odd", "fault"),
    [
        ({"matchers": []}, "it would mute everything"),
        ({"matchers": [{"label": "system", "op": "=~", "value": ".*"}]}, "mute everything"),
        ({"matchers": [{"label": "team", "op": "=", "value": "x"}]}, "'team' is no label"),
        ({"matchers": [{"label": "system", "op": "=~", "value": "("}]}, "matchers.0: '('"),
        ({"matchers": [{"label": "system", "op": "==", "value": "x"}]}, "matchers.0.op"),
        ({"comment": " "}, "comment: say why"),
        ({"comment": ""}, "comment"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "ends_at: has to be after starts_at"),
        ({"ends_at": "2100-01-01T00:00:00Z"}, "90 days at most"),
    ],
)
def test_one_that_makes_no_sense_is_refused_with_the_reason(api, now, odd, fault: str):
    refused = silence(api, now, **odd)

    assert refused.status_code == 422
    assert fault in refused.json()["detail"]


def test_the_list_goes_on_where_it_ended(api: httpx.Client, now: datetime):
    made = [silence(api, now).json()["id"] for _ in range(3)]
    first = api.get("/silences", params={"limit": 2}).json()
    following = api.get("/silences", params={"limit": 2, "cursor": first["next"]}).json()

    ids = [one["id"] for one in (*first["items"], *following["items"]) if one["made_at"]]
    assert ids[:3] == made[::-1]
    assert {one["source"] for one in following["items"]} == {"silence"}
    assert api.get("/silences", params={"state": "asleep"}).status_code == 422


def test_maintenance_stands_beside_silences_and_ends_with_its_definition(
    api: httpx.Client, now: datetime, world: ApiServices
):
    world.clock.move_to(datetime(2026, 4, 5, 22, tzinfo=UTC))
    found = api.get("/silences", params={"state": "active"}).json()["items"]
    (patches,) = [one for one in found if one["source"] == "maintenance"]

    assert (patches["id"], patches["who"]) == ("maintenance/erp-patches",) * 2
    assert (patches["starts_at"], patches["until"]) == (
        "2026-04-05T20:00:00Z",
        "2026-04-06T02:00:00Z",
    )
    assert api.get("/silences/maintenance/erp-patches").json() == patches
    assert api.delete("/silences/maintenance/erp-patches").status_code == 409
    assert api.get("/silences/maintenance/none").status_code == 404
    pending = api.get("/silences", params={"state": "pending"}).json()["items"]
    assert {one["id"] for one in pending if one["source"] == "maintenance"} == {
        "maintenance/move",
        "maintenance/weekly-backup",
    }


def test_what_one_would_mute_is_told_before_it_is_made(api: httpx.Client):
    live = api.get("/incidents", params={"state": "open,acknowledged"}).json()["items"]
    journey = live[0]["journey"]
    of_it = [one["id"] for one in live if one["journey"] == journey]
    asked = [{"label": "journey", "op": "=", "value": journey}]

    found = api.post("/silences/preview", json={"matchers": asked}).json()

    assert (found["count"], sorted(one["id"] for one in found["items"])) == (
        len(of_it),
        sorted(of_it),
    )
    nothing = [{"label": "journey", "op": "=", "value": "none"}]
    assert api.post("/silences/preview", json={"matchers": nothing}).json()["count"] == 0
    assert api.post("/silences/preview", json={"matchers": []}).status_code == 422
