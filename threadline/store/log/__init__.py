"""The log: every input as received, durable before it is acknowledged."""

from threadline.store.log.copying import copies
from threadline.store.log.lock import DirectoryLock, LogInUse
from threadline.store.log.rows import NEVER
from threadline.store.log.segmented import Log, Segment
from threadline.store.log.shelf import Dropped
from threadline.store.log.writer import EntryRefused

__all__ = [
    "NEVER",
    "DirectoryLock",
    "Dropped",
    "EntryRefused",
    "Log",
    "LogInUse",
    "Segment",
    "copies",
]
