"""The shapes of the API's answers, shared by the API, the CLI and the dashboards.

`identifier` is `type:namespace:value`; durations are seconds; instants are UTC.
"""

from __future__ import annotations

from threadline.wire.cases import (
    CaseException,
    CaseRow,
    CaseState,
    JourneyRow,
    Runbook,
    SlaState,
    Step,
    Stuck,
    ThreadCase,
)
from threadline.wire.comparisons import ComparedSide, KpiComparison
from threadline.wire.identity import (
    Assertion,
    CaseName,
    ConflictCount,
    ConflictRow,
    IdentifierEvidence,
    Orphan,
    OrphanCount,
    Ruling,
    RulingRequest,
    Suspicion,
    SuspicionPage,
    Tenure,
    Tie,
)
from threadline.wire.incidents import Act, AffectedCase, Delivery, Incident, IncidentEvent
from threadline.wire.kpis import (
    Kpi,
    KpiContribution,
    KpiPage,
    KpiPart,
    KpiPercentile,
    KpiSeriesPoint,
    KpiSpan,
    KpiState,
)
from threadline.wire.mastery import (
    Holder,
    MasteredAttribute,
    Mismatch,
    MismatchCount,
    MismatchState,
    Said,
)
from threadline.wire.operations import DeadLetter, FactDetail, Health, RawInput, SourceRow
from threadline.wire.paths import PathEdge, PathNode, Paths, PathStep, PathVariant
from threadline.wire.people import AuditRecord, Me
from threadline.wire.problems import Fault, Problem
from threadline.wire.threads import (
    Conflict,
    ContractHit,
    Evidence,
    How,
    Thread,
    ThreadFact,
    ThreadIdentifier,
)
from threadline.wire.values import Instant, Money, Page, Shape

__all__ = [
    "Act",
    "AffectedCase",
    "Assertion",
    "AuditRecord",
    "CaseException",
    "CaseName",
    "CaseRow",
    "CaseState",
    "ComparedSide",
    "Conflict",
    "ConflictCount",
    "ConflictRow",
    "ContractHit",
    "DeadLetter",
    "Delivery",
    "Evidence",
    "FactDetail",
    "Fault",
    "Health",
    "Holder",
    "How",
    "IdentifierEvidence",
    "Incident",
    "IncidentEvent",
    "Instant",
    "JourneyRow",
    "Kpi",
    "KpiComparison",
    "KpiContribution",
    "KpiPage",
    "KpiPart",
    "KpiPercentile",
    "KpiSeriesPoint",
    "KpiSpan",
    "KpiState",
    "MasteredAttribute",
    "Me",
    "Mismatch",
    "MismatchCount",
    "MismatchState",
    "Money",
    "Orphan",
    "OrphanCount",
    "Page",
    "PathEdge",
    "PathNode",
    "PathStep",
    "PathVariant",
    "Paths",
    "Problem",
    "RawInput",
    "Ruling",
    "RulingRequest",
    "Runbook",
    "Said",
    "Shape",
    "SlaState",
    "SourceRow",
    "Step",
    "Stuck",
    "Suspicion",
    "SuspicionPage",
    "Tenure",
    "Thread",
    "ThreadCase",
    "ThreadFact",
    "ThreadIdentifier",
    "Tie",
]
