"""Steps that failed and are waited for, made by hand as `store.telemetry.failing` has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

AWAY = "the posting service is not reachable"
SCHEMA = {
    "journey": pl.String,
    "case_id": pl.String,
    "root_id": pl.String,
    "criticality": pl.String,
    "step": pl.String,
    "system": pl.String,
    "error": pl.String,
    "failed_at": pl.Datetime("ns", "UTC"),
    "known_at": pl.Datetime("ns", "UTC"),
    "value": pl.Decimal(18, 2),
    "currency": pl.String,
}


def failure(number: str, failed_at: datetime, **columns: Any) -> dict[str, Any]:
    """A contract's ERP project fails for the first time."""
    case_id = f"contract:clm:{number}"
    row = {
        "journey": "contract-activation",
        "case_id": case_id,
        "root_id": case_id,
        "criticality": "revenue",
        "step": "erp-project",
        "system": "erp",
        "error": AWAY,
        "failed_at": failed_at,
        "known_at": failed_at - timedelta(hours=1),
        "value": Decimal("120000.00"),
        "currency": "EUR",
    }
    return row | columns


def frame(failures: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """All of them together."""
    return pl.DataFrame(list(failures), schema=SCHEMA)
