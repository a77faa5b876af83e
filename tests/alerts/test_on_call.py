"""Definitions and what people decided since, put together, on either database."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts import silences
from alerts.muting import Muting
from threadline import activation
from threadline.activation import Active
from threadline.clock import FixedClock
from threadline.errors import DefinitionErrors, NotFound
from threadline.on_call import OnCall
from threadline.settings import AlertsSettings, Settings
from threadline.store.control import ControlStore

EXAMPLES = Path(__file__).parents[2] / "examples" / "on-call"
HOUR = timedelta(hours=1)
NIGHT = datetime(2026, 4, 5, 22, tzinfo=UTC)  # the ERP is patched until two
ERP = {"system": "erp", "severity": "breach"}


@pytest.fixture
def active() -> Active:
    return activation.load(
        Settings(
            definitions_dir=EXAMPLES, alerts=AlertsSettings(webhook_url="http://127.0.0.1:9/hook")
        )
    )


@pytest.fixture
def on_call(control: ControlStore, clock: FixedClock, active: Active) -> OnCall:
    clock.move_to(NIGHT)
    return OnCall(active, control.silences, control.overrides)


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


def test_a_receiver_left_out_for_want_of_a_variable_is_nobody_s(control: ControlStore):
    active = activation.load(Settings(definitions_dir=EXAMPLES))
    on_call = OnCall(active, control.silences, control.overrides)

    assert on_call.on_duty("billing", NIGHT) == ()


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ('{after: 0s, receivers: ["rota:payments"]}', "no rota is called 'payments'"),
        ("{after: 0s, receivers: [log], hours: integration}", "'integration' has business hours"),
        ('{after: 0s, receivers: ["rota:billing"], hours: billing}', ""),
    ],
)
def test_a_policy_names_rotas_that_there_are(step: str, fault: str, tmp_path: Path):
    shutil.copytree(EXAMPLES / "rotas", tmp_path / "rotas")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "default.yaml").write_text(
        f"policy: default\nrules: [{{when: case-deadline}}]\nescalation:\n  - {step}\n"
        "receivers: {log: {type: log}, webhook: {type: webhook, url: 'http://127.0.0.1:9/'}}\n"
    )
    settings = Settings(definitions_dir=tmp_path)
    if not fault:
        assert activation.load(settings).rotas.by_name
        return
    with pytest.raises(DefinitionErrors, match=f"default.yaml:4: .*{fault}"):
        activation.load(settings)


def test_a_silence_ended_early_is_heard_at_the_next_look(desk):
    """A page that a silence holds back goes out as soon as somebody ends the silence."""
    desk.surroundings = replace(
        desk.surroundings,
        muted=lambda labels, at: (
            mute.until
            if (mute := Muting(desk.control.silences.standing(at)).of(labels, at))
            else None
        ),
    )
    desk.restart()
    desk.at()
    matchers = [silences.parse("criticality=revenue")]
    start = desk.clock.now()
    made = desk.control.silences.add(
        matchers, start, start + 24 * HOUR, who="on-call", comment="known"
    )
    desk.case()
    desk.at(hours=2, minutes=1)
    assert desk.pages == []

    desk.control.silences.end(made.id, who="on-call")
    desk.at(hours=2, minutes=2)

    assert [severity for _, severity in desk.pages] == ["breach"]
