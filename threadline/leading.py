"""Being the one of several services over one control store that judges deadlines."""

from __future__ import annotations

import logging
import os
import socket
import uuid
from datetime import timedelta

from threadline.clock import Clock
from threadline.store.control import Fenced
from threadline.store.control.leases import Lease, Leases

logger = logging.getLogger(__name__)

EVALUATOR = "evaluator"
_PER_LENGTH = 4  # times it is asked for in its length, so that one lost answer costs nothing


class Leading:
    """The lease of this service: `ask` has to be called every `every` seconds, by a thread of its
    own, so that a long turn keeps it too.
    """

    def __init__(self, leases: Leases, clock: Clock, seconds: float) -> None:
        self._leases, self._clock = leases, clock
        self._length = timedelta(seconds=seconds)
        self.every = seconds / _PER_LENGTH
        self._holder = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._lease: Lease | None = None
        self._held = False
        self._other = ""

    @property
    def leads(self) -> bool:
        """Whether this service judges deadlines now."""
        lease = self._lease
        return self._held and lease is not None and self._clock.now() < lease.until

    @property
    def who(self) -> str:
        """Which service judges deadlines, as host, process and run of it; '' when none is known."""
        return self._holder if self.leads else self._other

    def fence(self) -> Lease:
        """What has to be current for anything to be stored; raises `Fenced` where there is none."""
        if self._lease is None:
            raise Fenced(EVALUATOR, 0)
        return self._lease

    def ask(self) -> None:
        """Take or keep the lease, if nobody else has it."""
        lease = self._leases.acquire(EVALUATOR, self._holder, self._clock.now(), self._length)
        if lease is not None:
            self._lease, self._other = lease, ""
        else:
            current = self._leases.current(EVALUATOR)
            self._other = current.holder if current else ""
        if self._held != (lease is not None):
            by = "this service" if lease else self._other
            logger.info("deadlines are judged by %s from now on", by)
        self._held = lease is not None

    def let_go(self) -> None:
        """Free the lease, so that another takes over at once."""
        if self._held and self._lease is not None:
            self._held = False
            self._leases.release(self._lease)
