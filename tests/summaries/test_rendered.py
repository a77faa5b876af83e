"""The letter as a phone and a desk see it, in Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from handmade_rows import NOW
from playwright.sync_api import Browser, sync_playwright

from threadline.api import ApiServices
from threadline.mail_sections import SummarySettings
from threadline.summaries.content import gather
from threadline.summaries.drawing import draw
from threadline.summaries.letter import compose

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MONTH = SummarySettings(name="board", window="last-30-days", to=("a@b.example",))
CUT_OFF = """[...document.querySelectorAll('td, div, a, img')]
  .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1).length"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def page(world: ApiServices) -> str:
    content = gather(world, MONTH, NOW)
    risk = content.risks[0]
    case = risk.case.model_copy(update={"stuck_message": "unbroken_" * 30})
    content.risks[0] = risk.model_copy(update={"case": case})
    pictures = draw(content.trends)
    return compose(content, pictures, dashboards="https://t.example", contact="a@b.example").page


@pytest.mark.parametrize("width", [1000, 390])
def test_nothing_is_cut_off(browser, page, width):
    opened = browser.new_page(viewport={"width": width, "height": 900})
    opened.set_content(page)

    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.evaluate(CUT_OFF) == 0
    assert opened.evaluate("[...document.images].every(i => i.naturalWidth > 0)")
    opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(browser, page, scheme):
    opened = browser.new_page(viewport={"width": 390, "height": 900}, color_scheme=scheme)
    opened.set_content(page)

    contrasts = opened.evaluate(CONTRASTS)

    assert len(contrasts) > 50
    assert min(contrasts) >= 4.5  # WCAG 2.2, 1.4.3
    opened.close()


CONTRASTS = """() => {
  const rgb = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = rgb(c).map(v => (v /= 255) <= .03928 ? v / 12.92
    : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { while (e) { const c = getComputedStyle(e).backgroundColor;
    if (rgb(c).length === 3) return c; e = e.parentElement; } return 'rgb(255, 255, 255)'; };
  return [...document.querySelectorAll('td, div, a, span')]
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
    .map(e => { const [a, b] = [light(getComputedStyle(e).color), light(behind(e))];
      return (Math.max(a, b) + .05) / (Math.min(a, b) + .05); });
}"""
