"""Why something counts otherwise than it did when a period was closed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from metrics.kpis.scene import UNKNOWN
from threadline.api.restating import Activated
from threadline.api.services import ApiServices
from threadline.model.closes import Close
from threadline.store.control.rulings import Ruling
from threadline.store.telemetry import late
from threadline.store.telemetry import observations as observation_store

ROOTS_AT_ONCE = 100  # bounds how many identifiers are asked about together
OF_ALL = (
    "objects",
    "sources",
    "calendars",
    "holidays",
    "rates",
)  # a change of these may concern any case


@dataclass(frozen=True, kw_only=True)
class Causes:
    """What was told, ruled and defined after a close and concerns one thing that counts."""

    facts: Sequence[Mapping[str, Any]]
    rulings: Sequence[Ruling]
    definitions: Sequence[Activated]
    heard_since: Sequence[str]


class Since:
    """All that was told, ruled, defined and heard of after `close`."""

    def __init__(
        self,
        services: ApiServices,
        close: Close,
        definitions: Sequence[Activated],
        heard: Sequence[str],
    ) -> None:
        self._services, self._close = services, close
        self._definitions, self._heard = definitions, heard

    def of(self, rows: Sequence[Mapping[str, Any]], kpi: str) -> list[Causes]:
        """The causes of each of `rows`, as `changes` gives them of the KPI, in their order."""
        roots = _roots(self._services, rows)
        whole = sorted(set().union(*roots))
        telemetry = self._services.telemetry
        told: dict[str, list[dict[str, Any]]] = {}
        for first in range(0, len(whole), ROOTS_AT_ONCE):
            some = whole[first : first + ROOTS_AT_ONCE]
            facts = late.causes(telemetry, some, self._close.at)
            for (root,), part in facts.partition_by("root_id", as_dict=True).items():
                told[root] = part.to_dicts()
        ruled = self._rulings(whole)
        return [
            Causes(
                facts=_once(told, here, "fact_id"),
                rulings=list({one.number: one for r in sorted(here) for one in ruled[r]}.values()),
                definitions=[one for one in self._definitions if _concerns(one, row, kpi)],
                heard_since=self._heard if _was_unknown(row) else [],
            )
            for row, here in zip(rows, roots, strict=True)
        ]

    def _rulings(self, roots: Collection[str]) -> dict[str, list[Ruling]]:
        """What was ruled on identifiers that are ever under each root, or were said to be."""
        found: dict[str, list[Ruling]] = {root: [] for root in roots}
        name = pl.concat_str("object_type", "namespace", "value", separator=":")
        members = observation_store.members(self._services.telemetry, roots)
        names = members.select("root_id", name=name)
        for ruling in self._services.rulings.since(self._close.at):
            ends = [str(ruling.child), str(ruling.parent)]
            for root in names.filter(pl.col("name").is_in(ends))["root_id"].unique():
                found[root].append(ruling)
        return found


def _roots(services: ApiServices, rows: Sequence[Mapping[str, Any]]) -> list[set[str]]:
    """The contracts each row stood under then, stands under now, and what became of the former."""
    named = {
        name for row in rows for name in (row["root_id_before"], row["root_id"], row["subject"])
    }
    found = late.places(services.telemetry, named - {None, ""})
    today = dict(found.select("identifier", "root_id").iter_rows())
    told = []
    for row in rows:
        names = (row["root_id_before"], row["root_id"], row["subject"])
        now = {today.get(name or "", "") for name in names}
        told.append((now | {row["root_id"] or ""}) - {""})
    return told


def _once(
    told: Mapping[str, Sequence[Mapping[str, Any]]], roots: Collection[str], key: str
) -> list[Mapping[str, Any]]:
    found = {one[key]: one for root in sorted(roots) for one in told.get(root, [])}
    return sorted(found.values(), key=lambda one: (one["received_at"], one[key]))


def _concerns(one: Activated, row: Mapping[str, Any], kpi: str) -> bool:
    if one.kind in OF_ALL:
        return True
    if one.kind == "journeys":
        return row["journey"] in ("", one.name)
    return one.kind == "kpis" and one.name == kpi


def _was_unknown(row: Mapping[str, Any]) -> bool:
    return bool(row["standing_before"] == UNKNOWN and row["standing"] != UNKNOWN)
