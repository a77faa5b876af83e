"""Systems that are not heard of, and the open cases that wait for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from alerts.hops import gravest, worth
from collector.mapping import Mapping as SourceMapping
from collector.silence import patience
from threadline.model.incidents import CaseKey
from threadline.model.readings import Reading

Waiting = Callable[[str], pl.DataFrame]


def read(
    waiting: Waiting, mapping: SourceMapping, heard: Mapping[str, datetime], now: datetime
) -> Iterator[Reading]:
    """One reading per system that declares a cadence.

    `waiting` gives the open cases that wait for a system, with the columns of
    `store.telemetry.waiting.cases`.
    """
    for system, cadence in sorted(mapping.cadences.items()):
        last = heard.get(system)
        late = None if last is None else now - last - patience(cadence)
        value = None if late is None else Decimal(str(late.total_seconds()))
        silent = value is None or value > 0
        yield Reading(
            rule="",
            part=system,
            at=now,
            title=system,
            value=value,
            unit="seconds",
            since=last,
            **(_carried(waiting(system), now) if silent else {}),
        )


def _carried(found: pl.DataFrame, now: datetime) -> dict[str, Any]:
    late = pl.min_horizontal("due_at", "current_due_at") < now
    places = found["journey"].value_counts(sort=True)
    keys = found.select("journey", "case_id", pl.col("root_id").fill_null(""))
    return {
        "journey": places["journey"][0] if places.height else "",
        "criticality": gravest(found["criticality"].unique()),
        "cases": found.height,
        "breached": found.filter(late).height,
        "worth": worth(found),
        "hanging": frozenset(CaseKey(**row) for row in keys.iter_rows(named=True)),
    }
