"""The API over a handmade world, asked over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import handmade_world
import httpx
import pytest
from handmade_services import served, services

from threadline.api import ApiServices, create_api
from threadline.settings import ControlSettings, TelemetrySettings
from threadline.store.control import ControlStore
from threadline.store.telemetry import Telemetry


@pytest.fixture(scope="module")
def world(telemetry_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServices]:
    """One for all tests of a file: nothing here writes but what tests do to incidents."""
    settings = TelemetrySettings(dir=telemetry_dir, database="api_world", durable=False)
    telemetry = Telemetry.open(settings)
    handmade_world.fill(telemetry)
    with services(telemetry, tmp_path_factory.mktemp("api")) as given:
        yield given
    telemetry.command("DROP DATABASE api_world SYNC")
    telemetry.close()


@pytest.fixture(scope="module")
def api(world: ApiServices) -> Iterator[httpx.Client]:
    yield from _asking(world)


@pytest.fixture(scope="module")
def control(world: ApiServices) -> Iterator[ControlStore]:
    """A second connection to the control store behind `world`."""
    settings = ControlSettings(path=Path(world.audit._transactions._engine.url.database))
    store = ControlStore.open(settings, world.clock)
    yield store
    store.close()


@pytest.fixture
def empty_api(telemetry: Telemetry, tmp_path: Path) -> Iterator[httpx.Client]:
    """An installation that has received nothing."""
    with services(telemetry, tmp_path) as given:
        yield from _asking(given)


@pytest.fixture
def closed_api(world: ApiServices, telemetry_settings: TelemetrySettings) -> Iterator[httpx.Client]:
    """An API whose index does not answer."""
    telemetry = Telemetry.open(telemetry_settings)
    telemetry.command(f"DROP DATABASE {telemetry_settings.database} SYNC")
    telemetry.close()
    yield from _asking(replace(world, telemetry=telemetry))


def _asking(given: ApiServices) -> Iterator[httpx.Client]:
    with served(create_api(given)) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client
