"""What can go wrong between Threadline and its control store."""

from __future__ import annotations

from threadline.errors import ThreadlineError


class ControlUnavailable(ThreadlineError):
    """The control store does not answer; nothing was stored and the act may be repeated."""

    def __init__(self, where: str, reason: str) -> None:
        self.where, self.reason = where, reason
        super().__init__(f"the control store {where} does not answer: {reason}")


class ControlNotMigrated(ThreadlineError):
    """The control store's tables are missing or older than this Threadline."""

    def __init__(self, where: str, found: str, wanted: str) -> None:
        self.where, self.found, self.wanted = where, found, wanted
        state = f"is at revision {found}" if found else "has no tables yet"
        super().__init__(
            f"the control store {where} {state}, this Threadline needs {wanted}: "
            "run `threadline migrate`"
        )


class ControlTooNew(ThreadlineError):
    """The control store was migrated by a newer Threadline."""

    def __init__(self, where: str, found: str) -> None:
        self.where, self.found = where, found
        super().__init__(
            f"the control store {where} is at revision {found}, which this Threadline does not "
            "know: run the newer Threadline that migrated it, or restore a backup"
        )


class Fenced(ThreadlineError):
    """Another process does this work now; nothing was stored, and deciding anew is its business."""

    def __init__(self, name: str, token: int) -> None:
        self.name, self.token = name, token
        super().__init__(f"another process has taken over as {name}; lease {token} is void")
