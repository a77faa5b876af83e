"""What has to become of hops that fail: one incident per system and error (docs/adr/0008)."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from judge.observable import Truth
from judge.promises import Book, Kept, told

DEFINITIONS = Path(__file__).with_name("definitions")
GRAVEST_FIRST = ("revenue", "delivery", "reference")
DAY = timedelta(days=1)

Row = dict[str, Any]


@dataclass(kw_only=True)
class KeptHop(Kept):
    """The incident of a hop; `closed_at` is when it was last over."""

    about: Row = field(default_factory=dict)
    closed_at: datetime | None = None


class HopBook(Book):
    """The incidents of hops, kept from look to look."""

    def __init__(self) -> None:
        super().__init__()
        policy = yaml.safe_load((DEFINITIONS / "policies" / "default.yaml").read_text())
        (rule,) = [rule for rule in policy["rules"] if rule["when"] == "hop-failure"]
        self._enough, self._within = rule["cases"], DAY * int(rule["within"].removesuffix("d"))
        self.hops: dict[str, KeptHop] = {}

    def watch(self, truth: Truth, now: datetime) -> None:
        """Judge every cause at `now`."""
        causes: dict[str, list[Row]] = defaultdict(list)
        for row in _hanging(truth):
            causes[_promise(row)].append(row)
        for promise in causes.keys() | self.hops.keys():
            self._judge(promise, causes.get(promise, []), now)
        self.kept = self.hops  # what is told again is told as of every incident
        self.escalate(now)

    def _judge(self, promise: str, hanging: list[Row], now: datetime) -> None:
        kept = self.hops.get(promise)
        if kept and kept.state in ("open", "acknowledged"):
            if hanging:
                kept.about |= _standing(hanging)
            else:
                kept.state, kept.closed_at = "resolved", now
                kept.reason = "healed"
                kept.history.append((now, "healed"))
                for one in kept.owed:
                    one.failure = one.failure or "resolved"
            return
        since = kept.closed_at if kept else None
        first: dict[str, datetime] = {}
        for row in hanging:
            if now - self._within < row["at"] <= now and (since is None or row["at"] > since):
                first[row["case_id"]] = min(row["at"], first.get(row["case_id"], row["at"]))
        if len(first) >= self._enough:
            self._opens(promise, hanging, sorted(first.values())[self._enough - 1], now)

    def _opens(self, promise: str, hanging: list[Row], at: datetime, now: datetime) -> None:
        before = self.hops.get(promise)
        kept = before or KeptHop(severity="failure", deadline=at, opened_at=at)
        kept.deadline = kept.opened_at = at
        kept.state, kept.acknowledged = "open", False
        earliest = min(hanging, key=lambda row: (row["at"], row["journey"], row["case_id"]))
        kept.about = {"since": earliest["at"], "error": earliest["error"], **_standing(hanging)}
        self.hops[promise] = kept
        self._page(kept, "reopened" if before else "opened", now)

    def expected(self) -> dict[str, Row]:
        """By promise, what the judge compares."""
        return {promise: told(kept) | kept.about for promise, kept in self.hops.items()}


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
                "at": step["first_failed_at"],
                "case": case,
            }


def _promise(row: Row) -> str:
    cause = re.sub("[0-9]+", "#", row["error"].strip())
    return f"hop:{row['system']}:{sha256(cause.encode()).hexdigest()[:12]}"


def _standing(hanging: list[Row]) -> Row:
    places = Counter((row["journey"], row["step"]) for row in hanging)
    journey, step = min(places, key=lambda place: (-places[place], place))
    values: Mapping[str, Row] = {
        row["case"]["root_id"] or row["case_id"]: row["case"]
        for row in hanging
        if row["case"]["root_value"] is not None
    }
    worth: dict[str, Decimal] = defaultdict(Decimal)
    for case in values.values():
        worth[case["root_currency"]] += case["root_value"]
    criticality = min((row["case"]["criticality"] for row in hanging), key=GRAVEST_FIRST.index)
    return {
        "journey": journey,
        "step": step,
        "cases": len({(row["journey"], row["case_id"]) for row in hanging}),
        "worth": {currency: str(worth[currency]) for currency in sorted(worth)},
        "criticality": criticality,
    }
