"""When deadlines are judged: never two turns at once, and not by cases known by half."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from threadline import evaluation
from threadline.clock import FixedClock
from threadline.evaluation import MANY, Evaluation
from threadline.pipeline import Status
from threadline.settings import AlertsSettings

START = datetime(2026, 5, 1, tzinfo=UTC)
SETTINGS = AlertsSettings(wait_seconds=10, wait_at_most_seconds=60)


class Desk:
    """An evaluation over a derivation that says how far it is; `judged` counts its turns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock, self.judged, self.lasts = FixedClock(START), 0, 0.0
        self.lag, self.behind = 0.0, 0
        self.during: Any = lambda: None
        monkeypatch.setattr(evaluation, "evaluate", self._evaluate)
        self.evaluation = Evaluation(lambda: None, None, self, self.clock, SETTINGS)

    def status(self) -> Status:
        lag = timedelta(seconds=self.lag)
        told = {"lag": lag, "entries_behind": self.behind, "failing": "", "rebuilding": ""}
        return Status(watermark=self.clock.now() - lag, **told)

    def wait(self, seconds: float) -> None:
        self.clock.move_to(self.clock.now() + timedelta(seconds=seconds))

    def _evaluate(self, *_: object) -> None:
        self.judged += 1
        self.during()
        self.wait(self.lasts)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


@pytest.mark.parametrize(("lag", "behind"), [(10.5, 3), (0.5, MANY + 1)])
def test_far_behind_it_waits_and_says_for_what_until_it_is_near(desk, lag, behind):
    desk.lag, desk.behind = lag, behind
    assert not desk.evaluation.turn()
    assert desk.evaluation.waiting.startswith(f"{behind:,} inputs wait to be derived")
    desk.lag, desk.behind = 10, MANY
    assert desk.evaluation.turn()
    assert (desk.evaluation.waiting, desk.judged) == ("", 1)


def test_who_cannot_keep_up_is_told_of_deadlines_all_the_same(desk):
    desk.lag = 900
    turns = []
    for _ in range(150):
        desk.wait(1)
        turns.append(desk.evaluation.turn())
    assert turns.count(True) == 2, "one every minute"


def test_a_turn_does_not_begin_while_another_lasts(desk):
    found = []

    def another() -> None:
        thread = threading.Thread(target=lambda: found.append(desk.evaluation.turn()))
        thread.start()
        thread.join()

    desk.during = another
    assert desk.evaluation.turn()
    assert (found, desk.judged) == ([False], 1)
    assert desk.evaluation.turn()


def test_it_rests_for_as_long_as_it_took(desk):
    desk.lasts = 4
    assert desk.evaluation.turn()
    desk.wait(3)
    assert not desk.evaluation.turn()
    desk.wait(1)
    assert desk.evaluation.turn()


def test_a_turn_that_fails_does_not_keep_the_next_one_away(desk):
    def fail() -> None:
        raise ValueError("once")

    desk.during = fail
    with pytest.raises(ValueError, match="once"):
        desk.evaluation.turn()
    desk.during = lambda: None
    assert desk.evaluation.turn()
