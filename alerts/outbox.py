"""Delivering what the outbox holds: by lease, at least once, patiently, not too much at once."""

from __future__ import annotations

import logging
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Literal

from alerts.notification import Acknowledging, addressed, digest, no_link
from alerts.receivers import Outcome, Receiver
from alerts.receivers.declared import Rate, ReceiverDefinition
from threadline.clock import Clock
from threadline.store.control.outbox import Claim, Outbox, Queue

_log = logging.getLogger(__name__)

# Longer than any receiver may take (connecting and answering), so no second worker steps in early.
LEASE = timedelta(minutes=2)
# A page older than this helps nobody; the incident itself stays open and visible.
GIVE_UP_AFTER = timedelta(hours=24)
# From this attempt on, those who stand in for a receiver are told as well; at once where it wants
# to be left alone for longer than this.
_INSTEAD_FROM = 2
_PATIENCE = timedelta(minutes=1)
_AT_ONCE = 8  # receivers
_MOST_IN_A_DIGEST = 10_000

_FIRST_RETRY = timedelta(seconds=5)
_SLOWEST_RETRY = timedelta(minutes=5)
_LONGEST_REQUESTED = timedelta(hours=1)
_JITTER = 0.2

Dispatch = Literal["one", "digest", "wait"]


def backoff(outcome: Outcome, attempt: int, jitter: float = 0.0) -> timedelta:
    """How long to wait after failed attempt number `attempt`: what was asked for, else doubling.

    `jitter` (from 0 to 1) lengthens it by up to a fifth, so that not all come back at once.
    """
    if outcome.retry_after is not None:
        return min(max(outcome.retry_after, _FIRST_RETRY), _LONGEST_REQUESTED)
    doublings: int = min(attempt - 1, 10)
    return min(_FIRST_RETRY * (1 << doublings), _SLOWEST_RETRY) * (1 + _JITTER * jitter)


def dispatch(rate: Rate | None, sent: int, waiting: int, *, digests: bool = True) -> Dispatch:
    """How the next message goes to a receiver that got so many within its time.

    The last one its rate allows is for all that waits, where it takes `digests`.
    """
    if rate is None or sent < rate.limit - 1:
        return "one"
    if sent >= rate.limit:
        return "wait"
    return "digest" if waiting > 1 and digests else "one"


class Courier:
    """One worker; any number may share an outbox.

    Receivers are called outside any transaction, several at a time, each by one thread. A crash
    between delivering and settling sends the notification again once its lease has run out, marked
    as a repeat.
    """

    def __init__(
        self,
        outbox: Outbox,
        receivers: Mapping[str, Receiver],
        definitions: Iterable[ReceiverDefinition],
        clock: Clock,
        *,
        at_once: int = _AT_ONCE,
        jitter: Callable[[], float] = random.random,
        acknowledging: Acknowledging = no_link,
    ) -> None:
        self._outbox = outbox
        self._receivers = receivers
        self._definitions = {one.name: one for one in definitions}
        self._clock = clock
        self._at_once = at_once
        self._jitter = jitter
        self._acknowledging = acknowledging
        self._name = uuid.uuid4().hex

    def deliver_due(self, now: datetime) -> Counter[str]:
        """Try everything due at `now`; how many attempts ended in which way, by named reason.

        A receiver that fails is left alone for the rest of the call.
        """
        queues = self._outbox.queues(now)
        counts: Counter[str] = Counter()
        if self._at_once < 2 or len(queues) < 2:
            for queue in queues:
                counts += self._empty(queue, now)
            return counts
        with ThreadPoolExecutor(min(self._at_once, len(queues)), "courier") as pool:
            for counted in pool.map(lambda queue: self._empty(queue, now), queues):
                counts += counted
        return counts

    def _empty(self, queue: Queue, now: datetime) -> Counter[str]:
        """Deliver what waits for one receiver."""
        counts: Counter[str] = Counter()
        waiting = queue.waiting
        while (how := self._dispatch(queue.receiver, waiting, now)) != "wait":
            most = _MOST_IN_A_DIGEST if how == "digest" else 1
            claims = self._outbox.claim(
                now,
                receiver=queue.receiver,
                owner=self._name,
                lease_until=max(now, self._clock.now()) + LEASE,
                most=most,
            )
            if not claims:
                return counts
            if self._clock.now() >= claims[0].lease_until:
                return counts  # we stood still since: by now they are somebody else's
            waiting -= len(claims)
            outcome = self._attempt(claims)
            reason = self._settle(claims, outcome, self._clock.now())
            counts[reason] += 1
            if outcome.retry:
                return counts
        return counts

    def _dispatch(self, receiver: str, waiting: int, now: datetime) -> Dispatch:
        definition = self._definitions.get(receiver)
        rate = definition.rate if definition else None
        sent = self._outbox.sent(receiver, now - rate.per) if rate else 0
        digests = definition is None or definition.digests
        return dispatch(rate, sent, waiting, digests=digests)

    def _attempt(self, claims: Sequence[Claim]) -> Outcome:
        first = claims[0].notification
        receiver = self._receivers.get(first.receiver)
        if receiver is None:
            return Outcome(delivered=False, reason="receiver is not configured")
        repeat = any(claim.doubtful for claim in claims)
        if len(claims) > 1:
            return receiver.deliver(digest([one.notification for one in claims], repeat=repeat))
        told = addressed(first, repeat=repeat, acknowledging=self._acknowledging)
        return receiver.deliver(told)

    def _settle(self, claims: Sequence[Claim], outcome: Outcome, at: datetime) -> str:
        first = claims[0]
        if outcome.delivered:
            self._outbox.delivered(
                claims, at, message=first.notification.key, reference=outcome.reference
            )
            return "delivered"
        old = [one for one in claims if at - one.owed_since >= GIVE_UP_AFTER]
        young = [one for one in claims if at - one.owed_since < GIVE_UP_AFTER]
        if outcome.retry and young:
            self._retry(young, outcome, at)
        given_up = old if outcome.retry else claims
        return self._give_up(given_up, outcome, at) if given_up else outcome.reason

    def _retry(self, claims: Sequence[Claim], outcome: Outcome, at: datetime) -> None:
        attempt = claims[0].attempt
        after = backoff(outcome, attempt, self._jitter())
        stood_in_for = attempt >= _INSTEAD_FROM or after > _PATIENCE
        self._outbox.retry(
            claims,
            at,
            outcome.reason,
            after,
            doubtful=outcome.unclear,
            instead=self._instead(claims[0]) if stood_in_for else (),
        )

    def _give_up(self, claims: Sequence[Claim], outcome: Outcome, at: datetime) -> str:
        reason = f"gave up: {outcome.reason}" if outcome.retry else outcome.reason
        self._outbox.failed(claims, at, reason, instead=self._instead(claims[0]))
        for claim in claims:
            _log.error("notification %s was not delivered: %s", claim.notification.key, reason)
        return reason

    def _instead(self, claim: Claim) -> tuple[str, ...]:
        definition = self._definitions.get(claim.notification.receiver)
        return definition.fallback if definition else ()
