"""The control store."""

from threadline.store.control.errors import (
    ControlNotMigrated,
    ControlTooNew,
    ControlUnavailable,
    Fenced,
)
from threadline.store.control.store import ControlStore

__all__ = ["ControlNotMigrated", "ControlStore", "ControlTooNew", "ControlUnavailable", "Fenced"]
