"""One process owns a log; a second one is told who does."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

from threadline.clock import Clock
from threadline.errors import ThreadlineError


class LogInUse(ThreadlineError):
    """Another process owns the log."""

    def __init__(self, directory: Path, owner: str) -> None:
        super().__init__(
            f"the log in {directory} is in use by {owner or 'another process'}; stop that one "
            "or set THREADLINE_DATA_DIR to another directory"
        )


class DirectoryLock:
    """Held until released or until the process ends, however it ends."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        """Raises `LogInUse`, or `OSError` when the directory cannot be written."""
        self._descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(self._descriptor, 200).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise LogInUse(directory, owner) from error
        since = clock.now().isoformat(timespec="seconds")
        with contextlib.suppress(OSError):  # on a full disk the lock holds all the same
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, f"process {os.getpid()} since {since}\n".encode())

    def release(self) -> None:
        """Let another process have the log."""
        os.close(self._descriptor)
