"""Every test that asks for `control` runs twice: over SQLite and over PostgreSQL."""

from __future__ import annotations

import shutil
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


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database without rows, to be copied: migrating takes ten times as long."""
    file = tmp_path_factory.mktemp("migrated") / "control.sqlite"
    _migrate(ControlSettings(path=file))
    return file


@pytest.fixture(scope="session")
def migrated_schema(postgres: Cluster) -> tuple[str, str]:
    """The same on PostgreSQL, its name and URL: one test after another has it, and is cleared."""
    name, url = postgres.create()
    _migrate(ControlSettings(url=url))
    return name, url


def _migrate(settings: ControlSettings) -> None:
    store = ControlStore.open(settings, FixedClock(NOON))
    store.migrate()
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def control_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ControlSettings]:
    """A database of each kind: without tables, or without rows where `control` is asked for."""
    migrated = "control" in request.fixturenames
    if request.param == "sqlite":
        file = tmp_path / "control.sqlite"
        if migrated:
            shutil.copyfile(request.getfixturevalue("migrated_file"), file)
        yield ControlSettings(path=file)
        return
    running: Cluster = request.getfixturevalue("postgres")
    name, url = request.getfixturevalue("migrated_schema") if migrated else running.create()
    yield ControlSettings(url=url)
    (running.clear if migrated else running.drop)(name)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def control(control_settings: ControlSettings, clock: FixedClock) -> Iterator[ControlStore]:
    """A migrated store."""
    store = ControlStore.open(control_settings, clock)
    store.verify()
    yield store
    store.close()
