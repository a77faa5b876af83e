"""Incidents, what was done about them and who was told."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from threadline.wire.cases import Runbook
from threadline.wire.values import Instant, Money, Shape


class Delivery(Shape):
    """Who is owed a word about an incident, why, and whether it arrived."""

    receiver: str
    kind: Literal["page", "update", "resolved", "digest", "test"]
    reason: str
    step: int
    state: Literal["delivered", "waiting", "failed"]
    attempts: int
    due_at: Instant
    delivered_at: Instant | None
    failure: str


class IncidentEvent(Shape):
    """One line of an incident's history; `who` is empty when Threadline itself acted."""

    at: Instant
    what: str
    who: str
    detail: dict[str, Any]


class Narrowing(Shape):
    """By what a list of incidents may be narrowed: the values that some of them have."""

    journey: list[str]
    criticality: list[str]
    system: list[str]


class Incident(Shape):
    """One promise that is, or was, in danger or broken: of one case, or of many.

    `about` says of what. `deadline` is the instant whose passing gave the severity. `recorded`:
    over before the case was known, and nobody was told. `history` comes with a single incident
    only. That of a hop stands for all `cases` that hang on one `system` by one `error`, that of a
    figure, a silent source or growth for what its title says: their contracts are worth `worth`, it
    has no case or contract of its own, and its deadline is when there were enough of them. Of
    growth `cases` are as many orphans, conflicts, mismatches or dead letters.
    `breached` of its cases are past a deadline. While it is `part_of` another incident (its id)
    that one speaks for it, and it for so many `parts`; until `muted_until` a silence holds it back.
    `labels` are what silences match.
    """

    id: str
    title: str
    state: Literal["open", "acknowledged", "resolved", "recorded"]
    severity: Literal["warning", "breach", "failure"]
    criticality: str
    reason: str
    policy: str
    promise: str
    about: Literal["case", "step", "hop", "kpi", "value", "source", "growth"]
    rule: str
    journey: str
    case_id: str
    contract: str
    number: str
    step: str
    step_title: str
    since: Instant | None
    due_at: Instant | None
    opened_at: Instant
    deadline: Instant
    acknowledged_at: Instant | None
    acknowledged_by: str
    resolved_at: Instant | None
    escalate_at: Instant | None
    assignee: str
    value: Money | None
    system: str
    error: str
    cases: int
    breached: int
    part_of: str
    muted_until: Instant | None
    told_steps: list[int]
    worth: list[Money] = Field(default_factory=list)
    owner: str
    runbook: Runbook
    labels: dict[str, str] = Field(default_factory=dict)
    parts: int = 0
    deliveries: list[Delivery] = Field(default_factory=list)
    history: list[IncidentEvent] = Field(default_factory=list)


class AffectedCase(Shape):
    """A case that hangs, or hung, on a hop; `left_at` is None while it does."""

    journey: str
    case_id: str
    contract: str
    number: str
    joined_at: Instant
    left_at: Instant | None


class Act(Shape):
    """What a person does about an incident: in whose name, why, and for assign to whom."""

    actor: str = Field("api", min_length=1, max_length=200)
    text: str = Field("", max_length=4000)
    assignee: str = Field("", max_length=200)
