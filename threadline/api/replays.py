"""What alert rules would have done over what is known, before they are activated."""

from __future__ import annotations

import threading

from fastapi import APIRouter

from alerts import policy
from alerts.policy import Policies
from alerts.rehearsal import Fired
from threadline import watching
from threadline.api.access import requires
from threadline.api.problems import Refusal
from threadline.api.services import ApiServices, Services
from threadline.errors import DefinitionErrors
from threadline.model.people import Permission
from threadline.replaying import Ruled, replay
from threadline.wire import Replay, ReplayedRule, ReplayExample, ReplayRequest

EXAMPLES = 50
BUSY = 429

router = APIRouter(
    prefix="/definitions", tags=["definitions"], dependencies=[requires(Permission.DEFINITIONS)]
)
_turn = threading.Lock()  # each looks at the whole past


@router.post("/replay")
def replayed(services: Services, asked: ReplayRequest) -> Replay:
    """How often each rule would have fired, when, on what, and how many pages would have come."""
    policies = _read(services, asked)
    if not _turn.acquire(blocking=False):
        raise Refusal(BUSY, "another replay is being made: ask again when it is done")
    try:
        found = replay(services, policies, asked.days, asked.rule)
    finally:
        _turn.release()
    return Replay(
        since=found.since,
        until=found.until,
        rules=[_rule(one) for one in found.rules],
        unknown=list(found.unknown),
    )


def _read(services: ApiServices, asked: ReplayRequest) -> Policies:
    """Raises `Refusal` where they break a rule, or do not have the one asked about."""
    try:
        policies = policy.restore(asked.policies)
        errors = list(watching.faults(policies, services.definitions, services.mapping))
        if errors:
            raise DefinitionErrors(errors)
    except DefinitionErrors as broken:
        raise Refusal(422, "; ".join(str(error) for error in broken.errors)) from broken
    names = [one.qualified for one in policies.rules]
    if asked.rule and asked.rule not in names:
        raise Refusal(422, f"rule: there is no {asked.rule!r}, but {', '.join(names)}")
    return policies


def _rule(one: Ruled) -> ReplayedRule:
    return ReplayedRule(
        rule=one.rule.qualified,
        when=one.rule.on,
        kpi=one.rule.figure.kpi if one.rule.figure else "",
        window=one.rule.figure.window if one.rule.figure else "",
        fired=len(one.fired),
        pages=one.pages,
        examples=[_example(each) for each in list(one.fired)[: -EXAMPLES - 1 : -1]],
    )


def _example(one: Fired) -> ReplayExample:
    return ReplayExample(
        at=one.incident.deadline,
        reason=one.incident.reason,
        said=one.said,
        severity=one.incident.severity,
        contract=one.incident.root_id,
        paged=one.pages,
    )
