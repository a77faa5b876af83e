"""Which of several services judges deadlines."""

from __future__ import annotations

from datetime import timedelta

import pytest

from threadline.leading import Leading
from threadline.store.control import Fenced


def move(clock, seconds: float) -> None:
    clock.move_to(clock.now() + timedelta(seconds=seconds))


@pytest.fixture
def two(control, clock):
    return Leading(control.leases, clock, 2.0), Leading(control.leases, clock, 2.0)


def test_one_leads_and_both_know_which(two, clock):
    first, second = two
    for _ in range(20):
        first.ask()
        second.ask()
        assert (first.leads, second.leads) == (True, False)
        assert first.who == second.who != ""
        move(clock, first.every)


def test_another_takes_over_soon_after_the_first_was_killed(two, clock):
    first, second = two
    first.ask()
    second.ask()
    died, known = clock.now(), second.who
    while not second.leads:
        move(clock, second.every)
        second.ask()
    assert clock.now() - died <= timedelta(seconds=2.5)
    assert second.who != known


def test_one_that_stood_still_leads_no_more_before_it_has_asked(two, clock):
    first, second = two
    first.ask()
    move(clock, 60)
    assert not first.leads
    second.ask()
    assert not second.leads, "it has only just seen the lease"
    move(clock, 2)
    second.ask()
    assert second.leads
    first.ask()
    assert not first.leads
    assert first.fence().token < second.fence().token


def test_one_that_stops_lets_another_take_over_at_once(two, clock):
    first, second = two
    first.ask()
    first.let_go()
    second.ask()
    assert (first.leads, second.leads) == (False, True)


def test_who_never_led_has_nothing_to_store_under(two):
    with pytest.raises(Fenced):
        two[0].fence()
