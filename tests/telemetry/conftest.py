"""Every test of the store runs over chDB in this process and over a server by URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import telemetry_server

from threadline.settings import TelemetrySettings
from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.engine import Engine


@pytest.fixture(params=["embedded", "by URL"])
def telemetry(
    request: pytest.FixtureRequest, telemetry_settings: TelemetrySettings
) -> Iterator[Telemetry]:
    """An empty store; gone after the test."""
    with ExitStack() as stack:
        if request.param == "by URL":
            engine = Engine.share(telemetry_settings.dir, telemetry_settings.memory_bytes)
            stack.callback(engine.close)
            url = stack.enter_context(telemetry_server.serving(engine))
            telemetry_settings = telemetry_settings.model_copy(update={"url": url})
        store = Telemetry.open(telemetry_settings)
        stack.callback(store.close)
        yield store
        store.command(f"DROP DATABASE {telemetry_settings.database} SYNC")
