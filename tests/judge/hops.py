"""What has to become of hops that fail or hold cases up: one incident per cause (ADR 8, 34)."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from judge.escalating import Kept, Telling, lasting, policy, told
from judge.observable import Truth

GRAVEST_FIRST = ("revenue", "delivery", "reference")

Row = dict[str, Any]
Case = tuple[str, str]  # journey, case id


@dataclass(kw_only=True)
class Spell:
    """A stretch for which a case belonged to an incident; it came after those before it."""

    promise: str
    case: Case
    left_at: datetime | None = None


class HopBook(Telling[str]):
    """The incidents of hops by promise, and which cases belong, or belonged, to each."""

    def __init__(self) -> None:
        super().__init__()
        rules = {rule["when"]: rule for rule in policy()["rules"]}
        self._enough = {
            late: (rules[when]["cases"], lasting(rules[when]["within"]))
            for late, when in ((False, "hop-failure"), (True, "hop-late"))
        }
        self._spells: list[Spell] = []

    def watch(self, truth: Truth, now: datetime) -> None:
        """Judge every cause at `now`: what has failed, then what is late of the rest."""
        told = self._judge_all(_hanging(truth), now, late=False)
        free = (row for row in _overdue(truth, now) if _case(row) not in told)
        self._judge_all(free, now, late=True)

    def whole(self, case: Case) -> str:
        """The incident (its id) that tells of a case: of several, the one it came to first."""
        mine = (one for one in self._spells if one.case == case and one.left_at is None)
        return next((hop_id(one.promise) for one in mine), "")

    def told_of(self, case: Case, deadline: datetime) -> bool:
        """Whether a deadline had passed by the time a case left a whole that somebody knew of."""
        return any(
            one.left_at is not None and deadline <= one.left_at
            for one in self._spells
            if one.case == case and _known_of(self.kept[one.promise])
        )

    def close(self, key: str, now: datetime) -> None:
        """Somebody says that it is over: no case belongs to it any more."""
        super().close(key, now)
        self._belong(key, {}, now)

    def expected(self) -> dict[str, Row]:
        """By promise, what the judge compares."""
        return {
            promise: {**told(kept), **kept.about, "affected": self._affected(promise)}
            for promise, kept in self.kept.items()
        }

    def _judge_all(self, rows: Iterator[Row], now: datetime, *, late: bool) -> set[Case]:
        """The cases that belong to one of these causes then."""
        causes: dict[str, dict[Case, Row]] = defaultdict(dict)
        for row in sorted(rows, key=_first):
            # A case hangs on a cause by its first trouble there.
            causes[_promise(row)].setdefault(_case(row), row)
        told: set[Case] = set()
        known = {promise for promise in self.kept if _is_late(promise) == late}
        for promise in sorted(causes.keys() | known):
            hanging = causes.get(promise, {})
            self._judge(promise, list(hanging.values()), now)
            live = promise in self.kept and self.kept[promise].live
            self._belong(promise, hanging if live else {}, now)
            told |= hanging.keys() if live else set()
        return told

    def _judge(self, promise: str, hanging: Sequence[Row], now: datetime) -> None:
        kept = self.kept.get(promise)
        if kept and kept.live:
            if not hanging:
                self.over(kept, "healed", now)
            elif self.update(kept, _standing(hanging, now), now):
                self.tell(kept, now)
                self.grow(kept, now)
        elif kept and hanging and self._soon(kept, now):
            self.update(kept, _standing(hanging, now), now)
            self.back(kept, now)
        else:
            enough = self._enough[_is_late(promise)]
            at = _reached(hanging, kept.closed_at if kept else None, now, *enough)
            if at is not None:
                self._opens(promise, hanging, at, now)

    def _soon(self, kept: Kept, now: datetime) -> bool:
        """Whether it is back so early that it had not gone."""
        by_hand = kept.reason == "closed-by-hand"
        return not by_hand and kept.closed_at is not None and now - kept.closed_at <= self.grace

    def _opens(self, promise: str, hanging: Sequence[Row], at: datetime, now: datetime) -> None:
        before = self.kept.get(promise)
        kept = before or Kept(severity="failure", deadline=at, opened_at=at)
        kept.deadline = kept.opened_at = at
        kept.state, kept.acknowledged, kept.closed_at = "open", False, None
        first = {"since": hanging[0]["at"], "error": hanging[0]["error"]}
        kept.about = {**first, **_standing(hanging, now)}
        self.kept[promise] = kept
        self.begin(kept, "reopened" if before else "opened", now)

    def _belong(self, promise: str, cases: Mapping[Case, Row], now: datetime) -> None:
        here = [one for one in self._spells if one.promise == promise and one.left_at is None]
        for one in here:
            if one.case not in cases:
                one.left_at = now
        fresh = sorted(cases.keys() - {one.case for one in here})
        self._spells += [Spell(promise=promise, case=case) for case in fresh]

    def _affected(self, promise: str) -> Counter[tuple[Any, ...]]:
        mine = [one for one in self._spells if one.promise == promise]
        return Counter((*one.case, one.left_at) for one in mine)


def _known_of(whole: Kept) -> bool:
    return bool(whole.told_cases) or whole.acknowledged or whole.reason == "closed-by-hand"


def hop_id(promise: str) -> str:
    """The id of the incident of a hop."""
    return sha256(promise.encode()).hexdigest()[:16]


def _reached(
    hanging: Sequence[Row], since: datetime | None, now: datetime, enough: int, within: timedelta
) -> datetime | None:
    """The first trouble that made them enough within any stretch of the rule's time."""
    counting = sorted(
        row["at"]
        for row in hanging
        if row["at"] <= now
        and row["case"]["known_at"] - row["at"] <= within
        and (since is None or row["at"] > since)
    )
    for at in counting:
        if sum(at - within <= other <= at for other in counting) >= enough:
            return at
    return None


def _hanging(truth: Truth) -> Iterator[Row]:
    for (journey, case_id, name), step in truth.told.steps.items():
        case = truth.told.cases[journey, case_id]
        running = not (case["completed_at"] or case["cancelled_at"])
        if running and step["required"] and step["failures"] and not step["closed_at"]:
            yield {
                "journey": journey,
                "case_id": case_id,
                "step": name,
                "system": step["system"],
                "error": step["message"],
                "late": False,
                "at": step["first_failed_at"],
                "case": case,
            }


def _overdue(truth: Truth, now: datetime) -> Iterator[Row]:
    """Running cases past the deadline of the step they wait for; without one, past their own, if
    that passed while they waited there.
    """
    for (journey, case_id), case in truth.told.cases.items():
        ended = case["completed_at"] or case["cancelled_at"]
        if ended or not _late(case, now) or not (case["current_step"] and case["waiting_systems"]):
            continue
        due, since = case["due_at"], case["current_since"]
        here = due if due and since and since <= due else None
        at = case["current_due_at"] or here
        if at is not None and at < now:
            yield {
                "journey": journey,
                "case_id": case_id,
                "step": case["current_step"],
                "system": case["waiting_systems"][0],
                "error": "",
                "late": True,
                "at": at,
                "case": case,
            }


def _case(row: Row) -> Case:
    return row["journey"], row["case_id"]


def _is_late(promise: str) -> bool:
    return promise.split(":")[2] == "late"


def _first(row: Row) -> tuple[Any, ...]:
    return row["at"], row["journey"], row["case_id"], row["step"]


def _promise(row: Row) -> str:
    if row["late"]:
        return f"hop:{row['system']}:late:{row['step']}"
    cause = re.sub("[0-9]+", "#", row["error"].strip())
    return f"hop:{row['system']}:{sha256(cause.encode()).hexdigest()[:12]}"


def _standing(hanging: Sequence[Row], now: datetime) -> Row:
    places = Counter((row["journey"], row["step"]) for row in hanging)
    journey, step = min(places, key=lambda place: (-places[place], place))
    values: dict[str, Row] = {}
    for row in hanging:
        if row["case"]["root_value"] is not None:
            values.setdefault(row["case"]["root_id"] or row["case_id"], row["case"])
    worth: dict[str, Decimal] = defaultdict(Decimal)
    for case in values.values():
        worth[case["root_currency"]] += case["root_value"]
    criticality = min((row["case"]["criticality"] for row in hanging), key=GRAVEST_FIRST.index)
    return {
        "journey": journey,
        "step": step,
        "cases": len(hanging),
        "breached": sum(_late(row["case"], now) for row in hanging),
        "worth": {currency: str(worth[currency]) for currency in sorted(worth)},
        "criticality": criticality,
    }


def _late(case: Row, now: datetime) -> bool:
    """Whether a case runs and is past a deadline: its own, or that of the step it waits for."""
    if case["paused_from"] and case["paused_from"] <= now < case["paused_until"]:
        return False
    return any(at is not None and at < now for at in (case["due_at"], case["current_due_at"]))
