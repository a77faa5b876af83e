"""What a backup refuses, and that a damaged one is found out before anything is touched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from threadline import settings as settings_module
from threadline.backup import BackupDamaged, BackupRefused, back_up, restore
from threadline.clock import FixedClock
from threadline.model.entries import Entry
from threadline.settings import MIB, Settings
from threadline.store.control import ControlStore
from threadline.store.log import Log, LogInUse

CLOCK = FixedClock(datetime(2026, 3, 2, 9, 30, tzinfo=UTC))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = settings_module.load(data_dir=tmp_path / "data", log={"segment_bytes": MIB})
    control = ControlStore.open(settings.control, CLOCK)
    control.migrate()
    control.close()
    return settings


def test_a_backup_of_an_open_log_holds_all_its_segments(
    settings: Settings, entry: Callable[..., Entry], tmp_path: Path
) -> None:
    log = Log.open(settings.log, CLOCK)
    bodies = [bytes([number]) * MIB for number in range(3)]
    for body in bodies:
        log.append_blocking(entry(body))

    back_up(settings, CLOCK, tmp_path / "kept", _silent, who="ops")

    log.append_blocking(entry(b"later"))
    with pytest.raises(LogInUse):
        restore(settings, CLOCK, tmp_path / "kept", _silent, force=True)
    log.close()
    restore(settings, CLOCK, tmp_path / "kept", _silent, force=True)
    log = Log.open(settings.log, CLOCK)
    assert [one.entry.body for one in log.read({}, 9 * MIB, 9)] == bodies
    log.close()


def test_a_damaged_backup_touches_nothing(
    settings: Settings, entry: Callable[..., Entry], tmp_path: Path
) -> None:
    log = Log.open(settings.log, CLOCK)
    log.append_blocking(entry(b"kept"))
    back_up(settings, CLOCK, tmp_path / "kept", _silent, who="ops")
    log.close()
    segment = next((tmp_path / "kept" / "log").iterdir())
    content = bytearray(segment.read_bytes())
    content[-1] ^= 1
    segment.write_bytes(content)

    with pytest.raises(BackupDamaged, match=segment.name):
        restore(settings, CLOCK, tmp_path / "kept", _silent, force=True)

    log = Log.open(settings.log, CLOCK)
    assert [one.entry.body for one in log.read({}, 100, 9)] == [b"kept"]
    log.close()


def test_a_backup_overwrites_nothing(settings: Settings, tmp_path: Path) -> None:
    Log.open(settings.log, CLOCK).close()
    (tmp_path / "kept").mkdir()

    with pytest.raises(BackupRefused, match="exists"):
        back_up(settings, CLOCK, tmp_path / "kept", _silent, who="ops")


def _silent(done: int, total: int) -> None: ...
