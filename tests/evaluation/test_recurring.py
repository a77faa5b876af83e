"""A thread that does its work when woken, never misses a wake, and survives what fails."""

from __future__ import annotations

import queue
import threading

import pytest

from threadline.errors import ThreadlineError
from threadline.recurring import Recurring

LONG = 3600.0


@pytest.fixture
def done() -> queue.Queue[int]:
    return queue.Queue()


def test_it_works_at_once_then_when_woken(done):
    one = Recurring("one", lambda: done.put(1), lambda: LONG)
    one.start()
    done.get(timeout=10)
    one.wake()
    done.get(timeout=10)
    one.stop()


def test_a_wake_during_the_work_is_not_missed(done):
    going, woken = threading.Event(), threading.Event()

    def work() -> None:
        going.set()
        assert woken.wait(10)
        done.put(1)

    one = Recurring("one", work, lambda: LONG)
    one.start()
    assert going.wait(10)
    one.wake()
    woken.set()
    done.get(timeout=10)
    done.get(timeout=10)
    one.stop()
    assert done.empty()


@pytest.mark.parametrize("fault", [ThreadlineError("away"), ValueError("a bug")])
def test_what_fails_is_done_again(done, fault):
    faults = [fault]

    def work() -> None:
        if faults:
            raise faults.pop()
        done.put(1)

    one = Recurring("one", work, lambda: 0.0)
    one.start()
    done.get(timeout=10)
    one.stop()


def test_every_thread_of_it_is_woken(done):
    both = threading.Barrier(2)

    def work() -> None:
        both.wait(10)
        done.put(1)

    one = Recurring("one", work, lambda: LONG, threads=2)
    one.start()
    for _ in "ab":
        done.get(timeout=10)
    one.wake()
    for _ in "ab":
        done.get(timeout=10)
    both.abort()
    one.stop()
