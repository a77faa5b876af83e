"""Alembic, driven from inside a transaction that the caller owns."""

from __future__ import annotations

import functools
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from threadline.store.control.errors import ControlNotMigrated, ControlTooNew

_SCRIPTS = Path(__file__).with_name("migrations")


def upgrade(connection: Connection, where: str) -> str:
    """Run what is missing on `connection`; the revision reached. Nothing missing changes nothing.

    Raises `ControlTooNew` when the tables are of a revision this Threadline does not know.
    """
    scripts = _scripts()
    found = _refuse_newer(connection, where, scripts)
    head = _head(scripts)
    if found != head:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return head


def verify(connection: Connection, where: str) -> None:
    """Raise `ControlNotMigrated` or `ControlTooNew` unless the tables are this Threadline's."""
    scripts = _scripts()
    found = _refuse_newer(connection, where, scripts)
    if found != _head(scripts):
        raise ControlNotMigrated(where, found, _head(scripts))


def head() -> str:
    """The revision that this Threadline's tables have."""
    return _head(_scripts())


def _refuse_newer(connection: Connection, where: str, scripts: ScriptDirectory) -> str:
    found = MigrationContext.configure(connection).get_current_revision() or ""
    known = {script.revision for script in scripts.walk_revisions()}
    if found and found not in known:
        raise ControlTooNew(where, found)
    return found


def _config() -> Config:
    config = Config()
    # The path is no interpolation pattern, but Alembic's parser would take it for one.
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config


@functools.cache  # reading them takes longer than asking the database, and each `verify` needs them
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _head(scripts: ScriptDirectory) -> str:
    head = scripts.get_current_head()
    if head is None:
        raise AssertionError(f"{_SCRIPTS} holds no migration")
    return head
