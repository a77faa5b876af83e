"""How an incident is told, by the judge's own policy (docs/adr/0005 and 0034)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from judge.owed import Ledger

DEFINITIONS = Path(__file__).with_name("definitions")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
GROWTH = 5  # times as many cases are news

K = TypeVar("K")


@dataclass(kw_only=True)
class Kept:
    """One incident. `told` escalation steps were owed since `paged_at`, in the episode of `ledger`.

    `about` is what else is known of it; while it is `part_of` a whole, that one speaks for it.
    """

    severity: str
    deadline: datetime
    opened_at: datetime
    state: str = "open"
    reason: str = ""
    acknowledged: bool = False
    part_of: str = ""
    closed_at: datetime | None = None
    paged_at: datetime | None = None
    told: int = 0
    told_cases: int = 0
    reopenings: list[datetime] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    history: list[tuple[datetime, str]] = field(default_factory=list)

    @property
    def live(self) -> bool:
        """Whether somebody still has to do something."""
        return self.state in ("open", "acknowledged")

    @property
    def cases(self) -> int:
        """How many belong to it."""
        return int(self.about.get("cases", 1))

    def note(self, what: str, now: datetime) -> None:
        """Write it into the history."""
        self.history.append((now, what))

    def say(self, reason: str, now: datetime) -> None:
        """What has become of it, and why."""
        self.reason = reason
        self.note(reason, now)


@cache
def policy() -> dict[str, Any]:
    """The judge's own, as written."""
    text = (DEFINITIONS / "policies" / "default.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def lasting(text: str) -> timedelta:
    """A time as policies write it."""
    return timedelta(seconds=int(text[:-1]) * SECONDS[text[-1]])


class Telling(Generic[K]):
    """Incidents by key, and what becomes of each whatever it is about."""

    def __init__(self) -> None:
        self.kept: dict[K, Kept] = {}
        given = policy()
        self.grace = lasting(given["grace"])
        self._often, self._while, self._steady = (
            given["flapping"]["reopened"],
            lasting(given["flapping"]["within"]),
            lasting(given["flapping"]["steady"]),
        )
        self._steps = [
            (lasting(step["after"]), [f"{given['policy']}/{name}" for name in step["receivers"]])
            for step in given["escalation"]
        ]

    @property
    def became(self) -> Counter[str]:
        """How often what became of an incident."""
        return Counter(what for kept in self.kept.values() for _, what in kept.history)

    def escalate(self, now: datetime) -> None:
        """Owe the steps that are due at `now` and not told yet, of what nobody is on."""
        for kept in self.kept.values():
            if self.tell(kept, now):
                kept.note("escalated", now)

    def hear(self, receiver: str, now: datetime) -> None:
        """Let `receiver` be told all that is due."""
        for kept in self.kept.values():
            kept.ledger.hear(receiver, now)

    def acknowledge(self, key: K, now: datetime) -> None:
        """Somebody is on it."""
        kept = self.kept[key]
        kept.state, kept.acknowledged = "acknowledged", True
        kept.say("acknowledged", now)
        kept.ledger.withdraw("acknowledged")
        kept.ledger.news("update", "acknowledged", now)

    def close(self, key: K, now: datetime) -> None:
        """Somebody says that it is over."""
        kept = self.kept[key]
        kept.state, kept.reason, kept.part_of = "resolved", "closed-by-hand", ""
        kept.paged_at, kept.closed_at = None, now
        kept.note("resolved", now)
        kept.ledger.withdraw("resolved")
        kept.ledger.news("resolved", "closed-by-hand", now)

    def over(self, kept: Kept, reason: str, now: datetime) -> None:
        """It has ended; who was told hears so once it is sure not to be back."""
        kept.state, kept.part_of, kept.closed_at = "resolved", "", now
        kept.say(reason, now)
        kept.ledger.withdraw("resolved")
        kept.ledger.news("resolved", reason, now + self.grace)

    def back(self, kept: Kept, now: datetime) -> None:
        """It had not ended: same episode, same acknowledgement, and what was withdrawn is owed."""
        kept.state, kept.closed_at = "acknowledged" if kept.acknowledged else "open", None
        kept.say("returned", now)
        kept.ledger.withdraw("returned")
        if not kept.acknowledged:
            kept.ledger.revive(now)
        kept.ledger.news("update", "returned", now)
        self.tell(kept, now)

    def fold(self, kept: Kept, whole: str, now: datetime) -> None:
        """It has become part of a whole, or of none: then its escalation goes on where it was."""
        kept.part_of = whole
        kept.note("folded" if whole else "parted", now)
        if whole:
            kept.ledger.withdraw("part-of")
        elif kept.state == "open":
            kept.ledger.revive(now)
            self.tell(kept, now)

    def begin(self, kept: Kept, reason: str, now: datetime) -> None:
        """A new episode; what comes back often is told once it has stood."""
        kept.ledger.withdraw("superseded")
        kept.say(reason, now)
        start = now
        if reason == "reopened":
            lately = [at for at in kept.reopenings if now - at < self._while]
            kept.reopenings = [*lately, now]
            if len(kept.reopenings) >= self._often:
                start = now + self._steady
        kept.ledger.episode += 1
        kept.paged_at, kept.told, kept.told_cases = start, 0, 0
        self.tell(kept, now)

    def update(self, kept: Kept, about: Mapping[str, Any], now: datetime) -> bool:
        """Take over what has changed about it; whether anything has."""
        changed = any(kept.about.get(name) != value for name, value in about.items())
        kept.about |= about
        return changed

    def tell(self, kept: Kept, now: datetime) -> bool:
        """Owe the steps that are due; whether there were any."""
        before = kept.told
        if kept.state != "open" or kept.part_of or kept.paged_at is None:
            return False
        for number, (after, receivers) in enumerate(self._steps, 1):
            if number > kept.told and kept.paged_at + after <= now:
                kept.told, kept.told_cases = number, kept.cases
                reason = kept.reason if number == 1 else "escalated"
                kept.ledger.page(number, receivers, reason, now)
        return kept.told > before

    def grow(self, kept: Kept, now: datetime) -> None:
        """Whoever was told learns that it has become much bigger."""
        if kept.told_cases and kept.cases >= GROWTH * kept.told_cases:
            kept.ledger.news("update", "grown", now)
            kept.told_cases = kept.cases


def told(kept: Kept) -> dict[str, Any]:
    """What the judge compares."""
    return {
        **{name: getattr(kept, name) for name in ("state", "reason", "severity", "deadline")},
        "opened_at": kept.opened_at,
        "part_of": kept.part_of,
        "told": kept.told,
        "owed": kept.ledger.rows(),
        "history": kept.history,
    }
