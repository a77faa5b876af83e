"""The page behind a link to acknowledge, as a phone, a mail scanner or a stranger asks for it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import handmade_world
import httpx
import pytest
from handmade_services import served, services

from threadline.access import Gate
from threadline.api import create_api
from threadline.settings import TelemetrySettings
from threadline.store.control import ControlUnavailable
from threadline.store.telemetry import Telemetry

BASE = "https://threadline.example"
INCIDENTS = "/api/v1/incidents"


@pytest.fixture(scope="module")
def filled(telemetry_dir):
    settings = TelemetrySettings(dir=telemetry_dir, database="links_world", durable=False)
    telemetry = Telemetry.open(settings)
    handmade_world.fill(telemetry)
    yield telemetry
    telemetry.command("DROP DATABASE links_world SYNC")
    telemetry.close()


@pytest.fixture
def world(filled, tmp_path):
    """Incidents of its own for each test: it acts on them."""
    with services(filled, tmp_path) as given:
        yield given


@pytest.fixture
def api(world):
    with _browser(world) as client:
        yield client


@contextmanager
def _browser(given):
    """No token, no cookie, and what the API wants of everybody else."""
    closed = replace(given, gate=Gate(given.gate.tokens, None, required=True))
    with served(create_api(closed)) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


def link(world, incident, *, episode=None, receiver="default/mail"):
    number = incident.episode if episode is None else episode
    return world.acknowledging.to(incident.id, number, receiver).removeprefix(BASE)


def an_open_one(world):
    """The gravest, and the most valuable of those."""
    found = world.alerts.page(states=["open"]).items
    return max(found, key=lambda one: (one.severity == "breach", one.value or 0))


def form_of(page: httpx.Response) -> str:
    return re.search(r'name="form" value="([^"]+)"', page.text)[1]


def state_of(page: httpx.Response) -> str:
    return re.search(r'role="status">([^<]+)<', page.text)[1]


def test_looking_changes_nothing_and_says_what_somebody_needs_to_decide(world, api):
    incident = an_open_one(world)

    pages = [api.get(link(world, incident)) for _ in range(3)]

    assert [page.status_code for page in pages] == [200] * 3
    assert state_of(pages[0]) == "Nobody looks after it yet"
    for words in ("past its deadline", "C-1002", "EUR ", "What to do", "Owner", "on-call?incident"):
        assert words in pages[0].text
    assert world.alerts.get(incident.id) == incident


def test_pressing_the_button_acknowledges_in_the_receivers_name(world, api):
    incident = an_open_one(world)
    address = link(world, incident)

    pressed = api.post(address, data={"form": form_of(api.get(address))})
    assert (pressed.status_code, pressed.headers["location"]) == (303, address.rpartition("/")[2])
    after = api.get(address)

    done = world.alerts.get(incident.id)
    assert (done.state, done.acknowledged_by) == ("acknowledged", "via default/mail")
    assert state_of(after) == "Acknowledged"
    assert "<form" not in after.text
    last = world.audit.latest(1)[0]
    assert (last.who, last.what) == ("via default/mail", "incident.acknowledged")


def test_a_name_that_is_typed_in_stands_beside_the_receiver_and_is_shown_as_text(world, api):
    incident = an_open_one(world)
    address = link(world, incident)
    name = "night <b>shift</b>\r\nX-Odd: 1\u202e"

    api.post(address, data={"form": form_of(api.get(address)), "name": name})

    who = world.alerts.get(incident.id).acknowledged_by
    assert who == "night <b>shift</b> X-Odd: 1 (via default/mail)"
    page = api.get(address)
    assert "night &lt;b&gt;shift" in page.text
    assert "x-odd" not in page.headers


def test_pressing_twice_is_once(world, api):
    incident = an_open_one(world)
    address = link(world, incident)
    form = form_of(api.get(address))

    answers = [api.post(address, data={"form": form, "name": name}) for name in ("first", "late")]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert world.alerts.get(incident.id).acknowledged_by == "first (via default/mail)"


@pytest.mark.parametrize("state", ["over", "newer"])
def test_what_is_over_or_came_back_since_is_shown_and_left_alone(world, api, state):
    incident = an_open_one(world)
    address = link(world, incident)
    form = form_of(api.get(address))
    if state == "over":
        world.alerts.resolve(incident.id, who="ana")
    else:
        address = link(world, incident, episode=incident.episode - 1)
        form = world.acknowledging.form(address.removeprefix("/a/"))
    before = world.alerts.get(incident.id)

    shown, pressed = api.get(address), api.post(address, data={"form": form})

    words = {"over": "It is over", "newer": "This link is of an earlier time"}[state]
    assert (shown.status_code, state_of(shown)) == (200, words)
    assert (pressed.status_code, state_of(pressed)) == (409, words)
    assert "<form" not in shown.text + pressed.text
    assert world.alerts.get(incident.id) == before


def test_a_forged_an_expired_and_an_unknown_link_say_what_to_do_and_nothing_of_an_incident(
    world, api
):
    incident = an_open_one(world)
    address = link(world, incident)
    unknown = link(world, replace(incident, id="no such incident"))
    forged = address[:-1] + ("A" if address[-1] != "A" else "B")
    answers = [api.get(forged), api.post(forged), api.get(unknown)]
    world.clock.move_to(world.clock.now() + timedelta(hours=72))
    answers += [api.get(address), api.post(address)]

    assert [answer.status_code for answer in answers] == [403, 403, 410, 410, 410]
    assert [state_of(answer) for answer in answers] == [
        "This link is not valid",
        "This link is not valid",
        "This is not known any more",
        "This link has expired",
        "This link has expired",
    ]
    for answer in answers:
        assert incident.root_id.split(":")[-1] not in answer.text
    assert world.alerts.get(incident.id) == incident


def test_only_the_form_of_its_own_page_acknowledges(world, api):
    first, second = world.alerts.page(states=["open"]).items[:2]
    address = link(world, first)
    form, others = form_of(api.get(address)), form_of(api.get(link(world, second)))

    answers = [
        api.post(address),
        api.post(address, data={"form": others}),
        api.post(address, data={"form": form}, headers={"sec-fetch-site": "cross-site"}),
        api.post(address, content=b"form=" + b"x" * 100_000),
        api.post(address, json={"form": form}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5
    assert {state_of(answer) for answer in answers} == {"Not acknowledged"}
    assert world.alerts.get(first.id) == first


def test_nobody_keeps_frames_or_learns_the_address_of_a_page(world, api):
    for address in (link(world, an_open_one(world)), "/a/guess"):
        headers = api.get(address).headers
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        for word in ("form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
            assert word in policy
        assert "set-cookie" not in headers


def test_asking_too_often_is_answered_in_words(world, api):
    address = link(world, an_open_one(world))

    answers = [api.get(address).status_code for _ in range(20)]
    guesses = [api.get("/a/guess").status_code for _ in range(20)]

    assert (answers[0], answers[-1], guesses[0], guesses[-1]) == (200, 429, 403, 429)


def test_a_link_gets_into_no_log_and_no_problem_document(world, api, caplog, monkeypatch):
    incident = an_open_one(world)
    address = link(world, incident)

    def away(_):
        raise ControlUnavailable("control", "it is restarted")

    def broken(_):
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(type(world.alerts), "get", lambda _, id_: away(id_))
    waits = api.get(address)
    monkeypatch.setattr(type(world.alerts), "get", lambda _, id_: broken(id_))
    fails = api.get(address)

    assert (waits.status_code, state_of(waits)) == (503, "Not now")
    assert fails.status_code == 500
    secret = address.removeprefix("/a/")
    assert secret not in fails.text + caplog.text
    assert "/a/…" in fails.text


def test_elsewhere_a_link_permits_nothing(world, api):
    incident = an_open_one(world)
    token = link(world, incident).removeprefix("/a/")
    bearer = {"authorization": f"Bearer {token}"}

    assert api.get(INCIDENTS, headers=bearer).status_code == 401
    path = f"{INCIDENTS}/{incident.id}/acknowledge"
    assert api.post(path, headers=bearer, json={}).status_code == 401
