"""The open cases that wait for a system."""

from __future__ import annotations

import polars as pl

from threadline.store.telemetry import Telemetry

_WAITING = """
SELECT journey, case_id, root_id, criticality, due_at, current_due_at, root_value AS value,
    root_currency AS currency
FROM cases FINAL
WHERE completed_at IS NULL AND cancelled_at IS NULL AND has(waiting_systems, {system:String})
ORDER BY journey, case_id
"""


def cases(telemetry: Telemetry, system: str) -> pl.DataFrame:
    """Columns: journey, case_id, root_id, criticality, due_at, current_due_at, and value and
    currency of the contract.
    """
    return telemetry.query(_WAITING, {"system": system})
