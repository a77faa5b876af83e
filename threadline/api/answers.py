"""Answers that take long to work out, given again while newer ones are worked out.

Every answer tells as of when it is. Where figures take seconds, a page that is looked at gets the
last ones at once, and the next look newer ones.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from threadline.clock import Clock

Answer = TypeVar("Answer")

_TIMES = 20  # as long as an answer took to work out, it may be given again
_KEPT = 64
_AT_ONCE = 2


@dataclass(frozen=True, kw_only=True)
class _Given(Generic[Answer]):
    answer: Answer
    began: float  # by the monotonic clock
    took: float


class Answers:
    """The last answers, for any thread.

    None is given again that is older than `stale_seconds`, nor than twenty times what it took: what
    is quick is worked out for whoever asks.
    """

    def __init__(self, clock: Clock, stale_seconds: float) -> None:
        self._clock, self._stale = clock, stale_seconds
        self._given: OrderedDict[Hashable, _Given[Any]] = OrderedDict()
        self._coming: dict[Hashable, Future[_Given[Any]]] = {}
        self._guard = threading.Lock()
        self._workers = ThreadPoolExecutor(_AT_ONCE, "answers")

    def close(self) -> None:
        """Wait for the answers at hand."""
        self._workers.shutdown(cancel_futures=True)

    def to(self, question: Hashable, work: Callable[[], Answer]) -> Answer:
        """The answer to a question: what `work` returns, or returned lately if it takes long.

        Raises what `work` raises. Who asks at once what another waits for waits for the same.
        """
        with self._guard:
            given = self._given.get(question)
            coming = self._coming.get(question)
            age = self._clock.monotonic() - given.began if given else self._stale
            if given and age < min(self._stale, _TIMES * given.took):
                if coming is None and age > 2 * given.took:  # it gets half of the time
                    self._work(question, work)
                answer: Answer = given.answer
                return answer
            if coming is None:
                coming = self._work(question, work)
        found: _Given[Answer] = coming.result()
        return found.answer

    def _work(self, question: Hashable, work: Callable[[], Answer]) -> Future[_Given[Any]]:
        def worked() -> _Given[Answer]:
            began = self._clock.monotonic()
            try:
                answer = work()
            except BaseException:
                with self._guard:
                    del self._coming[question]
                raise
            took = self._clock.monotonic() - began
            found = _Given(answer=answer, began=began, took=took)
            with self._guard:
                del self._coming[question]
                self._given[question] = found
                self._given.move_to_end(question)
                while len(self._given) > _KEPT:
                    self._given.popitem(last=False)
            return found

        self._coming[question] = self._workers.submit(worked)
        return self._coming[question]
