"""What has to become of promises: the incidents of a play, and whom they were told to.

Plain Python, one promise at a time, by docs/adr/0005 and 0006. A `Book` is kept from look to look:
what was opened, raised and owed at one of them is there at the next, and goes on from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

POLICY = Path(__file__).parents[2] / "alerts" / "policies" / "default.yaml"
SECONDS = {"s": 1, "m": 60, "h": 3600}
GRAVITY = {"warning": 1, "breach": 2}

Key = tuple[str, str, str]  # journey, case id, promise


@dataclass(kw_only=True)
class Owed:
    """A notification; `failure` says why it is not owed any more."""

    episode: int
    step: int
    receiver: str
    reason: str
    since: datetime
    failure: str = ""


@dataclass(kw_only=True)
class Kept:
    """One incident. `told` escalation steps were owed since `paged_at`, in this `episode`."""

    severity: str
    deadline: datetime
    opened_at: datetime
    state: str = "open"
    reason: str = ""
    acknowledged: bool = False
    episode: int = 0
    paged_at: datetime | None = None
    told: int = 0
    owed: list[Owed] = field(default_factory=list)
    history: list[tuple[datetime, str]] = field(default_factory=list)


class Book:
    """All incidents of a play so far. Worlds make no two cases one, so it merges none."""

    def __init__(self) -> None:
        given = yaml.safe_load(POLICY.read_text(encoding="utf-8"))
        self._steps = [
            (
                timedelta(seconds=int(step["after"][:-1]) * SECONDS[step["after"][-1]]),
                [f"{given['policy']}/{name}" for name in step["receivers"]],
            )
            for step in given["escalation"]
        ]
        self.kept: dict[Key, Kept] = {}

    @property
    def became(self) -> Counter[str]:
        """How often what became of an incident."""
        return Counter(what for kept in self.kept.values() for _, what in kept.history)

    def look(self, cases: Mapping[tuple[str, str], Mapping[str, Any]], now: datetime) -> None:
        """Judge every promise at `now`; a case that is not known is not judged."""
        for (journey, case_id), case in cases.items():
            broken = dict(_broken(case, now))
            known = {key[2] for key in self.kept if key[:2] == (journey, case_id)}
            for promise in broken.keys() | known:
                kept = self.kept.get((journey, case_id, promise))
                if promise not in broken:
                    if kept and kept.state in ("open", "acknowledged"):
                        _close(kept, _why(case, promise, now), now)
                elif kept is None:
                    self.kept[journey, case_id, promise] = self._opened(case, *broken[promise], now)
                elif kept.state in ("open", "acknowledged"):
                    self._followed(kept, *broken[promise], now)
                else:
                    self._shown_again(kept, case, *broken[promise], now)
        self.escalate(now)

    def escalate(self, now: datetime) -> None:
        """Owe the steps that are due at `now` and not told yet, of what nobody is on."""
        for kept in self.kept.values():
            if kept.state == "open" and self._tell(kept, now):
                kept.history.append((now, "escalated"))

    def acknowledge(self, key: Key, now: datetime) -> None:
        """Somebody is on it."""
        kept = self.kept[key]
        kept.state, kept.reason, kept.acknowledged = "acknowledged", "acknowledged", True
        _withdraw(kept, "acknowledged")
        kept.history.append((now, "acknowledged"))

    def close(self, key: Key, now: datetime) -> None:
        """Somebody says that it is over."""
        kept = self.kept[key]
        kept.state, kept.reason, kept.paged_at = "resolved", "closed-by-hand", None
        _withdraw(kept, "resolved")
        kept.history.append((now, "resolved"))

    def _opened(
        self, case: Mapping[str, Any], severity: str, deadline: datetime, now: datetime
    ) -> Kept:
        kept = Kept(severity=severity, deadline=deadline, opened_at=deadline)
        if deadline < case["known_at"]:
            kept.state = "recorded"
            _said(kept, "known-too-late", now)
        else:
            self._page(kept, "opened", now)
        return kept

    def _followed(self, kept: Kept, severity: str, deadline: datetime, now: datetime) -> None:
        change = GRAVITY[severity] - GRAVITY[kept.severity]
        moved = deadline != kept.deadline
        kept.severity, kept.deadline = severity, deadline
        if change > 0 and kept.state == "open":
            self._page(kept, "raised", now)
        elif change:
            _said(kept, "raised" if change > 0 else "lowered", now)
        elif moved:
            kept.history.append((now, "deadline-changed"))

    def _shown_again(
        self,
        kept: Kept,
        case: Mapping[str, Any],
        severity: str,
        deadline: datetime,
        now: datetime,
    ) -> None:
        same = (severity, deadline) == (kept.severity, kept.deadline)
        recorded = kept.state == "recorded"
        if same and not recorded and kept.reason != "closed-by-hand":
            kept.state = "acknowledged" if kept.acknowledged else "open"
            _said(kept, "returned", now)
        if same:
            return
        if deadline < case["known_at"]:
            if recorded:
                kept.severity, kept.deadline = severity, deadline
                kept.history.append((now, "known-too-late"))
            return
        kept.severity, kept.deadline, kept.opened_at = severity, deadline, deadline
        kept.state, kept.acknowledged = "open", False
        self._page(kept, "opened" if recorded else "reopened", now)

    def _page(self, kept: Kept, reason: str, now: datetime) -> None:
        _withdraw(kept, "superseded")
        _said(kept, reason, now)
        kept.episode, kept.paged_at, kept.told = kept.episode + 1, now, 0
        self._tell(kept, now)

    def _tell(self, kept: Kept, now: datetime) -> bool:
        before = kept.told
        for number, (after, receivers) in enumerate(self._steps, 1):
            if number > kept.told and kept.paged_at and kept.paged_at + after <= now:
                kept.told = number
                reason = kept.reason if number == 1 else "escalated"
                for receiver in receivers:
                    one = Owed(
                        episode=kept.episode,
                        step=number,
                        receiver=receiver,
                        reason=reason,
                        since=now,
                    )
                    kept.owed.append(one)
        return kept.told > before


def incident_id(key: Key) -> str:
    """What a person would find in the address of its page."""
    return sha256("|".join(key).encode()).hexdigest()[:16]


def told(kept: Kept) -> dict[str, Any]:
    """What the judge compares."""
    owed = [(o.episode, o.step, o.receiver, o.reason, o.since, o.failure) for o in kept.owed]
    return {
        **{name: getattr(kept, name) for name in ("state", "reason", "severity", "deadline")},
        "opened_at": kept.opened_at,
        "told": kept.told,
        "owed": sorted(owed),
        "history": kept.history,
    }


def _broken(case: Mapping[str, Any], now: datetime) -> Iterator[tuple[str, tuple[str, datetime]]]:
    """What lies behind: by promise the severity and the deadline."""
    if _over(case, now):
        return
    due, warn, step_due = case["due_at"], case["warn_at"], case["current_due_at"]
    if due and due < now:
        yield "case", ("breach", due)
    elif warn and warn <= now:
        yield "case", ("warning", warn)
    if step_due and step_due < now:
        yield f"step:{case['current_step']}", ("breach", step_due)


def _over(case: Mapping[str, Any], now: datetime) -> str:
    if case["completed_at"]:
        return "completed"
    if case["cancelled_at"]:
        return "cancelled"
    paused = case["paused_from"] and case["paused_from"] <= now < case["paused_until"]
    return "paused" if paused else ""


def _why(case: Mapping[str, Any], promise: str, now: datetime) -> str:
    """Why a promise is no longer behind."""
    if over := _over(case, now):
        return over
    here = promise in ("case", f"step:{case['current_step']}")
    return "deadline-moved" if here else "moved-on"


def _close(kept: Kept, reason: str, now: datetime) -> None:
    kept.state = "resolved"
    _said(kept, reason, now)
    _withdraw(kept, "resolved")


def _said(kept: Kept, reason: str, now: datetime) -> None:
    kept.reason = reason
    kept.history.append((now, reason))


def _withdraw(kept: Kept, why: str) -> None:
    for one in kept.owed:
        one.failure = one.failure or why
