"""Cases and what they are made of, as derived; states are computed by whoever reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from threadline.store.telemetry import Telemetry

_CASES_OF = """
SELECT * EXCEPT (generation, deleted) FROM cases FINAL
WHERE root_id IN {roots:Array(String)} AND (journey, case_id) IN
    (SELECT journey, case_id FROM cases WHERE root_id IN {roots:Array(String)})
ORDER BY journey, started_at, case_id
"""

_CASES_AFTER = """
SELECT * EXCEPT (generation, deleted) FROM cases FINAL
WHERE journey = {journey:String} AND ({step:String} = '' OR current_step = {step:String})
    AND (started_at, case_id) < ({started_at:DateTime64(9, 'UTC')}, {case_id:String})
ORDER BY started_at DESC, case_id DESC LIMIT {limit:UInt32}
"""

_CASES_FIRST = """
SELECT * EXCEPT (generation, deleted) FROM cases FINAL
WHERE journey = {journey:String} AND ({step:String} = '' OR current_step = {step:String})
ORDER BY started_at DESC, case_id DESC LIMIT {limit:UInt32}
"""

_CLOCKS = """
SELECT journey, case_id, started_at, completed_at, cancelled_at, reopened_at, ended_before_at,
    ended_before_as, paused_from, paused_until, warn_at,
    due_at, current_step, current_due_at, waiting_systems, stuck_reason, annotations
FROM cases FINAL WHERE journey = {journey:String}
"""

_STARTED = """
SELECT journey, case_id FROM cases FINAL WHERE journey = {journey:String}
    AND started_at >= {since:DateTime64(9, 'UTC')} AND started_at < {until:DateTime64(9, 'UTC')}
"""


_LATEST_ROOTS = """
SELECT root_id, max(at) AS last FROM (
    SELECT root_id, started_at AS at FROM cases FINAL
    UNION ALL
    SELECT DISTINCT root_id, toDateTime64(0, 9, 'UTC') AS at FROM identifiers FINAL
    WHERE root_id != ''
) GROUP BY root_id ORDER BY last DESC, root_id
"""


@dataclass(frozen=True, kw_only=True)
class Roots:
    """Some contracts out of the `known` ones."""

    roots: Sequence[str]
    known: int


def latest_roots(telemetry: Telemetry, most: int) -> Roots:
    """The `most` contracts with the latest cases; those without any come last."""
    roots = telemetry.query(_LATEST_ROOTS)["root_id"]
    return Roots(roots=roots.head(most).to_list(), known=len(roots))


def cases_of(telemetry: Telemetry, roots: Sequence[str]) -> pl.DataFrame:
    """All cases of the contracts `roots`, in the columns of `cases`."""
    return telemetry.query(_CASES_OF, {"roots": list(roots)})


def cases_page(
    telemetry: Telemetry,
    journey: str,
    *,
    step: str = "",
    after: tuple[datetime, str] | None = None,
    limit: int,
) -> pl.DataFrame:
    """Up to `limit` cases of a journey, latest start first, after the (started_at, case_id) given.

    `step`: only those whose current step it is.
    """
    asked = {"journey": journey, "step": step, "limit": limit}
    if after is None:
        return telemetry.query(_CASES_FIRST, asked)
    started_at, case_id = after
    return telemetry.query(_CASES_AFTER, {**asked, "started_at": started_at, "case_id": case_id})


def first_started(telemetry: Telemetry) -> datetime | None:
    """When the first case started; None where there is none."""
    row = telemetry.query("SELECT count() AS n, min(started_at) AS at FROM cases FINAL").row(0)
    return row[1] if row[0] else None


def clocks(telemetry: Telemetry, journey: str) -> pl.DataFrame:
    """Of every case of a journey what its states are computed from, and no more."""
    return telemetry.query(_CLOCKS, {"journey": journey})


def started_in(
    telemetry: Telemetry, table: str, journey: str, span: tuple[datetime, datetime]
) -> pl.DataFrame:
    """Rows of `cases`, `steps` or `exceptions` of a journey's cases started in `[since, until)`."""
    sql = f"SELECT * EXCEPT (generation, deleted) FROM {table} FINAL"
    asked = {"journey": journey, "since": span[0], "until": span[1]}
    return telemetry.query(f"{sql} WHERE (journey, case_id) IN ({_STARTED})", asked)
