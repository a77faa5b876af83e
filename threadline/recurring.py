"""A thread that does one thing again and again, when woken or after a while."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from threadline.errors import ThreadlineError

logger = logging.getLogger(__name__)


class Recurring:
    """Does `work` in threads named `name` until `stop`; what fails is logged and done again.

    `wait` says in how many seconds it is due again unless woken.
    """

    def __init__(
        self, name: str, work: Callable[[], object], wait: Callable[[], float], *, threads: int = 1
    ) -> None:
        self._name, self._work, self._wait = name, work, wait
        self._stopping = threading.Event()
        self._woken = threading.Condition()
        self._wakes = 0
        self._threads = [threading.Thread(target=self._run, name=name) for _ in range(threads)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Do it now, or once more when it is being done."""
        with self._woken:
            self._wakes += 1
            self._woken.notify_all()

    def stop(self) -> None:
        """End once the work at hand is done."""
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        seen = 0
        while not self._stopping.is_set():
            try:
                self._work()
            except ThreadlineError as error:
                logger.warning("%s waits: %s", self._name, error)
            except Exception:  # one fault must not end what everybody relies on
                logger.exception("%s failed and tries again", self._name)
            seen = self._sleep(seen)

    def _sleep(self, seen: int) -> int:
        with self._woken:
            self._woken.wait_for(lambda: self._wakes != seen, self._wait())
            return self._wakes
