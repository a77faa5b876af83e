"""A contract across every system."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from threadline.wire.cases import CaseState, SlaState, Stuck, ThreadCase
from threadline.wire.incidents import Incident
from threadline.wire.mastery import MasteredAttribute, Mismatch
from threadline.wire.values import Instant, Money, Shape

How = Literal["own", "ancestor", "trace", "link", "shared"]


class ContractHit(Shape):
    """A contract found by one of its identifiers (`matched`), or by a trace id."""

    identifier: str
    number: str
    matched: str
    state: CaseState | None = None
    sla: SlaState | None = None
    current_step: str = ""
    value: Money | None = None


class Evidence(Shape):
    """The best evidence that ties an identifier to another (`to`): the fact that asserted it."""

    kind: str  # same_as, belongs_to, or the name of a relation
    to: str
    fact_id: str
    system: str
    at: Instant | None
    mastered: bool  # asserted by the system of record
    state: str  # held, conflict, retracted
    reason: str = ""
    valid_from: Instant | None = None  # since when it is said to hold; null: always
    valid_to: Instant | None = None


class ThreadIdentifier(Shape):
    """One name of the contract or of an object that belongs to it.

    `valid_from` and `valid_to` bound when it does, null where nothing does.
    """

    identifier: str
    object_type: str
    namespace: str
    value: str
    object_id: str
    owner_id: str
    evidence: list[Evidence]
    valid_from: Instant | None = None
    valid_to: Instant | None = None


class ThreadFact(Shape):
    """One observation, `how` it came to this contract, and what is odd about it.

    `objects` are the identifiers it speaks of. A `shared` fact speaks of several contracts: it is
    shown and is never evidence.
    """

    fact_id: str
    kind: str
    at: Instant | None
    occurred_at: Instant | None
    ended_at: Instant | None
    received_at: Instant
    system: str
    source: str
    name: str
    outcome: str
    message: str
    how: How
    objects: list[str]
    closes: list[str]  # steps whose closing fact this is, as journey/step
    trace_id: str
    annotations: list[str]


class Conflict(Shape):
    """Rival evidence that did not win, and why."""

    kind: str
    child: str
    parent: str
    fact_id: str
    system: str
    at: Instant | None
    state: str
    reason: str


class Thread(Shape):
    """A contract across every system: what is known, on what evidence, and where it is stuck."""

    identifier: str
    number: str
    as_of: Instant
    value: Money | None
    attributes: dict[str, str]
    stuck: Stuck | None  # the worst of its cases
    identifiers: list[ThreadIdentifier]
    cases: list[ThreadCase]
    facts: list[ThreadFact]  # in time order; undated ones last
    facts_total: int
    conflicts: list[Conflict]
    incidents: list[Incident]
    mastered: list[MasteredAttribute] = Field(default_factory=list)
    mismatches: list[Mismatch] = Field(default_factory=list)  # those that last first
