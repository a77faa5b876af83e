"""Delivering what the outbox holds: by lease, at least once, with patience."""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from alerts.receivers import Outcome, Receiver
from threadline.clock import Clock
from threadline.store.control.outbox import Claim, Outbox

_log = logging.getLogger(__name__)

# Longer than any receiver may take (connecting and answering), so no second worker steps in early.
LEASE = timedelta(minutes=5)
# A page older than this helps nobody; the incident itself stays open and visible.
GIVE_UP_AFTER = timedelta(hours=24)

_FIRST_RETRY = timedelta(seconds=5)
_SLOWEST_RETRY = timedelta(minutes=5)
_LONGEST_REQUESTED = timedelta(hours=1)


def backoff(outcome: Outcome, attempt: int) -> timedelta:
    """How long to wait after failed attempt number `attempt`: what was asked for, else doubling."""
    if outcome.retry_after is not None:
        return min(max(outcome.retry_after, _FIRST_RETRY), _LONGEST_REQUESTED)
    doublings: int = min(attempt - 1, 10)
    return min(_FIRST_RETRY * (1 << doublings), _SLOWEST_RETRY)


class Courier:
    """One worker; any number may share an outbox.

    Receivers are called outside any transaction. A crash between delivering and settling sends the
    notification again once its lease has run out.
    """

    def __init__(self, outbox: Outbox, receivers: Mapping[str, Receiver], clock: Clock) -> None:
        self._outbox = outbox
        self._receivers = receivers
        self._clock = clock
        self._name = uuid.uuid4().hex

    def deliver_due(self, now: datetime) -> Counter[str]:
        """Try everything due at `now`; how many attempts ended in which way, by named reason.

        A receiver that fails is left alone for the rest of the call, so that its time limits do not
        hold up what others are owed.
        """
        counts: Counter[str] = Counter()
        failing: set[str] = set()
        while (claim := self._claim(now, failing)) is not None:
            outcome = self._attempt(claim)
            reason = self._settle(claim, outcome, self._clock.now())
            counts[reason] += 1
            if outcome.retry:
                failing.add(claim.notification.receiver)
        return counts

    def _claim(self, now: datetime, failing: set[str]) -> Claim | None:
        until = max(now, self._clock.now()) + LEASE
        return self._outbox.claim(now, owner=self._name, lease_until=until, excluding=failing)

    def _attempt(self, claim: Claim) -> Outcome:
        receiver = self._receivers.get(claim.notification.receiver)
        if receiver is None:
            return Outcome(delivered=False, reason="receiver is not configured")
        return receiver.deliver(claim.notification)

    def _settle(self, claim: Claim, outcome: Outcome, at: datetime) -> str:
        if outcome.delivered:
            self._outbox.delivered(claim, at)
            return "delivered"
        if outcome.retry and at - claim.owed_since < GIVE_UP_AFTER:
            self._outbox.retry(claim, at, outcome.reason, backoff(outcome, claim.attempt))
            return outcome.reason
        reason = f"gave up: {outcome.reason}" if outcome.retry else outcome.reason
        self._outbox.failed(claim, at, reason)
        notification = claim.notification
        _log.error("notification %s was not delivered: %s", notification.key, reason)
        return reason
