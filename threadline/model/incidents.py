"""Broken and endangered promises, and what is told about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

Severity = Literal["warning", "breach", "failure"]
IncidentState = Literal["open", "acknowledged", "resolved", "recorded"]
About = Literal["case", "step", "hop", "kpi", "value", "source", "growth"]
Kind = Literal["page", "update", "resolved", "digest", "test"]

CASE_PROMISE = "case"
_STEP_PREFIX = "step:"
_FAILURE_PREFIX = "failed:"
_HOP_PREFIX = "hop:"
_ABOUT: Mapping[str, About] = {
    "case": "case",
    "step": "step",
    "failed": "step",
    "hop": "hop",
    "kpi": "kpi",
    "value": "value",
    "source": "source",
    "growth": "growth",
}


def step_promise(step: str) -> str:
    """The name of the promise that `step` is done by its own deadline."""
    return _STEP_PREFIX + step


def failure_promise(step: str) -> str:
    """The name of the promise that `step` recovers from a failure soon."""
    return _FAILURE_PREFIX + step


def figure_promise(rule: str, part: str) -> str:
    """The name of the promise that the KPI that `rule` watches keeps its bound in `part`."""
    return f"kpi:{rule}:{part}"


def value_promise(rule: str, currency: str) -> str:
    """The name of the promise that no more than `rule` says is at risk in `currency`."""
    return f"value:{rule}:{currency}"


def source_promise(system: str) -> str:
    """The name of the promise that `system` is heard of within its cadence."""
    return f"source:{system}"


def growth_promise(of: str, part: str) -> str:
    """The name of the promise that there is not more and more `of` that, of all or one `part`."""
    return f"growth:{of}:{part}"


def hop_promise(system: str, cause: str) -> str:
    """The name of the promise that `system` takes what is handed to it, broken by one `cause`."""
    return f"{_HOP_PREFIX}{system}:{cause}"


@dataclass(frozen=True, kw_only=True)
class Incident:
    """Something that was promised and is about to be broken, or is: by one case, or by many.

    There is one incident per (`journey`, `case_id`, `promise`); `case_id` and `root_id` are
    identifiers (`type:namespace:value`), so an incident outlives every derivation. `about` tells
    what kind of promise it is, `rule` (`policy/rule`) which rule opened it.

    The incident of a hop stands for all cases that hang on one `system` by one `error`; that of a
    KPI, of value at risk, of a silent source or of growth for what `said` says in words. So many
    `cases` belong to it, `breached` of them past a deadline; `worth` is their value (decimal text
    by currency, each contract once). It has no `case_id`; `journey` and `step` are where most
    cases are.

    `deadline` is the instant whose passing gave the present `severity`; `opened_at` the one that
    opened the incident. `recorded` means it was over before the case was known, or was told as a
    part of another incident: nobody was told of it. `reason` says why the incident is in its state.
    While it is `part_of` another (its id), that one speaks for it.

    An `episode` is one run of escalation from `escalation_from` on: `told_steps` of its steps have
    been told in this of its `rounds`; it is looked at again at `escalate_at` (none: nothing more
    will be told). An acknowledged one is looked at then because its acknowledgement lapses.
    `muted_until` is when the silences that match it are over.
    `reopenings` are the instants at which it came back, `told_cases` how many cases those who were
    told know of. `version` counts changes.
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
    rule: str = ""
    step: str = ""
    since: datetime | None = None
    due_at: datetime | None = None
    value: Decimal | None = None
    currency: str = ""
    system: str = ""
    error: str = ""
    said: str = ""
    cases: int = 1
    breached: int = 0
    worth: Mapping[str, str] = field(default_factory=dict)
    part_of: str = ""
    assignee: str = ""
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    resolved_at: datetime | None = None
    episode: int = 0
    escalation_from: datetime | None = None
    told_steps: tuple[int, ...] = ()
    rounds: int = 0
    escalate_at: datetime | None = None
    muted_until: datetime | None = None
    reopenings: tuple[str, ...] = ()
    told_cases: int = 0
    version: int = 1

    def __post_init__(self) -> None:
        if self.promise.partition(":")[0] not in _ABOUT:
            raise ValueError(f"{self.promise!r} begins with none of {', '.join(_ABOUT)}")
        # JSON knows lists only.
        object.__setattr__(self, "told_steps", tuple(self.told_steps))
        object.__setattr__(self, "reopenings", tuple(self.reopenings))

    @property
    def about(self) -> About:
        """What the promise is about."""
        return _ABOUT[self.promise.partition(":")[0]]

    @property
    def of_hop(self) -> bool:
        """Whether it stands for all cases that hang on one hop."""
        return self.about == "hop"

    @property
    def of_failure(self) -> bool:
        """Whether it is about a single case's step that has failed."""
        return self.promise.startswith(_FAILURE_PREFIX)

    @property
    def late(self) -> bool:
        """Of one case's promise: whether its deadline has passed, not just an instant before it."""
        return self.due_at is None or self.deadline >= self.due_at

    @property
    def of_many(self) -> bool:
        """Whether it stands for more than one promise of one case."""
        return self.about not in ("case", "step")

    @property
    def live(self) -> bool:
        """Whether somebody still has to do something."""
        return self.state in ("open", "acknowledged")

    @property
    def labels(self) -> Mapping[str, str]:
        """What silences match and receivers route by; what does not apply is left out."""
        labels = {
            "incident": self.id,
            "about": self.about,
            "journey": self.journey,
            "step": self.step,
            "system": self.system,
            "criticality": self.criticality,
            "severity": self.severity,
            "policy": self.policy,
            "rule": self.rule,
            "contract": self.root_id,
        }
        return {name: value for name, value in labels.items() if value}


class CaseKey(NamedTuple):
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
    """What one receiver is owed about an incident: see `alerts/notification.schema.json`.

    (`incident_id`, `episode`, `kind`, `step`, `turn`, `receiver`) is owed once. A `page` belongs to
    an escalation `step` (from 1) in its round `turn`; an `update` and a `resolved` (step 0) go to
    those who were told, `turn` being the incident's version. `reference` is what this receiver
    answered before about the incident, such as the key of a ticket.
    """

    incident_id: str
    episode: int
    step: int
    receiver: str
    reason: str
    due_at: datetime
    payload: Mapping[str, Any]
    kind: Kind = "page"
    turn: int = 0
    reference: str = ""

    @property
    def key(self) -> str:
        """What a receiver may use to drop a second delivery of the same notification."""
        place = f"{self.episode}.{self.kind}.{self.step}.{self.turn}"
        return f"{self.incident_id}.{place}.{self.receiver}"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is stored together, or not at all, when an incident changes.

    `incident.version` is one more than the version the decision was made on. `withdraw` names why
    earlier notifications that are still waiting are no longer owed; empty leaves them. `hold` is
    when those that wait are due now: later, or at once after they were held. `revive`: pages of
    this episode that were withdrawn because it was over, or part of another, are owed again.
    `hanging` are the cases that belong to it from now on; None leaves them. `news` is owed to
    everyone who has been told of the incident and has not heard since that it was over (its
    receiver is not read). Without an `event` nothing worth telling has happened; `escalated` tells
    beside it which steps have fallen due by it.
    """

    incident: Incident
    event: IncidentEvent | None
    escalated: IncidentEvent | None = None
    notifications: tuple[Notification, ...] = ()
    withdraw: str = ""
    hold: datetime | None = None
    revive: bool = False
    hanging: frozenset[CaseKey] | None = None
    news: Notification | None = None


@dataclass(frozen=True, kw_only=True)
class Briefing:
    """What whoever is told needs to act; empty where a journey declares nothing.

    `title` is the journey's, `step` that of the step it is about.
    """

    title: str
    step: str = ""
    owner: str = ""
    runbook: str = ""
    next_moves: tuple[str, ...] = ()
