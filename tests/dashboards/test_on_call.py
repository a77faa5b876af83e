"""The on-call page in a real browser: what needs somebody, and what people do about it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest
from handmade_failures import AWAY
from handmade_services import served
from playwright.sync_api import expect
from streamlit.testing.v1 import AppTest
from streamlit_pages import fits, settled

from dashboards import client, on_call
from threadline.api import create_api
from threadline.model.people import Principal

PHONE = 390  # pixels


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Lets pages in this process ask the API at an address: no connection is left from before."""

    def at(url: str) -> None:
        monkeypatch.setenv("THREADLINE_API_URL", url)
        client._http.clear()

    yield at
    client._http.clear()


def incidents(api_url: str, **query: str) -> list[dict]:
    return httpx.get(f"{api_url}/api/v1/incidents", params=query).json()["items"]


def the_hop(api_url: str) -> dict:
    return next(
        one for one in incidents(api_url, state="open,acknowledged") if one["about"] == "hop"
    )


def test_the_most_urgent_comes_first_and_acknowledging_moves_it_to_the_others(open_page, api_url):
    page = open_page("/on-call")
    cards = page.locator(".tl-card")
    expect(page.get_by_role("heading", name="Needs somebody (6)")).to_be_visible()
    expect(cards.first).to_contain_text(f"erp fails: 3 cases hang on “{AWAY}”")
    expect(cards.first).to_contain_text("EUR 360 k")
    second = cards.nth(1)
    for words in ("C-100234", "deadline broken", "EUR 480 k", "What to do", "default/log"):
        expect(second).to_contain_text(words)
    settled(page)
    if os.environ.get("THREADLINE_PICTURES") == "1":
        page.set_viewport_size({"width": 1400, "height": 1000})
        page.wait_for_load_state("networkidle")
        page.screenshot(path="docs/pictures/on-call.png")

    page.get_by_label("Your name").fill("night shift")
    page.get_by_label("Your name").press("Enter")
    page.get_by_role("button", name="Acknowledge").nth(1).click()

    expect(page.get_by_role("heading", name="Acknowledged (1)")).to_be_visible()
    expect(page.get_by_text("acknowledged by night shift").first).to_be_visible()
    acknowledged = incidents(api_url, state="acknowledged")
    assert [one["acknowledged_by"] for one in acknowledged] == ["night shift"]


def test_filters_ask_the_api_and_so_find_what_the_list_is_too_short_for(
    api_services, ask, monkeypatch
):
    monkeypatch.setattr(on_call, "SHOWN", 1)
    live = {"states": ["open", "acknowledged"], "part_of": ""}
    systems = [one.system for one in api_services.alerts.page(**live).items]
    with served(create_api(api_services)) as url:
        ask(url)
        app = AppTest.from_string("from dashboards import on_call\non_call.page()")
        app.run(timeout=60)
        assert "The 1 most urgent are shown; filters look at all." in text(app)
        app.selectbox(key="only-system").select("erp").run(timeout=60)
        assert f"{systems.count('erp')} incident fits the filters" in text(app)
        assert "3 cases hang on" in text(app)
        app.toggle(key="mine").set_value(True).run(timeout=60)
        assert [one.value for one in app.info] == ["None of them fits the filters."]
    assert not app.exception


def text(app: AppTest) -> str:
    return " ".join(str(each.proto.body) for each in app.get("html"))


def test_an_incident_has_a_page_with_its_cases_whom_it_was_told_and_what_happened(
    open_page, api_url
):
    page = open_page(f"/on-call?incident={the_hop(api_url)['id']}", PHONE)
    expect(page.get_by_role("heading", name="erp fails: 3 cases hang")).to_be_visible()
    told = page.locator(".tl-table").first
    expect(told).to_contain_text("default/log")
    expect(told).to_contain_text("told")
    expect(page.locator(".tl-timeline")).to_contain_text("Told: default/log (page, step 1; opened)")
    expect(page.locator(".tl-timeline")).to_contain_text("Opened (severity: failure")

    page.get_by_text("Affected cases").click()

    expect(page.get_by_role("link", name="C-100302")).to_be_visible()
    expect(page.get_by_text("still waits")).to_have_count(3)
    fits(page)


def test_people_note_assign_and_silence_and_what_goes_wrong_is_said_beside_it(open_page, api_url):
    hop = the_hop(api_url)
    page = open_page(f"/on-call?incident={hop['id']}")
    page.get_by_label("Your name").fill("night shift")
    page.get_by_label("Your name").press("Enter")

    page.get_by_role("button", name="Note").click()
    page.get_by_label("What others should know").fill("<b>the ERP</b> restarts")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator(".tl-timeline")).to_contain_text(
        "Note by night shift: “<b>the ERP</b> restarts”"
    )
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Assign").first.click()
    page.get_by_role("button", name="Take it").click()
    expect(page.locator(".tl-card")).to_contain_text("Looked after by")
    page.keyboard.press("Escape")

    page.get_by_text("Silence", exact=True).first.click()
    expect(page.get_by_text("It mutes 1 live incident now")).to_be_visible()
    page.get_by_role("button", name="Silence", exact=True).click()
    expect(page.locator(".tl-said.tl-bad")).to_contain_text("Not done: body.comment")
    page.get_by_label("Why").fill("they know")
    page.get_by_label("Why").press("Enter")
    page.get_by_role("button", name="Silence", exact=True).click()
    expect(page.get_by_text("Silenced until 20 Mar 2026 13:00 UTC.")).to_be_visible()
    fits(page)

    (made,) = httpx.get(f"{api_url}/api/v1/silences").json()["items"]
    assert made["matchers"] == [
        {"label": "about", "op": "=", "value": "hop"},
        {"label": "system", "op": "=", "value": "erp"},
    ]
    page.get_by_role("link", name="All incidents").click()
    views = page.locator("[data-testid=stButtonGroup]")
    views.get_by_text("Silences").click()
    expect(page.get_by_text("Silence by night shift: they know")).to_be_visible()
    page.get_by_role("button", name="End it now").click()
    expect(page.get_by_text("Nothing is silenced")).to_be_visible()
    views.get_by_text("Delivery").click()
    expect(page.locator("tr", has_text="default/log")).to_contain_text("reached")
    views.get_by_text("Duty").click()
    expect(page.get_by_text("No rota is defined")).to_be_visible()


def test_escalating_and_resolving_by_hand_stand_in_the_timeline(open_page, api_url):
    wanted = incidents(api_url, state="open")[-1]
    page = open_page(f"/on-call?incident={wanted['id']}")

    page.get_by_role("button", name="Escalate now").click()
    expect(page.get_by_text("The next step is told now.")).to_be_visible()
    expect(page.locator(".tl-timeline")).to_contain_text("Escalated by on-call dashboard: step 2")
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator(".tl-timeline")).to_contain_text("Closed by hand by on-call dashboard")
    expect(page.get_by_role("button", name="Resolve")).to_have_count(0)


@pytest.mark.parametrize("roles", [{"executive"}, {"on-call"}])
def test_who_may_not_handle_sees_everything_and_no_button(api_services, ask, roles):
    hop = next(
        one for one in api_services.alerts.page(states=["open", "acknowledged"]).items if one.of_hop
    )

    class Signed:
        open = False

        def principal(self, _: str) -> Principal:
            return Principal(who="ana", roles=frozenset(roles))

    with served(create_api(replace(api_services, gate=Signed()))) as url:
        ask(url)
        pages = []
        for asked in ({}, {"incident": hop.id}):
            app = AppTest.from_string("from dashboards import on_call\non_call.page()")
            app.query_params.update(asked)
            pages.append(app.run(timeout=60))

    assert [len(page.exception) for page in pages] == [0, 0]
    assert all("cases hang on" in text(page) for page in pages)
    buttons = [len(page.button) for page in pages]
    assert all(buttons) if roles == {"on-call"} else not any(buttons)
