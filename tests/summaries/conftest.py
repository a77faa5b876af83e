"""The handmade world behind the summaries, and letters that are sent over real SMTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import handmade_world
import pytest
from handmade_services import services
from mail_server import MailServer, mail_server

from threadline.api import ApiServices
from threadline.settings import TelemetrySettings
from threadline.store.telemetry import Telemetry


@pytest.fixture(scope="module")
def world(telemetry_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServices]:
    """One for all tests of a file; nothing here writes to it."""
    settings = TelemetrySettings(dir=telemetry_dir, database="summaries_world", durable=False)
    telemetry = Telemetry.open(settings)
    handmade_world.fill(telemetry)
    with services(telemetry, tmp_path_factory.mktemp("summaries")) as given:
        yield given
    telemetry.command("DROP DATABASE summaries_world SYNC")
    telemetry.close()


@pytest.fixture
def post() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server
