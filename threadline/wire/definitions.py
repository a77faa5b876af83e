"""What a change of definitions would do."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from threadline.wire.cases import CaseState, SlaState
from threadline.wire.values import Instant, Shape


class PreviewRequest(Shape):
    """Definitions to hold against those in force: `metrics` as the control store keeps them.

    `claims` overrides what changed journeys say of cases that have started: new, open or all.
    """

    metrics: dict[str, Any]
    claims: Literal["", "new", "open", "all"] = ""
    days: int = Field(default=30, ge=1, le=3660)


class PreviewStanding(Shape):
    """How a case stands under a version of its journey."""

    version: str
    state: CaseState
    sla: SlaState
    due_at: Instant | None
    current_step: str


class PreviewCase(Shape):
    """A case that would stand otherwise; `now` or `then` is None where it is none."""

    journey: str
    case_id: str
    number: str
    contract: str
    now: PreviewStanding | None
    then: PreviewStanding | None


class PreviewKpi(Shape):
    """A KPI under both; None where it has no value, or is not defined."""

    kpi: str
    title: str
    unit: str
    now: float | None
    then: float | None
    n_now: int
    n_then: int


class Preview(Shape):
    """What activating the definitions now would do.

    `journeys` are those that differ. `cases` would be judged by another version: `moved` stand
    otherwise, of which `examples` are the first; `won` are late and would not be, `lost` would be
    and are not. `contracts` of `contracts_known` were looked at, the latest. `unread` are
    attributes that only the new definitions read: what facts said of them counts as not said.
    """

    journeys: list[str]
    claims: dict[str, str]
    contracts: int
    contracts_known: int
    cases: int
    moved: int
    won: int
    lost: int
    examples: list[PreviewCase]
    kpis: list[PreviewKpi]
    unread: list[str]


class ReplayRequest(Shape):
    """Alert policies to play over what is known: `policies` as the control store keeps them.

    `rule` (`policy/rule`) asks about one of them; '' about all.
    """

    policies: dict[str, Any]
    rule: str = ""
    days: int = Field(default=90, ge=1, le=3660)


class ReplayExample(Shape):
    """One time that a rule would have fired, and what it would have said."""

    at: Instant
    reason: str
    said: str
    severity: str
    contract: str
    paged: bool


class ReplayedRule(Shape):
    """How often a rule would have `fired`, and how many `pages` would have come of it with all the
    others beside it: cases that hang on one cause are told as one. `examples` are the last. `kpi`
    is the one it watches over the `window` of that name, '' where it watches none.
    """

    rule: str
    when: str
    kpi: str = ""
    window: str = ""
    fired: int
    pages: int
    examples: list[ReplayExample]


class Replay(Shape):
    """What alert rules would have done, and in words what that cannot know."""

    since: Instant
    until: Instant
    rules: list[ReplayedRule]
    unknown: list[str]
