"""What masters and copies say, and where they differ, as observable truth has it."""

from __future__ import annotations

from typing import Any

import mastery_oracle
from judge.observable import Truth
from judge.seen import moment, rows

from threadline.store.telemetry import Telemetry

KEY = ("object_id", "attribute", "system")
Rows = dict[tuple[Any, ...], dict[str, Any]]


def truth_of(truth: Truth) -> tuple[Rows, Rows]:
    """Values by object, attribute, system and instant; mismatches by the start of each stretch."""
    whole = {
        fact_id: len({truth.ties.place(name, moment(fact))[2] for name in fact.speaks}) == 1
        for fact_id, fact in truth.facts.items()
    }
    observations = rows(truth.facts.values(), truth.ties)["observations"]
    told = [row | {"whole": whole[row["fact_id"]]} for row in observations]
    changes = mastery_oracle.values(told, truth.mastered)
    values = {
        (said.object_id, said.one.name, said.system, said.at): {
            "value": said.value,
            "currency": said.currency,
            "fact_id": said.fact_id,
        }
        for said in changes
    }
    return values, _keyed(mastery_oracle.mismatches(changes), "starts_at")


def stored(store: Telemetry) -> tuple[Rows, Rows]:
    """The same of what the service holds."""
    read = {
        table: store.query(f"SELECT * EXCEPT (generation, deleted) FROM {table} FINAL").to_dicts()
        for table in ("attribute_values", "mismatches")
    }
    values = {
        key: {name: row[name] for name in ("value", "currency", "fact_id")}
        for key, row in _keyed(read["attribute_values"], "at").items()
    }
    return values, _keyed(read["mismatches"], "starts_at")


def _keyed(told: list[dict[str, Any]], instant: str) -> Rows:
    return {tuple(row[name] for name in (*KEY, instant)): row for row in told}
