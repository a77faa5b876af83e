"""Reading on in the log: several batches in one go, the next decoded while one is worked on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import Protocol

from collector.decode import Decoded
from threadline.model.entries import Logged
from threadline.settings import PipelineSettings

MOST = 8  # whole batches that are read in one go

Batch = Sequence[Logged]
UnderWay = tuple[Batch, Future[Decoded]]


class Inputs(Protocol):
    """What is derived from: the log, or what of it was received by a past instant."""

    def read(self, after: Mapping[int, int], max_bytes: int, max_entries: int) -> list[Logged]: ...
    def end(self) -> dict[int, int]: ...
    def wait(self, timeout: float, after: Mapping[int, int] | None = None) -> bool: ...


class Reading:
    """Batches of the log from a cursor on; `whole` says that the last one could not hold more."""

    def __init__(self, log: Inputs, settings: PipelineSettings, cursor: Mapping[int, int]) -> None:
        self._log, self._settings, self._cursor = log, settings, cursor
        self.whole = False

    def batch(self) -> Batch:
        """What comes next; empty at the end of the log. Raises `LogUnavailable`."""
        most, entries = self._settings.batch_bytes, self._settings.batch_entries
        batch = self._log.read(self._cursor, most, entries)
        self._cursor = {**self._cursor, **reached(batch)}
        size = sum(len(logged.entry.body) for logged in batch)
        self.whole = len(batch) >= entries or size > most // 2
        return batch


def stretch(
    reading: Reading, decode: Callable[[Batch], Decoded], goes_on: Callable[[], bool]
) -> Iterator[tuple[Batch, Decoded]]:
    """Batches with what they say, until the log is read: whole ones up to `MOST`, which are decoded
    ahead, and whatever else has come by then as long as `goes_on`.
    """
    with ThreadPoolExecutor(1, "decode") as ahead:

        def following() -> UnderWay | None:
            batch = reading.batch()
            return (batch, ahead.submit(decode, batch)) if batch else None

        under_way = following()
        for number in count(1):
            if under_way is None:
                return
            batch, decoded = under_way[0], under_way[1].result()
            under_way = following() if reading.whole and number < MOST else None
            yield batch, decoded
            if under_way is None and goes_on():
                under_way = following()


def reached(batch: Batch) -> dict[int, int]:
    """The cursor behind `batch`, for the partitions it is from."""
    return {logged.position.partition: logged.position.offset for logged in batch}
