"""Migrating the control store."""

from __future__ import annotations

import subprocess
import sys

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text

from threadline.clock import FixedClock
from threadline.settings import ControlSettings
from threadline.store.control import (
    ControlNotMigrated,
    ControlStore,
    ControlTooNew,
    ControlUnavailable,
    migration,
)
from threadline.store.control.engine import connect
from threadline.store.control.schema import metadata

HEAD = "0009"


@pytest.fixture
def engine(control_settings: ControlSettings):
    engine = connect(control_settings)
    yield engine
    engine.dispose()


def test_migrations_make_exactly_the_declared_tables(control: ControlStore, engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_again_changes_nothing(control: ControlStore, clock: FixedClock) -> None:
    control.definitions.activate("journey", {"a": {"x": 1}})
    assert control.migrate() == control.migrate()
    assert set(control.definitions.active("journey")) == {"a"}


def test_a_database_without_tables_says_what_to_do(
    control_settings: ControlSettings, clock: FixedClock
) -> None:
    store = ControlStore.open(control_settings, clock)
    with pytest.raises(ControlNotMigrated, match="run `threadline migrate`"):
        store.incidents.live()
    store.migrate()
    assert store.incidents.live() == []
    store.close()


def test_a_database_of_a_newer_threadline_is_left_alone(
    control_settings: ControlSettings, engine: Engine, clock: FixedClock
) -> None:
    now = ControlStore.open(control_settings, clock)
    now.migrate()
    now.close()
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    later = ControlStore.open(control_settings, clock)
    with pytest.raises(ControlTooNew, match="9999"):
        later.verify()
    with pytest.raises(ControlTooNew, match="9999"):
        later.migrate()
    later.close()


_MIGRATE = """
import sys
from pathlib import Path
from threadline.clock import SystemClock
from threadline.settings import ControlSettings
from threadline.store.control import ControlStore
settings = ControlSettings.model_validate_json(sys.argv[1])
store = ControlStore.open(settings, SystemClock())
print("ready", flush=True)
sys.stdin.readline()
print(store.migrate())
store.close()
"""


def test_several_processes_may_migrate_at_once(
    control_settings: ControlSettings, clock: FixedClock
) -> None:
    command = [sys.executable, "-c", _MIGRATE, control_settings.model_dump_json()]
    started = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    for process in started:
        assert process.stdout.readline() == b"ready\n"
    for process in started:
        process.stdin.write(b"go\n")
        process.stdin.flush()
    outcomes = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], outcomes
    assert {out.strip() for out, _ in outcomes} == {HEAD.encode()}
    store = ControlStore.open(control_settings, clock)
    store.verify()
    store.close()


def test_a_migration_that_dies_leaves_the_tables_as_they_were(
    control_settings: ControlSettings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ControlStore.open(control_settings, clock)

    upgrade = command.upgrade

    def upgrade_and_die(config: Config, revision: str) -> None:
        upgrade(config, revision)
        raise RuntimeError("killed before the commit")

    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", upgrade_and_die)
        with pytest.raises(RuntimeError):
            store.migrate()
    with pytest.raises(ControlNotMigrated, match="has no tables yet"):
        store.verify()
    assert store.migrate() == HEAD
    store.close()


@pytest.mark.parametrize("table", ["definition_versions", "rulings", "incident_events", "audit"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_the_database_itself_keeps_records_append_only(
    control: ControlStore, engine: Engine, table: str, statement: str, filled: None
) -> None:
    with (
        pytest.raises(Exception, match=f"{table} is append only"),
        engine.connect().execution_options(writes=True) as connection,
        connection.begin(),
    ):
        connection.execute(text(statement.format(table)))


def test_a_file_that_is_no_database_is_unavailable(tmp_path, clock: FixedClock) -> None:
    (tmp_path / "control.sqlite").write_bytes(b"this is no database, whatever its name" * 50)
    store = ControlStore.open(ControlSettings(path=tmp_path / "control.sqlite"), clock)
    with pytest.raises(ControlUnavailable, match="not a database"):
        store.verify()
    store.close()


def test_a_server_that_is_away_is_unavailable_and_its_password_is_not_told(
    tmp_path, clock: FixedClock
) -> None:
    url = f"postgresql://threadline:open-sesame@/x?host={tmp_path}"
    store = ControlStore.open(ControlSettings(url=url), clock)
    with pytest.raises(ControlUnavailable) as caught:
        store.incidents.live()
    assert "open-sesame" not in str(caught.value)
    store.close()


def test_incidents_of_an_earlier_threadline_keep_what_they_were(
    control_settings: ControlSettings, engine: Engine, clock: FixedClock
) -> None:
    store = ControlStore.open(control_settings, clock)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        config = migration._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        row = dict.fromkeys(("journey", "case_id", "root_id", "policy", "step", "currency"), "")
        row |= {"id": "1", "promise": "case", "criticality": "revenue", "severity": "breach"}
        row |= {"state": "open", "reason": "opened", "assignee": "", "acknowledged_by": ""}
        row |= {"opened_at": "2026-03-02 12:00:00.000000", "deadline": "2026-03-02 12:00:00.000000"}
        row |= {"episode": 1, "steps_notified": 1, "version": 3}
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        connection.execute(text(f"INSERT INTO incidents ({names}) VALUES ({values})"), row)
    assert store.migrate() == HEAD
    (kept,) = store.incidents.live()
    assert (kept.id, kept.version, kept.cases, kept.worth) == ("1", 3, 1, {})
    store.close()
