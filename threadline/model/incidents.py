"""Broken and endangered promises, and what is told about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

Severity = Literal["warning", "breach"]
IncidentState = Literal["open", "acknowledged", "resolved", "recorded"]

CASE_PROMISE = "case"
_STEP_PREFIX = "step:"


def step_promise(step: str) -> str:
    """The name of the promise that `step` is done by its own deadline."""
    return _STEP_PREFIX + step


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One promise of one case that is, or was, about to be broken or broken.

    There is one incident per (`journey`, `case_id`, `promise`); `case_id` and `root_id` are
    identifiers (`type:namespace:value`), so an incident outlives every derivation.

    `deadline` is the instant whose passing gave the present `severity`; `opened_at` the one that
    opened the incident. `recorded` means it was over before the case was known: nobody was told.
    `reason` says why the incident is in its state. An `episode` is one run of escalation:
    `steps_notified` of its steps have been told since `escalation_from`, the next is due at
    `escalate_at` (none: nothing more will be told). `version` counts changes.
    """

    id: str
    journey: str
    case_id: str
    root_id: str
    promise: str
    criticality: str
    severity: Severity
    state: IncidentState
    reason: str
    policy: str
    opened_at: datetime
    deadline: datetime
    step: str = ""
    since: datetime | None = None
    due_at: datetime | None = None
    value: Decimal | None = None
    currency: str = ""
    assignee: str = ""
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    resolved_at: datetime | None = None
    episode: int = 0
    escalation_from: datetime | None = None
    steps_notified: int = 0
    escalate_at: datetime | None = None
    version: int = 1

    def __post_init__(self) -> None:
        if self.promise != CASE_PROMISE and not self.promise.startswith(_STEP_PREFIX):
            raise ValueError(f"{self.promise!r} is neither 'case' nor 'step:<name>'")

    @property
    def live(self) -> bool:
        """Whether somebody still has to do something."""
        return self.state in ("open", "acknowledged")


@dataclass(frozen=True, kw_only=True)
class IncidentEvent:
    """One entry of an incident's history; `who` is empty when Threadline itself acted."""

    at: datetime
    what: str
    who: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Notification:
    """One message owed to one receiver (`policy/name`).

    (`incident_id`, `episode`, `step`, `receiver`) is owed once; `step` counts from 1.
    """

    incident_id: str
    episode: int
    step: int
    receiver: str
    reason: str
    due_at: datetime
    payload: Mapping[str, Any]

    @property
    def key(self) -> str:
        """What a receiver may use to drop a second delivery of the same notification."""
        return f"{self.incident_id}.{self.episode}.{self.step}.{self.receiver}"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is stored together, or not at all, when an incident changes.

    `incident.version` is one more than the version the decision was made on. `withdraw` names why
    earlier notifications that are still waiting are no longer owed; empty leaves them.
    """

    incident: Incident
    event: IncidentEvent
    notifications: tuple[Notification, ...] = ()
    withdraw: str = ""


@dataclass(frozen=True, kw_only=True)
class Briefing:
    """What whoever is told needs to act; empty where a journey declares nothing."""

    title: str
    owner: str = ""
    runbook: str = ""
    next_move: str = ""
