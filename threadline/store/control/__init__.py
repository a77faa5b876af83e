"""The control store."""

from threadline.store.control.errors import (
    ControlNotMigrated,
    ControlTooNew,
    ControlUnavailable,
)
from threadline.store.control.store import ControlStore

__all__ = ["ControlNotMigrated", "ControlStore", "ControlTooNew", "ControlUnavailable"]
