"""What people were not allowed to do, recorded once a minute for each, however often they try."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from threadline.clock import Clock
from threadline.model.people import Permission, Principal
from threadline.store.control.audit import Audit

_APART = timedelta(minutes=1)
_MOST = 10_000  # tried by so many in a minute, the memory begins anew


class Denials:
    """Safe from any thread."""

    def __init__(self, audit: Audit, clock: Clock) -> None:
        self._audit, self._clock = audit, clock
        self._last: dict[tuple[str, Permission], datetime] = {}
        self._lock = threading.Lock()

    def record(self, principal: Principal, permission: Permission, path: str) -> None:
        """`principal` asked for `path`, which takes `permission`, and was refused."""
        if not self._worth_recording((principal.subject, permission)):
            return
        self._audit.record(
            principal.who,
            "access.denied",
            permission=permission.value,
            path=path[:500],
            roles=sorted(principal.roles),
            subject=principal.subject,
        )

    def _worth_recording(self, key: tuple[str, Permission]) -> bool:
        now = self._clock.now()
        with self._lock:
            last = self._last.get(key)
            if last is not None and now - last < _APART:
                return False
            if len(self._last) >= _MOST:
                self._last.clear()
            self._last[key] = now
        return True
