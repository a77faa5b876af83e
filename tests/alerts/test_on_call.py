"""Definitions and what people decided since, put together, on either database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts import silences
from alerts.duty import loading as duty
from alerts.maintenance import loading as maintenance
from threadline.clock import FixedClock
from threadline.errors import NotFound
from threadline.on_call import OnCall
from threadline.store.control import ControlStore

EXAMPLES = Path(__file__).parents[2] / "examples" / "on-call"
HOUR = timedelta(hours=1)
NIGHT = datetime(2026, 4, 5, 22, tzinfo=UTC)  # the ERP is patched until two
ERP = {"system": "erp", "severity": "breach"}


@pytest.fixture
def on_call(control: ControlStore, clock: FixedClock) -> OnCall:
    clock.move_to(NIGHT)
    return OnCall(
        duty.load([EXAMPLES / "rotas"], {"default/webhook", "default/log"}).by_name,
        maintenance.load([EXAMPLES / "maintenance"]).all,
        control.silences,
        control.overrides,
    )


def test_maintenance_mutes_and_a_longer_silence_goes_on(on_call: OnCall, control: ControlStore):
    assert on_call.muted(ERP, NIGHT) == NIGHT + 4 * HOUR
    assert on_call.muted({"system": "crm"}, NIGHT) is None
    made = control.silences.add(
        [silences.parse("system=erp")], NIGHT, NIGHT + 6 * HOUR, who="on-call", comment="slow"
    )
    assert on_call.muted(ERP, NIGHT) == NIGHT + 6 * HOUR

    control.silences.end(made.id, who="on-call")

    assert on_call.muted(ERP, NIGHT) == NIGHT + 4 * HOUR
    assert on_call.muted(ERP, NIGHT + 4 * HOUR) is None


def test_who_stands_in_is_told_from_the_decision_on(on_call: OnCall, control: ControlStore):
    assert on_call.on_duty("billing", NIGHT) == ("default/webhook",)
    made = control.overrides.add(
        "billing", "billing-lead", NIGHT, NIGHT + HOUR, who="billing-lead", why="-"
    )
    assert on_call.on_duty("billing", NIGHT) == ("default/webhook", "default/log")

    control.overrides.end("billing", made.number, who="billing-lead")

    assert on_call.on_duty("billing", NIGHT) == ("default/webhook",)


def test_what_may_wait_waits_for_business_hours(on_call: OnCall):
    easter_monday_over = datetime(2026, 4, 7, 7, tzinfo=UTC)

    assert on_call.opens("billing", NIGHT) == easter_monday_over
    assert on_call.opens("billing", easter_monday_over + HOUR) == easter_monday_over + HOUR
    assert on_call.opens("integration", NIGHT) == NIGHT, "it has no business hours"


def test_a_rota_that_there_is_not_is_an_error_and_not_nobody(on_call: OnCall):
    with pytest.raises(NotFound):
        on_call.on_duty("payments", NIGHT)
    with pytest.raises(NotFound):
        on_call.opens("payments", NIGHT)
