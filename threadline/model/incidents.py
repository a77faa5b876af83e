"""Broken and endangered promises, and what is told about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

Severity = Literal["warning", "breach", "failure"]
IncidentState = Literal["open", "acknowledged", "resolved", "recorded"]

CASE_PROMISE = "case"
_STEP_PREFIX = "step:"
_HOP_PREFIX = "hop:"


def step_promise(step: str) -> str:
    """The name of the promise that `step` is done by its own deadline."""
    return _STEP_PREFIX + step


def hop_promise(system: str, cause: str) -> str:
    """The name of the promise that `system` takes what is handed to it, broken by one `cause`."""
    return f"{_HOP_PREFIX}{system}:{cause}"


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One promise that is, or was, about to be broken or broken: of one case, or of a hop.

    There is one incident per (`journey`, `case_id`, `promise`); `case_id` and `root_id` are
    identifiers (`type:namespace:value`), so an incident outlives every derivation.

    The incident of a hop has the severity `failure`, and stands for all cases that hang on one
    `system` by one `error`: so many `cases`; `worth` is their value (decimal text by currency, each
    contract once). It has no `case_id`; `journey` and `step` are where most of them hang.

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
    system: str = ""
    error: str = ""
    cases: int = 1
    worth: Mapping[str, str] = field(default_factory=dict)
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
        known = self.promise.startswith((_STEP_PREFIX, _HOP_PREFIX))
        if self.promise != CASE_PROMISE and not known:
            raise ValueError(f"{self.promise!r} is none of 'case', 'step:<name>', 'hop:<cause>'")

    @property
    def of_hop(self) -> bool:
        """Whether it stands for all cases that hang on one hop."""
        return self.promise.startswith(_HOP_PREFIX)

    @property
    def live(self) -> bool:
        """Whether somebody still has to do something."""
        return self.state in ("open", "acknowledged")


@dataclass(frozen=True, kw_only=True, order=True)
class CaseKey:
    """One case of a journey, and the contract it belongs to."""

    journey: str
    case_id: str
    root_id: str


@dataclass(frozen=True, kw_only=True)
class Affected:
    """A case that hangs, or hung, on a hop: since when it was known to, and until when."""

    case: CaseKey
    joined_at: datetime
    left_at: datetime | None


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
    reference: str = ""

    @property
    def key(self) -> str:
        """What a receiver may use to drop a second delivery of the same notification."""
        return f"{self.incident_id}.{self.episode}.{self.step}.{self.receiver}"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is stored together, or not at all, when an incident changes.

    `incident.version` is one more than the version the decision was made on. `withdraw` names why
    earlier notifications that are still waiting are no longer owed; empty leaves them. `hanging`
    are the cases that hang on a hop from now on; None leaves them.
    """

    incident: Incident
    event: IncidentEvent
    notifications: tuple[Notification, ...] = ()
    withdraw: str = ""
    hanging: frozenset[CaseKey] | None = None


@dataclass(frozen=True, kw_only=True)
class Briefing:
    """What whoever is told needs to act; empty where a journey declares nothing."""

    title: str
    owner: str = ""
    runbook: str = ""
    next_move: str = ""
