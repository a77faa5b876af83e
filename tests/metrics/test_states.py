"""What the instants of a case mean at a given moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import polars as pl
import pytest

from metrics.derive import CASES
from metrics.states import with_states

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


def case(**columns) -> pl.DataFrame:
    row = {
        "journey": "contract-activation",
        "case_id": "contract:clm:C-1",
        "started_at": NOW - 30 * HOUR,
        "waiting_systems": ["erp", "psa"],
        "stuck_reason": "",
        "current_step": "erp-project",
    }
    return pl.DataFrame([row | columns], schema=dict(CASES))


def seen(silent=(), **columns) -> dict:
    return with_states(case(**columns), NOW, silent).row(0, named=True)


@pytest.mark.parametrize(
    ("due", "sla"),
    [(HOUR, "on_track"), (TICK, "at_risk"), (0 * TICK, "at_risk"), (-TICK, "breached")],
)
def test_the_deadline_is_the_last_good_instant(due, sla):
    row = seen(due_at=NOW + due, warn_at=NOW + due - 30 * timedelta(minutes=1))
    assert (row["state"], row["sla"]) == ("open", sla)


def test_a_warning_begins_at_its_instant():
    assert seen(due_at=NOW + HOUR, warn_at=NOW)["sla"] == "at_risk"
    assert seen(due_at=NOW + HOUR, warn_at=NOW + TICK)["sla"] == "on_track"


@pytest.mark.parametrize(("late", "sla"), [(0 * TICK, "met"), (TICK, "missed")])
def test_completed_at_the_deadline_is_met(late, sla):
    due = NOW - HOUR
    row = seen(due_at=due, warn_at=due - HOUR, completed_at=due + late)
    assert (row["state"], row["sla"], row["stuck_reason"]) == ("completed", sla, "")


def test_what_lies_ahead_has_not_happened():
    row = seen(due_at=NOW - TICK, warn_at=NOW - HOUR, completed_at=NOW + TICK)
    assert (row["state"], row["sla"]) == ("open", "breached")
    assert seen(cancelled_at=NOW + TICK)["state"] == "open"
    assert seen(paused_from=NOW + TICK, paused_until=NOW + HOUR)["state"] == "open"


def test_a_cancelled_case_promises_nothing():
    row = seen(due_at=NOW - HOUR, warn_at=NOW - HOUR, cancelled_at=NOW)
    assert (row["state"], row["sla"]) == ("cancelled", "unknown")


def test_a_pause_puts_the_deadline_off_and_ends_at_its_maximum():
    pause = {"paused_from": NOW - HOUR, "paused_until": NOW + TICK}
    row = seen(due_at=NOW + 9 * HOUR, warn_at=NOW + HOUR, **pause)
    assert (row["state"], row["sla"], row["due_at"]) == ("paused", "on_track", None)
    assert row["stuck_reason"] == "waiting-for-customer"
    over = seen(due_at=NOW + 9 * HOUR, warn_at=NOW, **(pause | {"paused_until": NOW}))
    assert (over["state"], over["sla"], over["due_at"]) == ("open", "at_risk", NOW + 9 * HOUR)


def test_a_case_that_was_late_before_it_paused_stays_breached():
    due = NOW - 2 * HOUR
    row = seen(due_at=due, warn_at=due, paused_from=NOW - HOUR, paused_until=NOW + HOUR)
    assert (row["state"], row["sla"], row["due_at"]) == ("paused", "breached", due)


def test_a_silent_source_makes_lateness_unknown_and_nothing_else():
    late, early = {"warn_at": NOW - 2 * HOUR}, {"warn_at": NOW + HOUR}
    assert seen(("erp",), due_at=NOW - HOUR, **late)["sla"] == "unknown"
    assert seen(("erp",), due_at=NOW + HOUR, **late)["sla"] == "unknown"
    assert seen(("erp",), due_at=NOW + 2 * HOUR, **early)["sla"] == "on_track"
    assert seen(("crm",), due_at=NOW - HOUR, **late)["sla"] == "breached"
    assert seen(("erp",), due_at=NOW, completed_at=NOW, **late)["sla"] == "met"


def test_a_step_is_overdue_after_its_own_deadline():
    assert not seen(current_due_at=NOW)["overdue"]
    assert seen(current_due_at=NOW - TICK)["overdue"]
    assert not seen()["overdue"]
    paused = {"paused_from": NOW - HOUR, "paused_until": NOW + HOUR}
    assert not seen(current_due_at=NOW - TICK, **paused)["overdue"]


@pytest.mark.parametrize(
    ("reason", "silent", "overdue", "shown"),
    [
        ("rejected", ("erp",), True, "rejected"),
        ("", ("erp",), True, "source-silent"),
        ("", ("erp",), False, ""),
        ("", (), True, "dropped-silently"),
        ("", (), False, ""),
    ],
)
def test_the_reason_is_completed_by_the_present(reason, silent, overdue, shown):
    due = NOW - HOUR if overdue else NOW + HOUR
    later = {"due_at": NOW + 9 * HOUR, "warn_at": NOW + 8 * HOUR}
    row = seen(silent, stuck_reason=reason, current_due_at=due, **later)
    assert row["stuck_reason"] == shown


def test_every_combination_is_in_exactly_one_state():
    instants = (None, NOW - HOUR, NOW, NOW + HOUR)
    for completed, cancelled, paused, due in product(instants, repeat=4):
        until = paused and paused + 90 * timedelta(minutes=1)
        row = seen(
            completed_at=completed,
            cancelled_at=cancelled,
            paused_from=paused,
            paused_until=until,
            due_at=due,
            warn_at=due,
        )
        assert row["state"] == _state(completed, cancelled, paused, until)


def _state(completed, cancelled, paused, until) -> str:
    if completed and completed <= NOW:
        return "completed"
    if cancelled and cancelled <= NOW:
        return "cancelled"
    return "paused" if paused and paused <= NOW < until else "open"
