"""When deadlines are judged: just as they pass, and not by cases known by half."""

from __future__ import annotations

import math
from collections import Counter
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
    """An evaluation over a derivation that says how far it is; `turns` counts what it judged.

    It stands for the promises too: the next of them passes at `coming`.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock, self.turns, self.lasts = FixedClock(START), 0, 0.0
        self.lag, self.behind = 0.0, 0
        self.leads, self.followed, self.reconsidered = True, 0, 0
        self.coming: datetime | None = None
        self.judged: datetime | None = None
        self.during: Any = lambda: None
        self.alerts, self.by = object(), list[object]()
        monkeypatch.setattr(evaluation, "evaluate", self._evaluate)
        self.evaluation = Evaluation(
            lambda: self.alerts, self, self, self.clock, SETTINGS, lambda: self.leads
        )

    def turn(self) -> bool:
        return self.evaluation.turn() is not None

    def status(self) -> Status:
        lag = timedelta(seconds=self.lag)
        told = {"lag": lag, "entries_behind": self.behind, "failing": "", "rebuilding": ""}
        return Status(watermark=self.clock.now() - lag, **told)

    def wait(self, seconds: float) -> None:
        self.clock.move_to(self.clock.now() + timedelta(seconds=seconds))

    def follow(self) -> None:
        self.followed += 1

    def reconsider(self, marks: object) -> None:
        self.reconsidered += 1

    def next_instant(self, after: datetime) -> datetime | None:
        return self.coming if self.coming and self.coming > after else None

    def _evaluate(self, alerts: object, *_: object) -> Counter[str]:
        self.by.append(alerts)
        self.turns += 1
        self.judged = self.status().watermark
        self.during()
        self.wait(self.lasts)
        return Counter()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


@pytest.mark.parametrize(("lag", "behind"), [(10.5, 3), (0.5, MANY + 1)])
def test_far_behind_it_waits_and_says_for_what_until_it_is_near(desk, lag, behind):
    desk.lag, desk.behind = lag, behind
    assert not desk.turn()
    assert desk.evaluation.waiting.startswith(f"{behind:,} inputs wait to be derived")
    desk.lag, desk.behind = 10, MANY
    assert desk.turn()
    assert (desk.evaluation.waiting, desk.turns) == ("", 1)


def test_before_anything_is_read_it_names_no_oldest_input(desk):
    desk.lag, desk.behind = desk.clock.now().timestamp(), 3
    assert not desk.turn()
    expected = "3 inputs wait to be derived, nothing has been looked at yet"
    assert desk.evaluation.waiting == expected


def test_who_cannot_keep_up_is_told_of_deadlines_all_the_same(desk):
    desk.lag = 900
    turns = []
    for _ in range(150):
        desk.wait(1)
        turns.append(desk.turn())
    assert turns.count(True) == 2, "one every minute"


def test_it_rests_for_as_long_as_it_took(desk):
    desk.lasts = 4
    assert desk.turn()
    desk.wait(3)
    assert not desk.turn()
    assert desk.evaluation.due_in() == SETTINGS.evaluate_seconds
    desk.wait(0.5)
    assert not desk.turn()
    assert desk.evaluation.due_in() == pytest.approx(0.5)
    desk.wait(0.5)
    assert desk.turn()


def test_a_turn_that_fails_does_not_keep_the_next_one_away(desk):
    def fail() -> None:
        raise ValueError("once")

    desk.during = fail
    with pytest.raises(ValueError, match="once"):
        desk.turn()
    desk.during = lambda: None
    assert desk.turn()


def test_it_is_due_just_after_the_next_promise_passes_and_every_so_often(desk):
    assert desk.turn()
    usual = SETTINGS.evaluate_seconds
    assert desk.evaluation.due_in() == usual
    desk.coming = START + timedelta(seconds=0.2)
    assert desk.evaluation.due_in() == pytest.approx(0.201)
    desk.coming = START + timedelta(hours=1)
    assert desk.evaluation.due_in() == usual


def test_a_promise_that_passed_by_the_clock_only_waits_for_what_is_derived(desk):
    """The derivation wakes it; it does not ask a thousand times a second until then."""
    desk.lag = 5
    assert desk.turn()
    desk.coming = START - timedelta(seconds=1)
    assert desk.evaluation.due_in() == SETTINGS.evaluate_seconds


def test_who_does_not_lead_keeps_up_and_judges_nothing(desk):
    desk.leads = False
    assert not desk.turn()
    assert (desk.turns, desk.followed) == (0, 1)
    desk.leads = True
    assert desk.turn()


def test_its_lag_grows_while_nothing_is_judged_and_is_nobodys_where_it_need_not(desk):
    assert desk.turn()
    desk.wait(7)
    assert desk.evaluation.lag() == 7
    desk.lag = 3
    assert desk.turn()
    assert desk.evaluation.lag() == 3
    desk.leads = False
    assert math.isnan(desk.evaluation.lag())
    desk.wait(60)
    desk.turn()
    desk.leads = True
    assert desk.evaluation.lag() == 0, "another service judged until then"


def test_new_rules_look_at_everything_again(desk):
    assert desk.turn()
    assert desk.turn()
    assert desk.reconsidered == 1
    desk.alerts = object()
    assert desk.turn()
    assert desk.reconsidered == 2


def test_who_begins_a_turn_ends_it_though_new_rules_come_in_between(desk):
    first, second, status = desk.alerts, object(), desk.status

    def reloaded() -> Status:
        desk.alerts = second
        return status()

    desk.status = reloaded
    assert desk.turn()
    assert desk.turn()
    assert desk.by == [first, second]
