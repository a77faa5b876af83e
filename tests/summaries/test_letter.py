"""What a letter says: the figures of the executive page, and nothing good that is not known."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from html import unescape

import pytest
from handmade_rows import NOW

from metrics.kpis import FirmCalendar
from threadline.api import ApiServices, kpis
from threadline.api.asked import Asked
from threadline.mail_sections import SummarySettings
from threadline.model.people import Principal
from threadline.summaries import content as contents
from threadline.summaries.drawing import draw
from threadline.summaries.letter import Letter, compose
from threadline.wire import phrases
from threadline.wire.summaries import SummaryContent

MONTH = SummarySettings(name="board", every="weekly", window="last-30-days", to=("a@b.example",))
PNG = b"\x89PNG\r\n\x1a\n"
ADDRESS = "https://threadline.example"


@pytest.fixture(scope="module")
def content(world: ApiServices) -> SummaryContent:
    return contents.gather(world, MONTH, NOW)


def letter(told: SummaryContent, pictures: tuple[bytes, ...] = ()) -> Letter:
    return compose(told, pictures, dashboards=ADDRESS, contact="reports@example.com")


def seen(html: str) -> str:
    """What a reader sees of the body, on one line."""
    body = re.sub(r"<style>.*?</style>", " ", html.partition("</head>")[2] or html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_the_figures_are_those_of_the_executive_page(world, content):
    page = kpis.kpis(world, Asked(world, name="last-30-days"))

    assert [(kpi.kpi, kpi.value, kpi.state, kpi.previous) for kpi in content.page.items] == [
        (kpi.kpi, kpi.value, kpi.state, kpi.previous) for kpi in page.items
    ]
    text = letter(content).text
    for kpi in page.items:
        line = next(line for line in text.splitlines() if f" {kpi.title}: " in line)
        assert f"{phrases.kpi_value(kpi)}, {phrases.KPI[kpi.state]}" in line


def test_text_and_html_say_the_same(content):
    one = letter(content)
    html = seen(one.html)

    for kpi in content.page.items:
        for said in (kpi.title, phrases.kpi_value(kpi), phrases.KPI[kpi.state]):
            assert said in html
            assert said in one.text
    for risk in content.risks:
        assert risk.case.number in html
        assert risk.case.number in one.text
    assert content.trends[0].kpi.title in html
    assert "To stop getting this summary, write to reports@example.com." in html
    assert "To stop getting this summary, write to reports@example.com." in one.text


def test_the_subject_is_the_verdict_in_a_line(content):
    said = letter(content).subject
    off = sum(kpi.state == "breached" for kpi in content.page.items)

    assert re.match(rf"{off} of \d+ KPIs off target, EUR [\d.]+ k at risk — ", said)
    assert "\n" not in said


@pytest.mark.parametrize(
    ("states", "said"),
    [
        (["breached", "ok", "unknown"], "1 of 2 KPIs off target"),
        (["warning", "ok"], "1 of 2 KPIs near the limit"),
        (["ok", "ok"], "2 of 2 KPIs on target"),
        (["ok", "too_few"], "1 of 2 KPIs on target, 1 cannot be judged"),
        (["unknown", "too_few"], "Too little evidence to judge"),
    ],
)
def test_what_cannot_be_judged_is_not_counted_as_good(content, states, said):
    some = content.page.items[: len(states)]
    items = [
        kpi.model_copy(update={"state": state, "kpi": "any"})
        for kpi, state in zip(some, states, strict=True)
    ]
    page = content.page.model_copy(update={"items": items})

    assert letter(content.model_copy(update={"page": page})).subject.startswith(f"{said} — ")


def test_a_source_that_is_silent_says_of_when_its_figures_are(world):
    silent = replace(world, silent_systems=lambda _: ("erp",))

    told = contents.gather(silent, MONTH, NOW)

    rows = [row for row in told.silent if "erp" in row.systems]
    assert rows
    note = (
        f"are as of {phrases.instant(rows[0].last_received_at)}: {rows[0].source} has been silent"
    )
    assert note in letter(told).text
    assert note in seen(letter(told).html)


def test_the_contracts_most_at_risk_are_those_behind_the_value_at_risk_once_each(world, content):
    asked = Asked(world, name="last-30-days")
    behind = kpis.kpi_cases(world, asked, "value-at-risk", limit=500).items

    numbers = [risk.case.number for risk in content.risks]
    assert numbers == list(dict.fromkeys(row.number for row in behind))[:10]
    first = content.risks[0].case
    text = letter(content).text
    assert f"{ADDRESS}/contract?id=contract%3Aclm%3A{first.number}" in text
    assert f"owner {first.owner}" in text
    assert phrases.since(first.current_since, NOW) in text


def test_strangers_words_stay_words(content):
    risk = content.risks[0]
    case = risk.case.model_copy(
        update={
            "number": "<img src=x onerror=alert(1)>",
            "stuck_message": "</td><script>x</script>",
        }
    )
    hostile = content.model_copy(
        update={"risks": [risk.model_copy(update={"case": case, "journey": "<b>J</b>"})]}
    )

    html = letter(hostile).html

    assert "<script" not in html
    assert "<img src=x" not in html
    assert "<b>J" not in html
    assert "&lt;script&gt;x" in html


def test_a_letter_needs_nothing_from_elsewhere_and_stays_small(content):
    html = letter(content, (PNG,)).html

    assert len(html.encode()) < 100_000
    assert set(re.findall(r'src="([^":]+):', html)) == {"cid"}
    assert not re.search(r"<script|<link|@import|url\(", html)


def test_each_trend_becomes_a_picture_and_without_pictures_its_points_are_said(content):
    drawn = draw(content.trends)
    one = letter(content, drawn)

    assert len(drawn) == len(content.trends) == 3
    for png in drawn:
        width, height = struct.unpack(">II", png[16:24])
        assert png.startswith(PNG)
        assert width > 800
        assert height > 300
    assert [f"cid:{name}" in one.html for name in one.images] == [True] * 3
    assert "data:image/png;base64," in one.page
    without = letter(content)
    assert "cid:" not in without.html
    assert one.text == without.text


def test_what_an_executive_may_not_see_is_not_in_the_mail(world):
    roles = frozenset({"executive"})
    blind = replace(
        world,
        redact={"executive": ("message", "region", "contract.region")},
        asker=Principal(who="threadline", roles=roles),
    )

    open_told, told = contents.gather(world, MONTH, NOW), contents.gather(blind, MONTH, NOW)

    message = next(r.case.stuck_message for r in open_told.risks if r.case.stuck_message)
    assert message in letter(open_told).text
    assert message not in letter(told).text
    assert {change.moved.by for change in told.changes}.isdisjoint({"region"})
    assert not any(region in letter(told).text for region in ("EMEA", "APAC", "AMER"))


def test_days_are_those_of_the_firm(world):
    away = replace(world, calendar=FirmCalendar(clock="Pacific/Auckland"))
    weekly = SummarySettings(name="board", every="weekly", to=("a@b.example",))

    told = contents.gather(away, weekly, NOW)

    assert told.period == "week to 15 Mar"
    days = letter(told).text.split("HOW IT WENT")[1].splitlines()[2].split(", ")
    assert days[-1].strip().startswith("9 Mar ")


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ("last-day", "Thursday 19 Mar"),
        ("last-week", "week to 15 Mar"),
        ("last-month", "February 2026"),
        ("last-quarter", "1 Oct to 31 Dec 2025"),
    ],
)
def test_a_window_is_said_in_the_words_of_people(window, said):
    period = FirmCalendar().named(window, NOW)

    assert contents.period(window, period.window, "UTC") == said
