"""Keeping what the service holds: backup and restore."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.progress import Progress

from threadline import backup as backups
from threadline import settings as settings_module
from threadline.cli.access import me
from threadline.cli.outcomes import DONE, NO
from threadline.clock import SystemClock

console = Console()
complaints = Console(stderr=True)


def backup(arguments: argparse.Namespace) -> int:
    """The control store and the log, copied while the service runs."""
    settings = settings_module.load(arguments.settings)
    with Progress(console=complaints) as progress:
        task = progress.add_task("copying the log", total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        made = backups.back_up(settings, SystemClock(), arguments.directory, show, who=me())
    size = sum(file.stat().st_size for file in arguments.directory.rglob("*") if file.is_file())
    console.print(
        f"{arguments.directory}: {len(made.files)} files, {size / 1e6:,.1f} MB; it holds everything"
        f" acknowledged before {made.taken_at}",
        markup=False,
        soft_wrap=True,
    )
    return DONE


def restore(arguments: argparse.Namespace) -> int:
    """A backup put into an empty data directory, verified first; a damaged one is the answer no."""
    settings = settings_module.load(arguments.settings)
    with Progress(console=complaints) as progress:
        task = progress.add_task("restoring the log", total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        try:
            manifest = backups.restore(
                settings, SystemClock(), arguments.directory, show, force=arguments.force
            )
        except backups.BackupDamaged as error:
            complaints.print(f"threadline: {error}", markup=False, soft_wrap=True)
            return NO
    console.print(
        f"{settings.data_dir} is what it was at {manifest.taken_at}; the index is derived anew from"
        " the log when the service starts",
        markup=False,
        soft_wrap=True,
    )
    return DONE
