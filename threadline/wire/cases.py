"""Cases of journeys: their steps, exceptions, and where they are stuck."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from threadline.wire.values import Instant, Money, Shape

CaseState = Literal["open", "paused", "completed", "cancelled"]
SlaState = Literal["on_track", "at_risk", "breached", "met", "missed", "unknown"]


class Runbook(Shape):
    """What to do when it hangs: the next move, when to replay, what to undo before."""

    next: str = ""
    replay: str = ""
    compensate: str = ""
    url: str = ""


class Attempt(Shape):
    """An attempt to put a step right: a replay or a compensation, and how it went."""

    kind: Literal["replay", "compensation"]
    at: Instant | None
    system: str
    succeeded: bool
    message: str
    fact_id: str


class Step(Shape):
    """A milestone of a case. Open: `closed_at` is None; `since` is when it could have begun."""

    step: str
    title: str
    system: str
    required: bool
    state: Literal["done", "open", "late", "failed", "waiting", "skipped"]
    since: Instant | None
    due_at: Instant | None
    closed_at: Instant | None
    closed_by: str  # fact id
    reopened_at: Instant | None = None  # since when it has to be done again
    times: int | None = 1  # how many successes it needs; None: nobody says
    done: int = 0  # how many of them there are
    failures: int
    first_failed_at: Instant | None
    rework: int
    message: str
    actor_type: str
    sampled: bool
    alternative: str = ""  # which implementation closed it, of several that may
    owner: str
    runbook: Runbook
    attempts: list[Attempt] = Field(default_factory=list)  # to put it right, by time


class CaseException(Shape):
    """A business failure inside a case, and the fact that tells of it."""

    kind: str
    step: str
    system: str
    at: Instant | None
    message: str
    fact_id: str


class Lost(Shape):
    """Between which systems a case was lost that was dropped silently.

    The last thing heard of it on its way, and the system it should have reached (`to`, the same
    where it did reach it). `passed` other cases that came later have got through, the last of them
    at `passed_at`: the system is alive.
    """

    last: str  # the system that saw it last
    to: str
    at: Instant
    name: str
    fact_id: str
    passed: int
    passed_at: Instant | None


class Stuck(Shape):
    """Where a case waits: since when, why, whose it is and what to do next."""

    journey: str
    case_id: str
    step: str
    title: str
    system: str
    since: Instant | None
    due_at: Instant | None
    late: bool
    reason: str  # a word a program can act on, e.g. failed, late, waiting
    why: str  # a sentence for people
    lost: Lost | None = None
    owner: str
    runbook: Runbook


class CaseRow(Shape):
    """One run of a journey for one object, its states as of the answer.

    Behind revenue leakage a row may be a copy that differs from its master: `journey` is empty, and
    `started_at` is since when.
    """

    journey: str
    case_id: str
    contract: str  # identifier of the contract; empty for an orphan
    number: str
    state: CaseState
    sla: SlaState
    started_at: Instant
    completed_at: Instant | None
    cancelled_at: Instant | None
    reopened_at: Instant | None = None  # the last time it went on after an end, of `reopenings`
    reopenings: int = 0
    ended_before_at: Instant | None = None
    warn_at: Instant | None
    due_at: Instant | None
    current_step: str
    current_title: str
    current_since: Instant | None
    current_due_at: Instant | None
    stuck_reason: str
    stuck_message: str
    lost: Lost | None = None  # in lists of cases and on threads, where it was dropped silently
    owner: str
    criticality: str
    value: Money | None
    dimensions: dict[str, Any]
    annotations: list[str]
    exceptions: int
    rework: int
    standing: str = ""  # behind a KPI: how this case stands in it, e.g. met or missed
    contributes: float | None = None  # behind a KPI: what this case added to it
    step: str = ""  # behind a KPI of steps: which of the case's, and from when until when it counts
    step_title: str = ""
    since: Instant | None = None
    until: Instant | None = None


class ThreadCase(Shape):
    """A case with all it is made of; `stuck` is None when it waits for nothing."""

    case: CaseRow
    title: str
    steps: list[Step]
    exceptions: list[CaseException]
    stuck: Stuck | None


class JourneyRow(Shape):
    """A journey and how many of its cases are in which state now."""

    journey: str
    title: str
    case_type: str
    criticality: str
    owner: str
    steps: list[str]
    dimensions: list[str]
    cases: int
    states: dict[str, int]
    sla: dict[str, int]
    annotations: dict[str, int] = Field(default_factory=dict)  # how many cases each is said of
