"""What has to become of promises: the incidents of single cases of a play.

Plain Python, one promise at a time, by docs/adr/0005, 0006 and 0034. A `Book` is kept from look to
look: what was opened, raised and owed at one of them is there at the next, and goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from judge.escalating import Kept, Telling
from judge.hops import HopBook

GRAVITY = {"warning": 1, "breach": 2}

Key = tuple[str, str, str]  # journey, case id, promise


class Book(Telling[Key]):
    """All incidents of cases so far. Worlds make no two cases one, so it merges none."""

    def __init__(self, wholes: HopBook) -> None:
        super().__init__()
        self._wholes = wholes

    def look(self, cases: Mapping[tuple[str, str], Mapping[str, Any]], now: datetime) -> None:
        """Judge every promise at `now`; a case that is not known is not judged."""
        for key, kept in self.kept.items():
            whole = self._wholes.whole(key[:2])
            if kept.live and whole != kept.part_of:
                self.fold(kept, whole, now)
        for (journey, case_id), case in cases.items():
            broken = dict(_broken(case, now))
            known = {key[2] for key in self.kept if key[:2] == (journey, case_id)}
            for promise in broken.keys() | known:
                key = journey, case_id, promise
                if promise in broken:
                    self._behind(key, case, *broken[promise], now)
                elif key in self.kept and self.kept[key].live:
                    self.over(self.kept[key], _why(case, promise, now), now)

    def _behind(
        self, key: Key, case: Mapping[str, Any], severity: str, deadline: datetime, now: datetime
    ) -> None:
        kept = self.kept.get(key)
        if kept and kept.live:
            self._followed(kept, key, case, severity, deadline, now)
        elif self._wholes.whole(key[:2]):
            return
        elif kept:
            self._shown_again(kept, key, case, severity, deadline, now)
        else:
            self.kept[key] = self._opened(key, case, severity, deadline, now)

    def _opened(
        self, key: Key, case: Mapping[str, Any], severity: str, deadline: datetime, now: datetime
    ) -> Kept:
        kept = Kept(severity=severity, deadline=deadline, opened_at=deadline)
        kept.about = _standing(case, key[2])
        if why := self._unheard(key, case, deadline):
            kept.state = "recorded"
            kept.say(why, now)
        else:
            self.begin(kept, "opened", now)
        return kept

    def _unheard(self, key: Key, case: Mapping[str, Any], deadline: datetime) -> str:
        """Why nobody is told that a deadline has passed."""
        if deadline < case["known_at"]:
            return "known-too-late"
        return "told-with-whole" if self._wholes.told_of(key[:2], deadline) else ""

    def _followed(
        self,
        kept: Kept,
        key: Key,
        case: Mapping[str, Any],
        severity: str,
        deadline: datetime,
        now: datetime,
    ) -> None:
        change = GRAVITY[severity] - GRAVITY[kept.severity]
        moved = deadline != kept.deadline
        kept.severity, kept.deadline = severity, deadline
        changed = self.update(kept, _standing(case, key[2]), now)
        if change > 0 and kept.state == "open" and not kept.part_of:
            self.begin(kept, "raised", now)
        elif change:
            kept.say("raised" if change > 0 else "lowered", now)
            self.tell(kept, now)
            if change > 0:
                kept.ledger.news("update", "raised", now)
        elif moved or changed:
            if moved:
                kept.note("deadline-changed", now)
            self.tell(kept, now)

    def _shown_again(
        self,
        kept: Kept,
        key: Key,
        case: Mapping[str, Any],
        severity: str,
        deadline: datetime,
        now: datetime,
    ) -> None:
        same = (severity, deadline) == (kept.severity, kept.deadline)
        recorded = kept.state == "recorded"
        if same:
            if not recorded and kept.reason != "closed-by-hand":
                self.update(kept, _standing(case, key[2]), now)
                self.back(kept, now)
            return
        why = self._unheard(key, case, deadline)
        if why == "known-too-late" and not recorded:
            return
        kept.severity, kept.deadline = severity, deadline
        kept.about = _standing(case, key[2])
        if why:
            kept.state, kept.closed_at = "recorded", None
            kept.say(why, now)
            return
        kept.opened_at, kept.state, kept.acknowledged = deadline, "open", False
        self.begin(kept, "opened" if recorded else "reopened", now)


def incident_id(key: Key) -> str:
    """What a person would find in the address of its page."""
    return sha256("|".join(key).encode()).hexdigest()[:16]


def _standing(case: Mapping[str, Any], promise: str) -> dict[str, Any]:
    """What else is known of it: when that changes, what is due is told."""
    names = ("root_id", "criticality", "current_step", "current_since", "value", "currency")
    due = case["due_at"] if promise == "case" else case["current_due_at"]
    return {"due_at": due, **{name: case[name] for name in names}}


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
