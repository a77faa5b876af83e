"""Every test that asks for `control` runs twice: over SQLite and over PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from postgres_cluster import Cluster, binaries, cluster

from threadline.clock import FixedClock
from threadline.settings import ControlSettings
from threadline.store.control import ControlStore

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL's server programs are not installed")
    with cluster(programs) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def control_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ControlSettings]:
    """An empty database of each kind, without tables."""
    if request.param == "sqlite":
        yield ControlSettings(path=tmp_path / "control.sqlite")
        return
    running: Cluster = request.getfixturevalue("postgres")
    name, url = running.create()
    yield ControlSettings(url=url)
    running.drop(name)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def control(control_settings: ControlSettings, clock: FixedClock) -> Iterator[ControlStore]:
    """A migrated store."""
    store = ControlStore.open(control_settings, clock)
    store.migrate()
    yield store
    store.close()
