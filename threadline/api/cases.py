"""Cases as the API shows them: derived rows, their states of this moment, and the words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from metrics.states import with_states
from threadline.api.services import ApiServices
from threadline.model.journeys import Journey, Step
from threadline.wire import Attempt, CaseRow, Money, Runbook
from threadline.wire import Step as StepRow

_URGENCY = ("breached", "at_risk", "unknown", "on_track", "missed", "met")
_LIVE = ("open", "paused")


def rows(services: ApiServices, cases: pl.DataFrame) -> list[CaseRow]:
    """Rows of the table `cases`, in their order, with the states they are in now."""
    now = services.clock.now()
    stated = with_states(cases, now, services.silent_systems(now))
    return [row(services, case) for case in stated.iter_rows(named=True)]


def row(services: ApiServices, case: Mapping[str, Any]) -> CaseRow:
    """One case with its states already in it."""
    journey = services.definitions.known_journey(case["journey"])
    step = services.definitions.known_step(case["journey"], case["current_step"])
    told = {name: case[name] for name in _SAME}
    told["stuck_message"] = services.redaction.text("message", told["stuck_message"])
    return CaseRow(
        **told,
        contract=case["root_id"],
        number=number(case["root_id"] or case["case_id"]),
        current_title=step.title if step else case["current_step"],
        owner=step.owner if step else journey.owner if journey else "",
        value=money(case["value"], case["currency"]),
        dimensions=services.redaction.applied(json.loads(case["dimensions"] or "{}")),
        standing=case.get("standing", ""),
        contributes=case.get("contributes"),
        **_counted_step(services, case),
    )


def _counted_step(services: ApiServices, case: Mapping[str, Any]) -> dict[str, Any]:
    """Behind a KPI of steps: which step the row is about, and from when until when."""
    name = case.get("step", "")
    step = services.definitions.known_step(case["journey"], name) if name else None
    told = {"since": case.get("since"), "until": case.get("until")} if name else {}
    return {"step": name, "step_title": step.title if step else name, **told}


_SAME = (
    "journey",
    "case_id",
    "state",
    "sla",
    "started_at",
    "completed_at",
    "cancelled_at",
    "reopened_at",
    "reopenings",
    "ended_before_at",
    "warn_at",
    "due_at",
    "current_step",
    "current_since",
    "current_due_at",
    "stuck_reason",
    "stuck_message",
    "criticality",
    "annotations",
    "exceptions",
    "rework",
)


def urgency(case: CaseRow) -> tuple[int, int, datetime]:
    """Sorts the case that needs somebody most first."""
    waits = case.state not in _LIVE
    return int(waits), _URGENCY.index(case.sla), case.due_at or case.started_at


def number(identifier: str) -> str:
    """What people call it: the value of `type:namespace:value`."""
    return identifier.split(":", 2)[-1]


def money(amount: Any, currency: str) -> Money | None:
    """An amount with its currency, if there is one."""
    return None if amount is None else Money(amount=amount, currency=currency)


def runbook(journey: Journey | None, step: Step | None) -> Runbook:
    """What to do at the step, else about the journey as a whole."""
    known = step.runbook if step else journey.runbook if journey else None
    if known is None:
        return Runbook()
    return Runbook(
        next=known.next_move, replay=known.replay, compensate=known.compensate, url=known.url
    )


def step_row(
    services: ApiServices,
    case: CaseRow,
    step: Mapping[str, Any],
    remedies: Iterable[Mapping[str, Any]] = (),
) -> StepRow:
    """One step of `case` with the state it is in now, and the `remedies` that were tried."""
    known = services.definitions.known_step(case.journey, step["step"])
    return StepRow(
        step=step["step"],
        title=known.title if known else step["step"],
        system=step["system"],
        required=step["required"],
        state=_step_state(case, step, services.clock.now()),
        since=step["ready_at"],
        due_at=step["due_at"],
        closed_at=step["closed_at"],
        closed_by=step["closed_by"],
        reopened_at=step["reopened_at"],
        times=step["times"],
        done=step["done"],
        failures=step["failures"],
        first_failed_at=step["first_failed_at"],
        rework=step["rework"],
        message=services.redaction.text("message", step["message"]),
        actor_type=step["actor_type"],
        sampled=step["sampled"],
        alternative=step["alternative"],
        owner=known.owner if known else "",
        runbook=runbook(None, known),
        attempts=[_attempt(services, one) for one in remedies if one["step"] == step["step"]],
    )


def _attempt(services: ApiServices, remedy: Mapping[str, Any]) -> Attempt:
    told = {name: remedy[name] for name in Attempt.model_fields}
    return Attempt(**told | {"message": services.redaction.text("message", told["message"])})


def _step_state(case: CaseRow, step: Mapping[str, Any], now: datetime) -> Any:
    if step["closed_at"]:
        return "done"
    if case.state not in _LIVE or not step["required"]:
        return "skipped"
    if step["failures"]:
        return "failed"
    if step["ready_at"] is None:
        return "waiting"
    return "late" if step["due_at"] and step["due_at"] < now else "open"
