"""The key that links are signed with: set, or made once and kept in a file.

Several services over one control store have to use the same key, or one refuses what another has
signed.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from threadline.errors import SettingsError
from threadline.settings import AlertsSettings

_BYTES = 32
_SHORTEST = 32  # characters of a key in a file, as in the settings


def link_key(settings: AlertsSettings) -> bytes:
    """The key; raises `SettingsError` for a file that cannot be read or holds no key."""
    if given := settings.link_key.get_secret_value():
        return given.encode()
    file = settings.link_key_file
    try:
        if not file.exists():
            _make(file)
        key = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"setting alerts.link_key_file (THREADLINE_ALERTS__LINK_KEY_FILE): {file} cannot be"
            f" used: {error.strerror if isinstance(error, OSError) else 'it is no text'}"
        ) from error
    if len(key) < _SHORTEST:
        raise SettingsError(
            f"setting alerts.link_key_file (THREADLINE_ALERTS__LINK_KEY_FILE): {file} holds fewer"
            f" than {_SHORTEST} characters; take it away and a new key is made"
        )
    return key.encode()


def _make(file: Path) -> None:
    """A file only its owner reads; of two that make it at once, the first one's stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".link-")  # mode 600
    try:
        with os.fdopen(handle, "w") as fresh:
            fresh.write(secrets.token_urlsafe(_BYTES) + "\n")
            fresh.flush()
            os.fsync(fresh.fileno())
        with suppress(FileExistsError):
            os.link(name, file)
    finally:
        Path(name).unlink()
