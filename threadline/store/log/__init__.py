"""The log: every input as received, durable before it is acknowledged."""

from threadline.store.log.copying import copies
from threadline.store.log.lock import DirectoryLock, LogInUse
from threadline.store.log.segmented import Log
from threadline.store.log.writer import EntryRefused

__all__ = ["DirectoryLock", "EntryRefused", "Log", "LogInUse", "copies"]
