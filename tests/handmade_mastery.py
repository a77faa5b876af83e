"""What systems say of the mastered attributes of the handmade world's stuck contract."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import polars as pl
from handmade_rows import INSTANT, NOW, contract, fact_id

from collector import mapping
from metrics.derive import mastery

PROJECT = "project:erp:P-417"
TERMS, VALUE, CUSTOMER = "contract.billing_terms", "contract.value", "customer.id"
EUR = {"contract.currency": "EUR"}

# Days ago, system, what it says; TAX and RATE are about the project.
TOLD: tuple[tuple[float, str, dict[str, Any]], ...] = (
    (6.1, "crm", {CUSTOMER: "CU-7001"}),
    (6.1, "clm", {VALUE: "450000.00", TERMS: "net 30", CUSTOMER: "CU-7001", **EUR}),
    (5.0, "erp", {VALUE: "450000.00", TERMS: "net 60", CUSTOMER: "CU-7100", **EUR}),
    (3.0, "clm", {VALUE: "480000.00", **EUR}),
    (2.0, "billing", {VALUE: "470000.00", **EUR}),
    (1.5, "erp", {CUSTOMER: "CU-7001"}),
    (0.5, "clm", {TERMS: "net 60"}),
    (0.25, "clm", {TERMS: "net 45"}),
)
RATE = ((4.5, "erp", {"project.rate_card": "RC-9"}),)
TAX = ((4.0, "erp", {"project.tax_code": "V1"}), (3.5, "billing", {"project.tax_code": "V0"}))


def tables(number: str) -> dict[str, list[dict[str, Any]]]:
    """Rows of `attribute_values` and `mismatches` of the contract `number`."""
    observed = [_fact(contract(number), contract(number), *told) for told in TOLD]
    observed += [_fact(contract(number), PROJECT, *told) for told in (*TAX, *RATE)]
    frame = pl.DataFrame(observed).with_columns(pl.col("at").cast(INSTANT))
    derived = mastery(frame, mapping.load().mastered)
    return {
        "attribute_values": derived.values.to_dicts(),
        "mismatches": derived.mismatches.to_dicts(),
    }


def _fact(root: str, thing: str, days: float, system: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "root_id": root,
        "object_type": thing.split(":")[0],
        "object_id": thing,
        "fact_id": fact_id(system, str(days)),
        "system": system,
        "outcome": "ok",
        "at": NOW - timedelta(days=days),
        "plausible": True,
        "payload": json.dumps(data, separators=(",", ":")),
        "how": "own",
        "whole": True,
    }
