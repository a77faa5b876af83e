"""How the sending of summaries went: in the audit, in the log and as a metric."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Literal, get_args

from prometheus_client import Counter

from alerts.receivers import Outcome
from threadline.clock import Clock
from threadline.store.control.audit import Audit, AuditRecord
from threadline.wire.summaries import SummaryDelivery

logger = logging.getLogger(__name__)

How = Literal["sent", "delayed", "given-up", "unclear"]
LATEST = 100  # of all summaries
WHO = "threadline"
_PREFIX = "summary."


class Deliveries:
    """The delivery log: one record for each attempt."""

    def __init__(self, audit: Audit, clock: Clock, counted: Counter) -> None:
        self._audit, self._clock, self._counted = audit, clock, counted

    def record(self, name: str, due_at: datetime, went: Outcome, who: str = WHO) -> SummaryDelivery:
        """How an attempt went; one that failed on schedule is made again."""
        outcome: How = "sent" if went.delivered else "unclear" if went.unclear else "delayed"
        return self._keep(name, due_at, outcome, went.reason, who)

    def given_up(self, name: str, due_at: datetime, reason: str) -> None:
        """None was sent for `due_at`, and none will be."""
        self._keep(name, due_at, "given-up", reason, WHO)

    def of_all(self) -> dict[str, list[SummaryDelivery]]:
        """The latest attempts by summary, newest first."""
        found: dict[str, list[SummaryDelivery]] = {}
        for one in self._audit.latest_of([f"{_PREFIX}{how}" for how in get_args(How)], LATEST):
            found.setdefault(one.detail["summary"], []).append(_delivery(one))
        return found

    def _keep(
        self, name: str, due_at: datetime, outcome: How, reason: str, who: str
    ) -> SummaryDelivery:
        told = {"summary": name, "due_at": due_at.isoformat(), "reason": reason}
        self._audit.record(who, f"{_PREFIX}{outcome}", **told)
        self._counted.labels(name, outcome).inc()
        level = logging.INFO if outcome == "sent" else logging.WARNING
        logger.log(level, "summary %s due at %s: %s. %s", name, due_at, outcome, reason)
        return SummaryDelivery(
            at=self._clock.now(), due_at=due_at, outcome=outcome, reason=reason, who=who
        )


def _delivery(one: AuditRecord) -> SummaryDelivery:
    told = {"due_at": one.detail["due_at"], "reason": one.detail["reason"]}
    how = one.what.removeprefix(_PREFIX)
    return SummaryDelivery.model_validate({**told, "at": one.at, "outcome": how, "who": one.who})
