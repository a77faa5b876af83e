"""Whom an incident was told to, and who is still to be told (docs/adr/0005 and 0034)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(kw_only=True)
class Owed:
    """A notification; `failure` says why it is not owed any more. News belong to step 0."""

    episode: int
    kind: str
    step: int
    receiver: str
    reason: str
    since: datetime
    failure: str = ""
    heard: bool = False

    @property
    def waits(self) -> bool:
        """Whether it is still to be told."""
        return not self.heard and not self.failure


@dataclass(kw_only=True)
class Ledger:
    """All that was ever owed about one incident, in order; `episode` is the one it is in."""

    episode: int = 0
    owed: list[Owed] = field(default_factory=list)

    def page(self, step: int, receivers: Sequence[str], reason: str, now: datetime) -> None:
        """Owe a step of the escalation."""
        self._owe("page", step, receivers, reason, now)

    def news(self, kind: str, reason: str, due: datetime) -> None:
        """Owe it to whoever was told and has not heard, or is not about to hear, that it is over;
        that it is back concerns those too.
        """
        latest = {
            one.receiver: one.kind
            for one in self.owed
            if one.heard or (one.kind == "resolved" and not one.failure)
        }
        back = reason == "returned"
        told = [name for name, last in sorted(latest.items()) if back or last != "resolved"]
        self._owe(kind, 0, told, reason, due)

    def withdraw(self, why: str) -> None:
        """What has not been told yet is not owed any more."""
        for one in self.owed:
            if one.waits:
                one.failure = why

    def revive(self, now: datetime) -> None:
        """Pages of this episode that were withdrawn for a reason that has gone are owed again."""
        for one in self.owed:
            current = one.kind == "page" and one.episode == self.episode
            if current and one.failure in ("resolved", "part-of"):
                one.failure, one.since = "", now

    def hear(self, receiver: str, now: datetime) -> None:
        """Let `receiver` be told what is due, nothing before what it was owed earlier."""
        for one in self.owed:
            if one.receiver == receiver and one.waits:
                if one.since > now:
                    return
                one.heard = True

    def rows(self) -> list[tuple[Any, ...]]:
        """What the judge compares."""
        return sorted(
            (o.episode, o.kind, o.step, o.receiver, o.reason, o.since, o.failure, o.heard)
            for o in self.owed
        )

    def _owe(
        self, kind: str, step: int, receivers: Sequence[str], reason: str, since: datetime
    ) -> None:
        for receiver in receivers:
            one = Owed(
                episode=self.episode,
                kind=kind,
                step=step,
                receiver=receiver,
                reason=reason,
                since=since,
            )
            self.owed.append(one)
