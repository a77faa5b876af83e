"""What identifiers resolve to, on what evidence, and what people ruled about it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from threadline.wire.values import Instant, Page, Shape

RulingAct = Literal["assert", "retract", "lift"]


class Assertion(Shape):
    """A fact that names both ends of a tie; `mastered`: told by the system of record."""

    fact_id: str
    system: str
    name: str
    at: Instant | None
    received_at: Instant
    mastered: bool


class Ruling(Shape):
    """What somebody decided about a tie. `lift` leaves it to the evidence again."""

    number: int
    act: RulingAct
    kind: str
    child: str
    parent: str
    who: str
    at: Instant
    why: str


class Tie(Shape):
    """Two identifiers and how they are tied, with all that speaks for it.

    `since` is the earliest assertion. It is said to hold over `[valid_from, valid_to)`; null: no
    such bound. `state` is held, conflict or retracted; `reason` says why it is not held.
    `assertions` come best first: the first is the evidence that counts.
    """

    kind: str
    child: str
    parent: str
    state: str
    reason: str
    since: Instant | None
    valid_from: Instant | None = None
    valid_to: Instant | None = None
    assertions: list[Assertion]
    retractions: list[Assertion] = Field(default_factory=list)  # facts that took it back
    rulings: list[Ruling]


class Tenure(Shape):
    """Where an identifier is over `[valid_from, valid_to)` of event time; null: no such bound."""

    valid_from: Instant | None
    valid_to: Instant | None
    object_id: str
    owner_id: str
    root_id: str


class IdentifierEvidence(Shape):
    """An identifier, what it resolves to, and every tie it has.

    `root_id` is empty for an orphan; `object_id` is the name its object goes by. `tenures` tell
    where it is in the course of time, if it is not always there.
    """

    identifier: str
    object_id: str
    owner_id: str
    root_id: str
    ties: list[Tie]
    tenures: list[Tenure] = Field(default_factory=list)


class CaseName(Shape):
    """A case of a journey."""

    journey: str
    case_id: str


class ConflictRow(Shape):
    """A tie that does not hold, its best evidence, and the contracts and cases it touches."""

    kind: str
    child: str
    parent: str
    state: str
    reason: str
    system: str
    fact_id: str
    at: Instant | None
    contracts: list[str]
    cases: list[CaseName]


class ConflictCount(Shape):
    """How many ties of a kind, told by a system, are in a state other than held."""

    system: str
    kind: str
    state: str
    count: int


class Orphan(Shape):
    """A fact that belongs to no contract: it names nobody, or only what nothing ties to one."""

    source: str
    reason: Literal["names-nobody", "not-tied"]
    fact_id: str
    name: str
    at: Instant | None
    received_at: Instant
    identifiers: list[str]


class OrphanCount(Shape):
    """How many facts of a source belong to no contract, for a reason, of `facts` in all."""

    source: str
    reason: Literal["names-nobody", "not-tied"]
    count: int
    facts: int


class Suspicion(Shape):
    """A tie that may be missing: never a tie until somebody rules so.

    `score` is between 0 and 1; `why` says what speaks for it. A ruling that asserts `kind`,
    `child`, `parent` makes it a tie.
    """

    kind: str
    child: str
    parent: str
    contract: str
    score: float
    why: list[str]
    facts: int


class SuspicionPage(Page[Suspicion]):
    """Suspicions about `looked_at` of the `orphans`: identifiers named lately that lead nowhere."""

    looked_at: int
    orphans: int


class RulingRequest(Shape):
    """What is to be ruled, by whom, and why: a ruling without a reason is refused."""

    act: RulingAct
    kind: str = Field(min_length=1, max_length=100)
    child: str = Field(min_length=1, max_length=500)
    parent: str = Field(min_length=1, max_length=500)
    why: str = Field(min_length=1, max_length=2000)
    actor: str = Field("api", min_length=1, max_length=200)
