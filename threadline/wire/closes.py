"""Monthly closes: what was published, and what has become of it since."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from threadline.wire.identity import Ruling
from threadline.wire.kpis import Kpi
from threadline.wire.threads import ThreadFact
from threadline.wire.values import Instant, Shape


class CloseRequest(Shape):
    """Which month is to be closed (`2026-09`), from what was known at `at` (by default: now).

    `again` adds a revision where the month is closed already.
    """

    period: str = Field(max_length=20)
    at: Instant | None = None
    note: str = Field("", max_length=2000)
    again: bool = False
    actor: str = Field("api", min_length=1, max_length=200)


class Close(Shape):
    """A month, `[start, end)` in the firm's `zone`, as it was published by what was known at `at`.

    `silent` are the systems that had not been heard of within their cadence by then. `digest` is
    SHA-256 over all that is frozen; the audit has it, too. `revision` grows when the month is
    closed again.
    """

    period: str
    revision: int
    start: Instant
    end: Instant
    zone: str
    at: Instant
    taken_at: Instant
    who: str
    note: str
    silent: list[str]
    digest: str


class ClosedKpi(Kpi):
    """A KPI as it was published: reckoned as of `reckoned_at`, under a definition of that digest.

    What is a state (open cases, money at risk) is that of the period's end. `kept`: whether what it
    was computed from is kept, or was too much.
    """

    reckoned_at: Instant
    definition: str
    kept: bool


class ClosedPeriod(Shape):
    """A close with all that was published."""

    close: Close
    items: list[ClosedKpi]


class CountedEntry(Shape):
    """What a published value was computed from: a case, step, contract, or facts of one standing.

    `counts`: the value rests on it; `hit`: it is in the numerator. `contributes` is in `unit`: the
    KPI's (seconds of working time when `business`), where 1 or 0 of a share or count; or `facts`.
    """

    journey: str
    subject: str
    step: str
    contract: str
    number: str
    standing: str
    counts: bool
    hit: bool
    contributes: float | None
    unit: str
    business: bool


class DefinitionChange(Shape):
    """A definition that was activated, or withdrawn, after a close."""

    kind: str  # kpis, journeys, calendars, holidays, rates, sources or objects
    name: str
    active_from: Instant


class RestatedKpi(Shape):
    """A published figure beside the one that today's knowledge gives of the same instant.

    `published` is None for money in a currency that nobody knew of, `restated` for a KPI that is no
    more, or of which nothing can be known: `why` then says so. `entered`, `left` and `changed`
    count what it is computed from; None: that was not kept. `redefined`: the KPI's own definition
    is another one.
    """

    kpi: str
    title: str
    unit: str
    published: ClosedKpi | None
    restated: Kpi | None
    difference: float | None
    differs: bool
    redefined: bool
    entered: int | None
    left: int | None
    changed: int | None
    why: str = ""


class Restatement(Shape):
    """What was published of a period, and what is known of it as of `as_of`.

    `definitions` were activated since; `heard_since` names systems that were silent at the close
    and have been heard of.
    """

    close: Close
    as_of: Instant
    items: list[RestatedKpi]
    definitions: list[DefinitionChange]
    heard_since: list[str]


class RestatedCase(Shape):
    """Something that counts otherwise than it did when the period was closed, and why.

    `facts` were received after the close and belong to its contract, or decided to whom it belongs;
    `rulings`, `definitions` and `heard_since` as far as they concern it.
    """

    how: Literal["entered", "left", "changed"]
    before: CountedEntry | None
    after: CountedEntry | None
    facts: list[ThreadFact]
    rulings: list[Ruling]
    definitions: list[DefinitionChange]
    heard_since: list[str]
