"""What a command ends with."""

from __future__ import annotations

from threadline.errors import ThreadlineError

DONE, NO, WRONG, AWAY = 0, 1, 2, 3


class Away(ThreadlineError):
    """A service that is needed does not answer."""
