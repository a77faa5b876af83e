"""Every page in a real browser: what it says, where its links lead, and that it fits."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from streamlit_pages import fits, patient, settled
from streamlit_process import dashboards

from threadline.wire import phrases

WIDE, PHONE = 1400, 400  # pixels
PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


def picture(page: Page, name: str, height: int) -> None:
    """Keep a picture for the documentation, when asked for one."""
    if os.environ.get("THREADLINE_PICTURES") == "1":
        page.set_viewport_size({"width": WIDE, "height": height})
        page.wait_for_load_state("networkidle")
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png")


def test_the_executive_sees_the_verdict_and_every_kpi_and_opens_one_down_to_a_contract(open_page):
    page = open_page("/")

    expect(page.locator(".tl-verdict")).to_contain_text("Off target: Revenue leakage")
    expect(page.locator(".tl-tile")).to_have_count(23)
    attainment = page.locator(".tl-tile", has_text="SLA attainment")
    expect(attainment).to_contain_text("88.2 %")
    expect(attainment).to_contain_text("off target")
    expect(attainment).to_contain_text("Target: at least 90 %")
    expect(attainment).to_contain_text("worse than 100 % before")
    settled(page)
    expect(page.locator("[data-testid=stVegaLiteChart] .marks").first).to_be_visible()
    picture(page, "executive", 1330)

    attainment.get_by_role("link", name="See the 17 cases behind it").click()
    expect(page.get_by_role("heading", name="SLA attainment")).to_be_visible()
    expect(page.locator(".tl-table").last.locator("tbody tr")).to_have_count(17)

    expect(page.get_by_role("heading", name="What moved it, by region")).to_be_visible()
    expect(page.get_by_text("−11.8 points since the window before, which is worse")).to_be_visible()
    page.get_by_role("link", name="emea").click()
    expect(page.get_by_role("heading", name="The cases behind it: emea")).to_be_visible()
    expect(page.locator(".tl-table").last.locator("tbody tr")).to_have_count(7)

    page.get_by_role("link", name="C-100234").click()
    expect(page.get_by_role("heading", name="Contract C-100234")).to_be_visible()


def test_another_window_gives_other_numbers_and_can_be_linked_to(open_page):
    page = open_page("/?window=last-7-days")
    expect(page.locator(".tl-tile", has_text="Failed project set-ups")).to_contain_text("See the")
    week = page.locator(".tl-tile", has_text="SLA attainment").inner_text()

    page.get_by_role("combobox", name="Window").click()
    page.get_by_role("option", name="Last 90 days").click()
    page.wait_for_url("**/?window=last-90-days")
    expect(page.get_by_text("Over the last 90 days")).to_be_visible()
    settled(page)

    assert page.locator(".tl-tile", has_text="SLA attainment").inner_text() != week


def test_a_journey_is_shown_as_defined_and_as_it_went_and_every_number_opens(open_page):
    page = open_page("/journeys?window=last-90-days")
    step = page.locator(".tl-step", has_text="Billing schedule")
    expect(step).to_contain_text("3 waiting")
    expect(page.locator("[data-testid=stGraphVizChart] svg .edge").first).to_be_visible()
    failure = page.locator(".tl-table").first.locator("tbody tr").first
    expect(failure).to_contain_text("a failure")
    expect(page.get_by_text("Read with care, of the cases")).to_contain_text("ahead")
    fits(page)

    picture(page, "journey", 1680)

    late = step.get_by_role("link", name="late")
    count = int("".join(filter(str.isdigit, late.inner_text())))
    late.click()
    expect(page.get_by_role("heading", name="Waiting for “")).to_contain_text("late; started over")
    expect(page.locator(".tl-table tbody tr")).to_have_count(count)
    page.get_by_role("link", name="Back to the whole journey").click()

    page.locator("[data-testid=stGraphVizChart] svg .edge a").first.click()
    expect(page.get_by_role("heading", name="directly after")).to_be_visible()
    page.locator(".tl-table tbody a").first.click()
    expect(page.get_by_role("heading", name="Contract C-")).to_be_visible()


def test_support_sees_where_it_is_stuck_since_when_why_whose_and_what_next(open_page):
    page = open_page("/contract?id=P-417")

    box = page.locator(".tl-box")
    expect(box).to_contain_text("Stuck at “ERP project created”")
    expect(box).to_contain_text("14 Mar 2026 09:12 UTC (6 d 2 h)")
    expect(box).to_contain_text("Cost centre 4711 is closed for posting")
    expect(box).to_contain_text("ERP finance support")
    expect(box).to_contain_text("replay the project request")
    expect(page.locator("[data-testid=stVegaLiteChart] .marks").first).to_be_visible()
    settled(page)
    for words in ("Identifiers, and the evidence", "PRJ-88", "same as project:erp:P-417",
                  "shared with other contracts", "erp is the system of record",
                  "is past its deadline"):  # fmt: skip
        expect(page.get_by_text(words).first).to_be_visible()
    picture(page, "thread", 1250)


def test_a_contract_is_found_by_typing_any_id(open_page):
    page = open_page("/contract")
    page.get_by_label("Find a contract by any id").fill("po-5501")
    page.get_by_role("button", name="Find").click()

    expect(page.get_by_role("heading", name="Contract C-100234")).to_be_visible()


@pytest.mark.parametrize(
    ("asked", "words", "links"),
    [
        ("c-10024", "These contain it", {"C-100240", "C-100241", "C-100242"}),
        (
            "0af7651916cd43dd8448eb211c80319c",
            "means more than one contract",
            {"C-100234", "C-100240"},
        ),
    ],
)
def test_what_may_mean_several_contracts_offers_them(open_page, asked, words, links):
    page = open_page(f"/contract?id={asked}")

    expect(page.get_by_text(words)).to_be_visible()
    expect(page.locator(".tl-table tbody a")).to_have_count(len(links))
    assert set(page.locator(".tl-table tbody a").all_inner_texts()) == links


def test_an_id_nobody_knows_is_said_in_a_sentence(open_page):
    page = open_page("/contract?id=<b>C-9</b>")

    expect(page.get_by_text("Nothing is known by the identifier '<b>C-9</b>'.")).to_be_visible()


def test_leakage_leads_to_the_copy_and_to_what_each_system_says(open_page):
    page = open_page("/kpi?kpi=revenue-leakage&currency=EUR")

    row = page.locator(".tl-table").last.locator("tbody tr")
    expect(row).to_contain_text("Contract value in erp has differed for 3 d")
    row.get_by_role("link", name="C-100234").click()

    heading = page.get_by_role("heading", name="Attributes: the master and its copies")
    expect(heading).to_be_visible()
    apart = page.locator("tr", has_text="erp says EUR 450000.00")
    expect(apart).to_contain_text("differs")
    expect(apart).to_contain_text("3 d, 2 d longer than it may")
    expect(apart).to_contain_text("EUR 30 k")
    expect(page.locator("tr", has_text="crm a copy")).to_contain_text("never told one: unknown")


@pytest.mark.parametrize("width", [WIDE, PHONE])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/contract?id=C-100234",
        "/on-call",
        "/identity",
        "/journeys",
        "/kpi?kpi=activation-cycle-time",
    ],
)
def test_every_page_fits_the_screen(open_page, path, width):
    page = open_page(path, width)
    page.wait_for_selector(".tl-quiet-text, .tl-facts")

    fits(page)


def test_an_empty_installation_explains_how_to_send_the_first_trace(browser, empty_api_url):
    with dashboards(empty_api_url) as url:
        page = patient(browser.new_page())
        page.goto(url)

        expect(page.get_by_text("Nothing has arrived yet")).to_be_visible()
        expect(page.get_by_text("/v1/events")).to_be_visible()
        expect(page.get_by_text("OTEL_EXPORTER_OTLP_ENDPOINT")).to_be_visible()
        fits(page)
        page.close()


def test_an_api_that_is_down_is_said_and_not_shown_as_a_traceback(browser):
    with dashboards("http://127.0.0.1:9") as url:
        for path in ("/", "/contract?id=C-1", "/on-call"):
            page = patient(browser.new_page())
            page.goto(url + path)
            expect(page.get_by_text("Threadline's API does not answer").first).to_be_visible()
            fits(page)
            page.close()


def test_a_contradiction_is_ruled_on_with_a_reason_and_the_ruling_is_kept(open_page, api_url):
    page = open_page("/identity")
    expect(page.get_by_text("Why it does not hold").first).to_be_visible()
    page.get_by_role("button", name="It holds").first.click()
    expect(page.get_by_text("Say why first")).to_be_visible()

    page.get_by_label("Your name").fill("ana")
    page.get_by_label("Why").fill("seen on paper")
    page.get_by_label("Why").press("Enter")
    page.get_by_role("button", name="It holds").first.click()

    expect(page.get_by_text("Ruled; it takes effect")).to_be_visible()
    (made,) = httpx.get(f"{api_url}/api/v1/rulings").json()["items"]
    assert (made["who"], made["act"], made["why"]) == ("ana", "assert", "seen on paper")
    page.get_by_role("tab", name="Rulings").click()
    expect(page.get_by_text("ruled that it holds")).to_be_visible()


def test_an_identifier_on_the_contract_page_opens_its_evidence(open_page):
    page = open_page("/contract?id=C-100234")
    page.get_by_role("link", name="P-417").first.click()

    expect(page.get_by_role("heading", name="project:erp:P-417")).to_be_visible()
    expect(page.get_by_text("belongs to", exact=False).first).to_be_visible()
    fits(page)


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_all_copies_that_differ_are_counted_filtered_and_lead_to_their_contract(open_page, width):
    page = open_page("/mismatches", width)
    expect(page.get_by_role("heading", name="Masters and copies")).to_be_visible()
    listed = page.locator(".tl-table").last.locator("tbody tr")
    expect(listed).to_have_count(4)
    fits(page)

    page.locator(".tl-table").first.get_by_role("link", name="billing", exact=True).first.click()
    expect(listed).to_have_count(1)
    expect(listed).to_contain_text("EUR 10 k")
    listed.get_by_role("link", name="C-100234").click()
    expect(page.get_by_role("heading", name="Contract C-100234")).to_be_visible()


def test_the_orphan_share_opens_to_the_orphans(open_page):
    page = open_page("/")
    page.get_by_text("Integrations:").click()  # folded away until asked for
    tile = page.locator(".tl-tile", has_text="Orphan share")
    tile.get_by_role("link", name="See the fact behind it").click()
    expect(page.get_by_role("heading", name="The facts behind it")).to_be_visible()
    expect(page.get_by_role("link", name="project:erp:P-00999")).to_be_visible()
    fits(page)


def test_a_fix_is_judged_before_and_after_and_the_cases_of_each_side_are_there(open_page, api_url):
    page = open_page("/comparison?kpi=sla-attainment&at=2026-03-08T00:00:00%2B00:00")

    asked = {"at": "2026-03-08T00:00:00Z"}
    found = httpx.get(f"{api_url}/api/v1/kpis/sla-attainment/comparison", params=asked).json()
    expect(page.locator(".tl-box")).to_contain_text(found["words"])
    sides = page.locator(".tl-table").first.locator("tbody tr")
    for row, side in enumerate(("before", "after")):
        expect(sides.nth(row)).to_contain_text(phrases.quantity(found[side]["value"], "ratio"))
    page.get_by_role("tab", name="After").click()
    after = page.locator("[role=tabpanel]:visible tbody tr")
    expect(after).to_have_count(found["after"]["n"])
    fits(page)
    page.set_viewport_size({"width": PHONE, "height": 900})
    fits(page)


@pytest.mark.usefixtures("closed_twice")
def test_a_closed_month_stands_beside_what_is_known_of_it_and_opens_to_what_differs(open_page):
    page = open_page("/closes")

    expect(page.locator(".tl-verdict")).to_contain_text("2026-02, revision 2, closed by ana")
    expect(page.get_by_text("“too soon”")).to_be_visible()
    expect(page.get_by_text("1 KPI is restated.")).to_be_visible()
    attainment = page.locator("tr", has_text="SLA attainment")
    expect(attainment).to_contain_text("99.9 %")
    expect(attainment).to_contain_text("1 entered")
    fits(page)

    attainment.get_by_role("link", name="SLA attainment").click()
    case = page.locator(".tl-box").last
    expect(case).to_contain_text("counts now: not counted → met")
    expect(case).to_contain_text("Nothing told since concerns it.")
    fits(page)
    page.get_by_role("link", name="All figures of 2026-02").click()
    page.get_by_role("link", name="2026-02").last.click()
    expect(page.get_by_text("Nothing is restated.")).to_be_visible()
