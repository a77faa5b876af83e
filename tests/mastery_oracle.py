"""What masters and copies say, and where they differ, written slowly: instant by instant.

It shares the type of the declaration with the real thing and nothing else.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from threadline.model.mastery import MasteredAttribute

Row = dict[str, Any]
BLANKS = " \t\n\r"


class Said:
    """A value as one fact told it."""

    def __init__(self, one: MasteredAttribute, fact: Row, root: str, thing: str) -> None:
        told = json.loads(fact["payload"])
        self.one, self.at, self.fact_id = one, fact["at"], fact["fact_id"]
        self.root_id, self.object_id, self.system = root, thing, fact["system"]
        self.value = _text(told.get(one.carried_as(self.system)))
        self.currency = _text(told.get(one.currency)) if one.currency else ""
        self.number = _number(self.value, one.compare)
        self.readable = one.compare == "text" or self.number is not None

    @property
    def meaning(self) -> tuple[Any, str]:
        return (self.value if self.number is None else self.number), self.currency

    def differs(self, other: Said) -> bool:
        if not (self.readable and other.readable):
            return False
        return self.meaning[0] != other.meaning[0] or not self.one_currency(other)

    def one_currency(self, other: Said) -> bool:
        return self.currency == other.currency or not (self.currency and other.currency)


def values(observations: Iterable[Row], mastered: Iterable[MasteredAttribute]) -> list[Said]:
    """Every change of what a system says."""
    by_fact: dict[str, list[Row]] = defaultdict(list)
    for row in observations:
        by_fact[row["fact_id"]].append(row)
    latest: dict[tuple, Said] = {}
    for one in mastered:
        for rows in by_fact.values():
            said = _said(one, rows)
            if said:
                key = said.object_id, one.name, said.system, said.at
                known = latest.get(key)
                latest[key] = max((known, said), key=lambda s: s.fact_id) if known else said
    changes: list[Said] = []
    before: dict[tuple, Said] = {}
    for key, said in sorted(latest.items(), key=lambda item: item[0]):
        if key[:3] not in before or before[key[:3]].meaning != said.meaning:
            changes.append(said)
        before[key[:3]] = said
    return changes


def mismatches(changes: list[Said]) -> list[Row]:
    """Every stretch of every disagreement that outlasted its propagation time, or lasts."""
    told: dict[tuple, list[Said]] = defaultdict(list)
    for said in changes:
        told[said.object_id, said.one.name, said.system].append(said)
    found: list[Row] = []
    for (thing, _, system), copies in told.items():
        one = copies[0].one
        masters = told.get((thing, one.name, one.master), [])
        if system != one.master and masters:
            found += _apart(one, copies, masters)
    return found


def _apart(one: MasteredAttribute, copies: list[Said], masters: list[Said]) -> list[Row]:
    turns = sorted({said.at for said in (*copies, *masters)})
    runs: list[list[Row]] = []
    going = False
    for place, at in enumerate(turns):
        copy, master = _by(copies, at), _by(masters, at)
        apart = bool(copy and master and master.differs(copy))
        if apart:
            ends = turns[place + 1] if place + 1 < len(turns) else None
            row = _row(one, master, copy) | {"starts_at": at, "ends_at": ends}
            runs[-1].append(row) if going else runs.append([row])
        going = apart
    kept = []
    for run in runs:
        since, until = run[0]["starts_at"], run[-1]["ends_at"]
        due = since + one.within
        if until is None or until > due:
            kept += [row | {"since": since, "due_at": due, "until": until} for row in run]
    return kept


def _row(one: MasteredAttribute, master: Said, copy: Said) -> Row:
    difference = None
    if one.compare == "amount" and master.one_currency(copy):
        difference = abs(master.number - copy.number)
    return {
        "root_id": copy.root_id,
        "object_id": copy.object_id,
        "attribute": one.name,
        "system": copy.system,
        "master": one.master,
        "master_value": master.value,
        "master_currency": master.currency,
        "master_at": master.at,
        "master_fact": master.fact_id,
        "copy_value": copy.value,
        "copy_currency": copy.currency,
        "copy_at": copy.at,
        "copy_fact": copy.fact_id,
        "amount": one.compare == "amount",
        "difference": difference,
        "currency": master.currency or copy.currency,
    }


def _said(one: MasteredAttribute, rows: list[Row]) -> Said | None:
    own = [row for row in rows if row["how"] == "own" and row["whole"]]
    things = {
        (row["root_id"], row["object_id"]) for row in own if row["object_type"] == one.object_type
    }
    if len(things) != 1:
        return None
    fact = own[0]
    sound = fact["plausible"] and fact["at"] and fact["outcome"] != "error"
    if not sound or fact["system"] not in one.systems:
        return None
    said = Said(one, fact, *things.pop())
    return said if said.value else None


def _by(changes: list[Said], at: datetime) -> Said | None:
    return max((said for said in changes if said.at <= at), key=lambda s: s.at, default=None)


def _text(value: Any) -> str:
    if value is None:
        return ""
    plain = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return plain.strip(BLANKS)


def _number(text: str, compare: str) -> Decimal | None:
    if compare == "text":
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    places = Decimal("0.01") if compare == "amount" else Decimal("0.000001")
    return number.quantize(places, ROUND_HALF_EVEN)
