"""What a backup refuses, and that a damaged one is found out before anything is touched."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from threadline import settings as settings_module
from threadline.backup import BackupDamaged, BackupRefused, back_up, restore
from threadline.clock import FixedClock
from threadline.model.entries import Entry
from threadline.settings import MIB, Settings
from threadline.store.control import ControlStore
from threadline.store.log import Dropped, Log, LogInUse

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


@pytest.mark.parametrize("step", [0, 8, 16])
def test_a_kill_leaves_a_whole_backup_or_none(
    settings: Settings, entry: Callable[..., Entry], tmp_path: Path, step: int
) -> None:
    log = Log.open(settings.log, CLOCK)
    for number in range(3):
        log.append_blocking(entry(bytes([number]) * MIB))
    log.drop_bodies(1, lambda one: one, Dropped(at=CLOCK.now(), why="it was old"))
    whole = log.read({}, 9 * MIB, 9)
    log.close()

    if (child := os.fork()) == 0:
        _die_at(step)
        back_up(settings, CLOCK, tmp_path / "kept", _silent, who="ops")
        os._exit(0)
    killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])

    elsewhere = settings_module.load(data_dir=tmp_path / "elsewhere")
    assert killed or (tmp_path / "kept").exists()
    if not (tmp_path / "kept").exists():
        with pytest.raises(BackupRefused, match="no backup"):
            restore(elsewhere, CLOCK, tmp_path / "kept", _silent)
        back_up(settings, CLOCK, tmp_path / "kept", _silent, who="ops")
    restore(elsewhere, CLOCK, tmp_path / "kept", _silent)
    log = Log.open(elsewhere.log, CLOCK)
    assert log.read({}, 9 * MIB, 9) == whole
    log.close()


def _die_at(step: int) -> None:
    """At the call of this number that syncs a file or a directory."""
    sync, calls = os.fsync, count()

    def dying(descriptor: int) -> None:
        if next(calls) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        sync(descriptor)

    os.fsync = dying


def test_a_backup_overwrites_nothing(settings: Settings, tmp_path: Path) -> None:
    Log.open(settings.log, CLOCK).close()
    (tmp_path / "kept").mkdir()

    with pytest.raises(BackupRefused, match="exists"):
        back_up(settings, CLOCK, tmp_path / "kept", _silent, who="ops")


def _silent(done: int, total: int) -> None: ...
