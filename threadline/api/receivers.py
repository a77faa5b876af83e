"""Where notifications go, and trying out whether they arrive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import APIRouter

from threadline.api.access import requires
from threadline.api.services import Services
from threadline.model.people import Permission
from threadline.store.control.deliveries import Receiving
from threadline.wire import Act, Page, Receiver, ReceiverTrial

LOOKED_BACK = timedelta(days=1)

router = APIRouter(
    prefix="/receivers", tags=["receivers"], dependencies=[requires(Permission.INCIDENTS)]
)


@router.get("")
def listing(services: Services) -> Page[Receiver]:
    """All that policies declare, by name; those that lack a secret with what they lack."""
    receiving = services.alerts.receiving(services.clock.now() - LOOKED_BACK)
    there = [
        Receiver(
            name=one.name,
            type=one.type,
            limit=one.rate.limit if one.rate else None,
            per_seconds=one.rate.per.total_seconds() if one.rate else None,
            fallback=list(one.fallback),
            **_standing(receiving.get(one.name)),
        )
        for one in services.alerts.policies.receivers
    ]
    lacking = [
        Receiver(name=name, type="", lacks=list(variables))
        for name, variables in services.alerts.policies.left_out.items()
    ]
    return Page(items=sorted(there + lacking, key=lambda one: one.name), next=None)


def _standing(receiving: Receiving | None) -> dict[str, Any]:
    names = ("delivered_at", "waiting", "failure")
    return {name: getattr(receiving, name) for name in names} if receiving else {}


@router.post("/{policy}/{receiver}/test", dependencies=[requires(Permission.HANDLING)])
def test(services: Services, policy: str, receiver: str, act: Act) -> ReceiverTrial:
    """Send one message that says it is a test, now, past outbox and rate limits."""
    name, who = f"{policy}/{receiver}", services.asker.named(act.actor)
    outcome = services.alerts.try_out(name, who=who)
    reason = outcome.reason if not outcome.delivered else ""
    services.audit.record(who, "receiver.tested", receiver=name, failure=reason)
    return ReceiverTrial(
        receiver=name, delivered=outcome.delivered, failure=reason, passing=outcome.retry
    )
