"""What each source has sent, and what could not be understood."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from threadline.store.telemetry import Telemetry

_SOURCES = """
SELECT c.source AS source, c.requests AS requests, c.facts AS facts, c.duplicates AS duplicates,
    c.versions AS versions, c.last_received_at AS last_received_at,
    f.systems AS systems, f.annotated AS annotated, f.lateness AS lateness_seconds,
    d.letters AS dead_letters
FROM (
    SELECT source, sum(requests) AS requests, sum(facts) AS facts, sum(duplicates) AS duplicates,
        sum(versions) AS versions,
        max(last_received_at) AS last_received_at
    FROM intake_counts FINAL GROUP BY source) AS c
LEFT JOIN (
    SELECT source, arraySort(groupUniqArray(system)) AS systems,
        uniqExactIf(fact_id, notEmpty(annotations)) AS annotated,
        quantileIf(0.5)(dateDiff('millisecond', assumeNotNull(at), received_at) / 1000,
            at IS NOT NULL AND plausible) AS lateness
    FROM facts GROUP BY source) AS f ON f.source = c.source
LEFT JOIN (SELECT source, count() AS letters FROM dead_letters FINAL GROUP BY source) AS d
    ON d.source = c.source
ORDER BY source
"""

# What every scrape tells: no look through all facts, as _SOURCES takes.
_GAUGES = """
SELECT c.source AS source, c.facts AS facts, c.last_received_at AS last_received_at,
    toInt64(d.letters) AS dead_letters, f.lateness AS lateness_seconds
FROM (
    SELECT source, toInt64(sum(facts)) AS facts, max(last_received_at) AS last_received_at
    FROM intake_counts FINAL GROUP BY source) AS c
LEFT JOIN (SELECT source, count() AS letters FROM dead_letters FINAL GROUP BY source) AS d
    ON d.source = c.source
LEFT JOIN (
    SELECT source, toNullable(median(
        dateDiff('millisecond', assumeNotNull(at), received_at) / 1000)) AS lateness
    FROM facts WHERE plausible AND at IS NOT NULL AND received_at >= {since:DateTime64(9, 'UTC')}
    GROUP BY source) AS f ON f.source = c.source
ORDER BY source
"""

# Whoever was not heard of for longer is silent by any cadence, so nobody asks since when.
_SYSTEMS = """
SELECT system, max(received_at) AS last_received_at FROM facts
WHERE received_at > (SELECT max(received_at) FROM facts) - INTERVAL 8 DAY
GROUP BY system ORDER BY system
"""

_DEAD_LETTERS = """
SELECT partition, offset, ordinal, kind, source, reason, excerpt, received_at
FROM dead_letters FINAL
WHERE (partition, offset, ordinal) < ({partition:UInt16}, {offset:UInt64}, {ordinal:UInt32})
    AND ({source:String} = '' OR source = {source:String})
ORDER BY partition DESC, offset DESC, ordinal DESC LIMIT {limit:UInt32}
"""

_LATEST = (2**16 - 1, 2**64 - 1, 2**32 - 1)


def sources(telemetry: Telemetry) -> pl.DataFrame:
    """One row per source: counts, systems, median lateness in seconds, last receipt."""
    return telemetry.query(_SOURCES)


def gauges(telemetry: Telemetry, since: datetime) -> pl.DataFrame:
    """One row per source: facts, dead_letters, last_received_at, and lateness_seconds, the median
    of what was received from `since` on, null where nothing was."""
    return telemetry.query(_GAUGES, {"since": since})


def systems(telemetry: Telemetry) -> pl.DataFrame:
    """When each system was last heard of in the last eight days of receipt."""
    return telemetry.query(_SYSTEMS)


def dead_letters(
    telemetry: Telemetry,
    *,
    source: str = "",
    before: tuple[int, int, int] | None = None,
    limit: int,
) -> pl.DataFrame:
    """Up to `limit` dead letters, newest first, before the (partition, offset, ordinal) given."""
    partition, offset, ordinal = before or _LATEST
    asked = {"partition": partition, "offset": offset, "ordinal": ordinal}
    return telemetry.query(_DEAD_LETTERS, {**asked, "source": source, "limit": limit})
