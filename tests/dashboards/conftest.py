"""The dashboards as a person meets them: Chromium over Streamlit over the API over real stores."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import handmade_world
import pytest
from handmade_failures import failure, frame
from handmade_rows import NOW
from handmade_services import served, services
from playwright.sync_api import Browser, Page, expect, sync_playwright
from streamlit_pages import PATIENCE, patient
from streamlit_process import dashboards

from metrics.kpis import packed, unpacked
from threadline.api import ApiServices, closing, create_api
from threadline.settings import TelemetrySettings
from threadline.store.telemetry import Telemetry

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WIDE = 1400  # pixels

Open = Callable[..., Page]


@pytest.fixture(scope="module")  # a sync browser owns the thread's event loop
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def api_services(
    telemetry_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ApiServices]:
    """The handmade world behind the API; its ERP has just not answered three contracts."""
    settings = TelemetrySettings(dir=telemetry_dir, database="dashboards_world", durable=False)
    telemetry = Telemetry.open(settings)
    handmade_world.fill(telemetry)
    away = frame(failure(f"C-10030{one}", NOW - timedelta(minutes=one)) for one in range(1, 4))
    with services(telemetry, tmp_path_factory.mktemp("dashboards"), away) as given:
        yield given
    telemetry.command("DROP DATABASE dashboards_world SYNC")
    telemetry.close()


@pytest.fixture(scope="module")
def api_url(api_services: ApiServices) -> Iterator[str]:
    """The API over the handmade world."""
    with served(create_api(api_services)) as url:
        yield url


@pytest.fixture
def closed_twice(api_services: ApiServices) -> None:
    """February: as it is known, and a revision as if one kept promise had not been known."""
    now = api_services.clock
    declared = SimpleNamespace(definitions=api_services.definitions, mapping=api_services.mapping)
    known = SimpleNamespace(**vars(api_services) | {"derivation": declared, "clock": now})
    taking = replace(api_services, view=lambda _: known)
    first = closing.take(taking, "2026-02", now.now(), who="ana", note="", again=False)
    kpis = []
    for kpi in api_services.closes.kpis(first.number):
        rows = unpacked(api_services.closes.population(first.number, kpi.kpi))
        if kpi.kpi == "sla-attainment":
            met = rows.filter(standing="met").head(1)
            rows = rows.join(met, on="subject", how="anti")
            whole = replace(kpi.figures[0], value=Decimal("0.999"), n=rows.height)
            kpi = replace(kpi, figures=(whole, *kpi.figures[1:]))  # noqa: PLW2901  frozen
        kpis.append(replace(kpi, population=packed(rows)))
    api_services.closes.take(replace(first, note="too soon"), kpis, again=True)


@pytest.fixture
def empty_api_url(telemetry: Telemetry, tmp_path: Path) -> Iterator[str]:
    """The API of an installation that has received nothing."""
    with services(telemetry, tmp_path) as given, served(create_api(given)) as url:
        yield url


@pytest.fixture(scope="module")
def dashboards_url(browser: Browser, api_url: str) -> Iterator[str]:
    with dashboards(api_url) as url:
        yield url


@pytest.fixture
def open_page(browser: Browser, dashboards_url: str) -> Iterator[Open]:
    """Opens a path at a width; afterwards: nothing was asked of any other machine."""
    strangers: list[str] = []
    with _opening(browser, dashboards_url, strangers) as opening:
        yield opening
    assert strangers == []


@contextmanager
def _opening(browser: Browser, url: str, strangers: list[str]) -> Iterator[Open]:
    pages: list[Page] = []

    def opening(path: str, width: int = WIDE) -> Page:
        page = patient(browser.new_page(viewport={"width": width, "height": 900}))
        page.on("request", lambda request: _note_stranger(request.url, strangers))
        page.goto(url + path)
        pages.append(page)
        return page

    yield opening
    for page in pages:
        page.close()


def _note_stranger(url: str, strangers: list[str]) -> None:
    if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
        strangers.append(url)
