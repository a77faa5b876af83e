"""Backups: the control store, then the log, taken while the service runs; and putting them back.

The log comes last, so that nothing the control store speaks of is missing from it. The telemetry
store is left out: it is derived, its cursor lies within it, and a service that finds none derives
it anew from the log.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from threadline.clock import Clock
from threadline.errors import ThreadlineError
from threadline.model.erasures import Erasure
from threadline.settings import Settings
from threadline.store.control import ControlNotMigrated, ControlStore, ControlTooNew
from threadline.store.log import DirectoryLock, copies, shelf
from threadline.store.log.rows import sync_directory
from threadline.store.telemetry import Telemetry

_MANIFEST = "manifest.json"
_FORMAT = 1

Progress = Callable[[int, int], None]


class BackupRefused(ThreadlineError):
    """It would overwrite something, or there is nothing of the kind."""


class BackupDamaged(ThreadlineError):
    """A file is not what was written when the backup was taken."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a backup holds: SHA-256 by file, relative to it. `control_revision` is its schema's."""

    format: int
    threadline: str
    taken_at: str
    control_revision: str
    files: Mapping[str, str]


def back_up(
    settings: Settings, clock: Clock, target: Path, progress: Progress, *, who: str
) -> Manifest:
    """Make the directory `target`: all or nothing, whatever happens meanwhile.

    Everything acknowledged before the call is in it, and in the audit that `who` began it.
    `progress(done, total)` counts segments.
    Raises `BackupRefused` when `target` exists, `LogUnavailable` or `ControlUnavailable`.
    """
    if target.exists():
        raise BackupRefused(f"{target} exists: name a directory that does not")
    if not settings.log.dir.is_dir():
        raise BackupRefused(f"there is no log in {settings.log.dir}: nothing to back up")
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # what a crash left
    for part in ("control", "log"):
        (partial / part).mkdir(parents=True)
    taken_at = clock.now().isoformat()
    control = ControlStore.open(settings.control, clock)
    try:
        revision = control.revision()
        control.audit.record(who, "backup.begun", directory=str(target.absolute()))
        files = list(control.dump(partial / "control"))
        for file in files:
            _sync(file)
    finally:
        control.close()
    total = len(shelf.firsts(settings.log.dir))
    for file in copies(settings.log.dir, partial / "log"):
        files.append(file)
        progress(len({one.stem for one in files if one.parent.name == "log"}), total)
    manifest = Manifest(
        format=_FORMAT,
        threadline=version("threadline"),
        taken_at=taken_at,
        control_revision=revision,
        files={str(file.relative_to(partial)): _digest(file) for file in files},
    )
    (partial / _MANIFEST).write_text(json.dumps(asdict(manifest), indent=2), encoding="utf-8")
    _sync(partial / _MANIFEST)
    for directory in (partial / "control", partial / "log", partial):
        sync_directory(directory)
    partial.rename(target)
    sync_directory(target.absolute().parent)
    return manifest


def restore(
    settings: Settings, clock: Clock, source: Path, progress: Progress, *, force: bool = False
) -> Manifest:
    """Put the backup `source` into the empty stores of `settings`; the service must not run.

    Every digest is verified before anything is touched. With `force`, what the data directory holds
    is deleted first; what was erased there since the backup is erased again at the next start.
    `progress(done, total)` counts files. Raises `BackupDamaged`, `BackupRefused`, `LogInUse`, or
    `NotEmpty` for a PostgreSQL control store with rows, which `force` leaves alone.
    """
    manifest = _read(source)
    for name, digest in manifest.files.items():
        _verify(source / name, digest)
    settings.log.dir.mkdir(parents=True, exist_ok=True)
    lock = DirectoryLock(settings.log.dir, clock)
    try:
        erased = _erased_here(settings, clock)
        _make_room(settings, force=force)
        _restore_control(settings, clock, source / "control", manifest, erased)
        segments = [name for name in manifest.files if name.startswith("log/")]
        for number, name in enumerate(segments, 1):
            file = settings.log.dir / Path(name).name
            shutil.copyfile(source / name, file)
            _sync(file)
            progress(number, len(segments))
        sync_directory(settings.log.dir)
    finally:
        lock.release()
    return manifest


def _erased_here(settings: Settings, clock: Clock) -> Sequence[Erasure]:
    """Erasures that the stores to be replaced know: the backup may be older than they are."""
    if settings.control.url or not settings.control.path.exists():
        return ()
    control = ControlStore.open(settings.control, clock)
    try:
        return control.erasures.all()
    except (ControlNotMigrated, ControlTooNew):
        return ()
    finally:
        control.close()


def _restore_control(
    settings: Settings,
    clock: Clock,
    directory: Path,
    manifest: Manifest,
    erased: Sequence[Erasure],
) -> None:
    control = ControlStore.open(settings.control, clock)
    try:
        revision = control.migrate()
        if revision != manifest.control_revision:
            raise BackupRefused(
                f"the backup's control store is at revision {manifest.control_revision}, this"
                f" Threadline's at {revision}: restore with Threadline {manifest.threadline}, whose"
                " data a later one takes up when it starts"
            )
        control.load(directory)
        known = {one.digest for one in control.erasures.all()}
        again = [replace(one, applied_at=None) for one in erased if one.digest not in known]
        control.erasures.begin(again)
    finally:
        control.close()


def _make_room(settings: Settings, *, force: bool) -> None:
    """Nothing of a former life may be left: an index of another log would speak of it."""
    control = [] if settings.control.url else sorted(_beside(settings.control.path))
    log = sorted(settings.log.dir.glob("[0-9]*"))
    index = [settings.telemetry.dir] if settings.telemetry.dir.exists() else []
    there = [*control, *log, *index]
    if there and not force:
        raise BackupRefused(
            f"{settings.data_dir} is not empty ({there[0].name} is there): restore into an empty"
            " one, or delete what it holds with --force"
        )
    for file in there:
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    if settings.telemetry.url:
        telemetry = Telemetry.open(settings.telemetry)
        telemetry.reset()
        telemetry.close()


def _beside(database: Path) -> list[Path]:
    files = [database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))]
    return [file for file in files if file.exists()]


def _read(source: Path) -> Manifest:
    try:
        told: dict[str, Any] = json.loads((source / _MANIFEST).read_text(encoding="utf-8"))
        manifest = Manifest(**told)
    except (OSError, ValueError, TypeError) as error:
        raise BackupRefused(f"{source} is no backup: its {_MANIFEST} cannot be read") from error
    if manifest.format != _FORMAT:
        raise BackupRefused(f"{source} is of format {manifest.format}; this is {_FORMAT}")
    return manifest


def _verify(file: Path, digest: str) -> None:
    try:
        found = _digest(file)
    except OSError as error:
        raise BackupDamaged(f"{file} cannot be read: {error.strerror}") from error
    if found != digest:
        raise BackupDamaged(f"{file} is damaged: its SHA-256 is not the one in {_MANIFEST}")


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _sync(file: Path) -> None:
    with file.open("rb") as content:
        os.fsync(content.fileno())
