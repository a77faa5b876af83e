"""Mastered attributes and the copies that differ from their masters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, get_args

import polars as pl
from fastapi import APIRouter, Query

from metrics.mismatches import standing
from threadline.api import cases, cursors
from threadline.api.access import requires
from threadline.api.problems import Refusal
from threadline.api.redaction import HIDDEN
from threadline.api.services import ApiServices, Services
from threadline.errors import NotFound
from threadline.model.people import Permission
from threadline.store.telemetry import mastery as mastery_store
from threadline.wire import (
    Holder,
    MasteredAttribute,
    Mismatch,
    MismatchCount,
    MismatchState,
    Money,
    Page,
    Said,
)

_STATES: tuple[str, ...] = get_args(MismatchState)
_SIDES = ("value", "currency", "at", "fact")

router = APIRouter(
    prefix="/mismatches", tags=["mismatches"], dependencies=[requires(Permission.THREADS)]
)


@router.get("")
def mismatches(
    services: Services,
    attribute: Annotated[str, Query(description="as `mastered` in objects.yaml names it")] = "",
    system: Annotated[str, Query(description="the system that holds the copy")] = "",
    state: Annotated[str, Query(description="open, within…; several with commas")] = "open",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: str | None = None,
) -> Page[Mismatch]:
    """Copies that differ from their master, the largest difference in money first."""
    if attribute and attribute not in {one.name for one in services.mapping.mastered}:
        raise NotFound("mastered attribute", attribute)
    states = _named(state)
    now = services.clock.now()
    read = mastery_store.mismatches(services.telemetry, attribute, system)
    stated = standing(read, now, services.silent_systems(now))
    rows = stated.filter(pl.col("state").is_in(states)).to_dicts()
    rows.sort(key=_place)
    if cursor:
        after = _placed(cursor)
        rows = [row for row in rows if _place(row) > after]
    following = cursors.encode(*_told(rows[limit - 1])) if len(rows) > limit else None
    return Page(items=[_mismatch(services, row) for row in rows[:limit]], next=following)


@router.get("/counts")
def counts(services: Services) -> Page[MismatchCount]:
    """How many there are by attribute, system and state, and what they differ by in money."""
    now = services.clock.now()
    read = mastery_store.mismatches(services.telemetry)
    stated = standing(read, now, services.silent_systems(now))
    keys = ["attribute", "system", "state"]
    money = stated.filter(pl.col("difference").is_not_null(), pl.col("currency") != "")
    sums = money.group_by(*keys, "currency").agg(pl.col("difference").abs().sum())
    worth: dict[tuple[str, ...], list[Money]] = {}
    for *key, currency, amount in sums.sort("currency").iter_rows():
        if not _hidden(services, key[0]):
            worth.setdefault(tuple(key), []).append(Money(amount=amount, currency=currency))
    counted = stated.group_by(keys).agg(count=pl.len()).sort(keys)
    return Page(
        items=[
            MismatchCount(**row, worth=worth.get(tuple(row[name] for name in keys), []))
            for row in counted.iter_rows(named=True)
        ]
    )


def standing_now(services: ApiServices, stretches: pl.DataFrame) -> list[Mismatch]:
    """Every mismatch of a contract, from its rows of `mismatches`: those that last first."""
    if stretches.is_empty():
        return []
    now = services.clock.now()
    rows = standing(stretches, now, services.silent_systems(now)).sort("since", descending=True)
    found = [_mismatch(services, row) for row in rows.iter_rows(named=True)]
    return sorted(found, key=lambda one: _STATES.index(one.state))


def attributes(
    services: ApiServices, values: Sequence[Mapping[str, Any]]
) -> list[MasteredAttribute]:
    """The mastered attributes of which anything was ever said, from rows of `attribute_values`."""
    told: dict[tuple[str, str], dict[str, list[Said]]] = {}
    for row in values:
        said = _said(services, row["attribute"], *(row[name] for name in Said.model_fields))
        by_system = told.setdefault((row["object_id"], row["attribute"]), {})
        by_system.setdefault(row["system"], []).append(said)
    declared = {one.name: one for one in services.mapping.mastered}
    return [
        MasteredAttribute(
            object_id=thing,
            attribute=name,
            within_seconds=declared[name].within.total_seconds(),
            holders=[
                _holder(system, system == declared[name].master, by_system.get(system, []))
                for system in declared[name].systems
            ],
        )
        for (thing, name), by_system in told.items()
        if name in declared
    ]


def _holder(system: str, mastered: bool, said: list[Said]) -> Holder:
    latest = said[::-1]
    now = latest[0] if latest else None
    return Holder(system=system, mastered=mastered, now=now, before=latest[1:])


def _hidden(services: ApiServices, attribute: str) -> bool:
    """Whether those who ask may not see the values of a mastered attribute."""
    hides = services.redaction.hides
    known = next((one for one in services.mapping.mastered if one.name == attribute), None)
    return hides(attribute) or (known is not None and any(map(hides, known.wanted)))


def _said(
    services: ApiServices, attribute: str, value: str, currency: str, at: datetime, fact_id: str
) -> Said:
    if _hidden(services, attribute):
        value, currency = HIDDEN, ""
    return Said(value=value, currency=currency, at=at, fact_id=fact_id)


def _mismatch(services: ApiServices, row: Mapping[str, Any]) -> Mismatch:
    sides = {side: [row[f"{side}_{name}"] for name in _SIDES] for side in ("master", "copy")}
    said = {side: _said(services, row["attribute"], *told) for side, told in sides.items()}
    return Mismatch(
        contract=row["root_id"],
        number=cases.number(row["root_id"]),
        mastered=said["master"],
        copied=said["copy"],
        difference=None
        if _hidden(services, row["attribute"])
        else cases.money(row["difference"], row["currency"]),
        **{name: row[name] for name in _SAME},
    )


_SAME = ("object_id", "attribute", "state", "since", "due_at", "until", "master", "system")

_Place = tuple[bool, Decimal, datetime, str, str, str]


def _place(row: Mapping[str, Any]) -> _Place:
    """Where it stands in the list: most money first, then the longest."""
    difference = row["difference"]
    key = row["since"], row["object_id"], row["attribute"], row["system"]
    return difference is None, -(difference or Decimal(0)), *key


def _told(row: Mapping[str, Any]) -> list[str]:
    nothing, money, since, *names = _place(row)
    return ["" if nothing else str(money), since.isoformat(), *names]


def _placed(cursor: str) -> _Place:
    money, since, *names = (str(part) for part in cursors.decode(cursor, str, str, str, str, str))
    try:
        amount = Decimal(money or 0)
    except ArithmeticError:
        raise Refusal(422, "cursor: holds no amount where this list needs one") from None
    thing, attribute, system = names
    return not money, amount, cursors.instant(since), thing, attribute, system


def _named(text: str) -> set[str]:
    asked = {part.strip() for part in text.split(",") if part.strip()}
    unknown = sorted(asked - set(_STATES))
    if unknown:
        raise Refusal(422, f"state: {', '.join(unknown)} is none of {', '.join(_STATES)}")
    return asked or set(_STATES)
