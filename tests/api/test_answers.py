"""Answers that take long are given again while newer ones are worked out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from threadline.api.answers import Answers
from threadline.clock import FixedClock

STALE = 30.0


class Work:
    """Answers 1, 2, 3…, each after so many seconds of the clock; `gate` holds them up."""

    def __init__(self, clock: FixedClock, seconds: float) -> None:
        self.clock, self.seconds, self.done = clock, seconds, 0
        self.gate, self.ended = threading.Event(), threading.Semaphore(0)
        self.gate.set()

    def __call__(self) -> int:
        assert self.gate.wait(30)
        self.clock.move_to(self.clock.now() + timedelta(seconds=self.seconds))
        self.done += 1
        self.ended.release()
        return self.done


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 20, 12, tzinfo=UTC))


@pytest.fixture
def answers(clock: FixedClock) -> Iterator[Answers]:
    answers = Answers(clock, STALE)
    yield answers
    answers.close()


@pytest.fixture
def later(clock: FixedClock) -> Callable[[float], None]:
    return lambda seconds: clock.move_to(clock.now() + timedelta(seconds=seconds))


def test_what_is_quick_is_worked_out_for_whoever_asks(answers, clock, later):
    work = Work(clock, 0.1)
    assert answers.to("q", work) == 1
    later(1.9)
    assert answers.to("q", work) == 2
    later(1.0)
    assert answers.to("q", work) == 2


def test_what_is_slow_is_given_again_and_worked_out_beside_it(answers, clock, later):
    work = Work(clock, 2.0)
    assert answers.to("q", work) == 1
    assert work.ended.acquire(timeout=30)
    work.gate.clear()
    later(10)
    assert answers.to("q", work) == 1
    assert answers.to("q", work) == 1
    work.gate.set()
    assert work.ended.acquire(timeout=30)
    assert work.done == 2
    assert answers.to("other", lambda: "another") == "another"


def test_what_is_slow_is_not_worked_out_all_the_time(answers, clock, later):
    work = Work(clock, 2.0)
    answers.to("q", work)
    later(1)
    assert answers.to("q", work) == 1
    answers.close()
    assert work.done == 1


def test_nothing_older_than_the_bound_is_given(answers, clock, later):
    work = Work(clock, 2.0)
    answers.to("q", work)
    later(STALE)
    assert answers.to("q", work) == 2


def test_a_failure_reaches_whoever_asks_and_the_next_one_asks_again(answers):
    def broken() -> int:
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            answers.to("q", broken)
    assert answers.to("q", lambda: 5) == 5
