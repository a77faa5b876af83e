"""How many facts were received when, and how they stand; when systems were heard of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.tenures import reading

# Versions, not facts: telling versions of one fact apart from other facts would cost ten times as
# much. What is received together is counted together, so that few rows are sorted into windows.
_VERSIONS = """
SELECT source, {system} AS system, received_at, '' AS standing, toInt64(count()) AS weight
FROM facts FINAL GROUP BY source, system, received_at
"""

_UNATTRIBUTED = """
SELECT source, '' AS system, received_at, if(how = 'shared', 'shared', 'orphan') AS standing,
    toInt64(1) AS weight
FROM unattributed FINAL
"""

# A fact is an orphan when as many of its identifiers lead to no root as it has.
_NOT_TIED = """
SELECT any(source) AS source, '' AS system, any(mentions.received_at) AS received_at,
    'orphan' AS standing, toInt64(1) AS weight
FROM mentions FINAL
WHERE (object_type, namespace, value) IN (
    SELECT object_type, namespace, value FROM identifiers FINAL WHERE root_id = '') OR ADRIFT
GROUP BY fact_id HAVING count() = any(of)
"""

# What a journey says of a fact, and where the fact came from.
LACKING = """
SELECT any(source) AS source, any(system) AS system, any(mentions.received_at) AS received_at,
    fact_id, any(name) AS name, any(told.reason) AS reason, '' AS repeats, '' AS position
FROM mentions FINAL
INNER JOIN (SELECT fact_id, min(kind) AS reason FROM exceptions FINAL
    WHERE kind IN {kinds:Array(String)} GROUP BY fact_id) AS told USING (fact_id)
GROUP BY fact_id
"""

_REFUSED = """
SELECT source, '' AS system, received_at, 'not understood' AS standing, toInt64(1) AS weight
FROM dead_letters FINAL
"""

_RESENT = """
SELECT source, '' AS system, last_received_at AS received_at,
    'sent again by the transport' AS standing, toInt64(duplicates) AS weight
FROM intake_counts FINAL WHERE duplicates > 0
"""

_WHEN = "if(plausible, ifNull(at, facts.received_at), facts.received_at)"

# Says of objects what another fact said of them shortly before: same source, name and attributes.
# Spans are work done, not messages, and what fails again is another try. The names that occur
# more than once come first and cheaply.
REPEATED = f"""
SELECT source, system, received_at, fact_id, name, 'told-again' AS reason, earlier AS repeats,
    '' AS position FROM (
    SELECT source, system, received_at, fact_id, name, moment,
        lagInFrame(fact_id) OVER w AS earlier, lagInFrame(moment) OVER w AS before
    FROM (
        SELECT source, any(system) AS system, kind, name, fact_id, cityHash64(attributes) AS said,
            min({_WHEN}) AS moment, min(facts.received_at) AS received_at
        FROM facts FINAL
        WHERE kind != 'span' AND outcome != 'error' AND (source, name, identifiers) IN (
            SELECT source, name, identifiers FROM facts
            WHERE kind != 'span' AND notEmpty(identifiers)
            GROUP BY source, name, identifiers HAVING uniqExact(fact_id) > 1)
        GROUP BY source, kind, name, said, fact_id)
    WINDOW w AS (PARTITION BY source, kind, name, said ORDER BY moment, fact_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))
WHERE earlier != '' AND moment <= before + toIntervalSecond({{within:UInt32}})
"""

_IN_WINDOWS = """
SELECT toUInt32(place) AS window, source, system, standing, sum(weight) AS weight
FROM (
    SELECT source, system, standing, weight, toUnixTimestamp64Nano(received_at) AS at, arrayJoin(
        arrayFilter(place -> at >= {starts:Array(Int64)}[place + 1]
            AND at < {ends:Array(Int64)}[place + 1], range({windows:UInt32}))) AS place
    FROM (ROWS))
GROUP BY place, source, system, standing ORDER BY place, source, system, standing
"""

_LETTERS = """
SELECT source, '' AS system, received_at, '' AS fact_id, '' AS name, 'not-understood' AS reason,
    '' AS repeats,
    concat(toString(partition), '-', toString(offset), '/', toString(ordinal)) AS position
FROM dead_letters FINAL
"""

_ONE_BY_ONE = """
SELECT source, system, received_at, fact_id, name, reason, repeats, position FROM (ROWS)
WHERE toUnixTimestamp64Nano(received_at) >= {start:Int64}
    AND toUnixTimestamp64Nano(received_at) < {end:Int64}
ORDER BY received_at DESC, fact_id DESC, position DESC
"""

_HEARD = """
SELECT toUInt32(place) AS window, system, max(last) AS last_received_at FROM (
    SELECT system, received_at AS last, toUnixTimestamp64Nano(received_at) AS at, arrayJoin(
        arrayFilter(place -> at < {ends:Array(Int64)}[place + 1], range({windows:UInt32}))) AS place
    FROM (SELECT DISTINCT system, received_at FROM facts))
GROUP BY place, system ORDER BY place, system
"""

Windows = Sequence[tuple[datetime, datetime]]


def orphans(telemetry: Telemetry, windows: Windows) -> pl.DataFrame:
    """Counts of the facts received in each `[start, end)`, by source, as things stand.

    Columns: window (its place), source, system (empty), standing and weight: standing '' are all
    versions of facts, `shared` those of several contracts, `orphan` those of none.
    """
    not_tied = _NOT_TIED.replace("ADRIFT", reading(telemetry).adrift)
    return _counted(telemetry, windows, [_VERSIONS.format(system="''"), _UNATTRIBUTED, not_tied])


def failing(telemetry: Telemetry, windows: Windows, kinds: Sequence[str]) -> pl.DataFrame:
    """The same by source and system: '' are all facts, `not understood` dead letters (of no
    system), and a kind of exception those of which a journey says so."""
    rows = [_VERSIONS.format(system="facts.system"), _REFUSED, _each("reason", LACKING)]
    return _counted(telemetry, windows, rows, kinds=list(kinds))


def repeated(telemetry: Telemetry, windows: Windows, within: timedelta) -> pl.DataFrame:
    """The same by source and system: `told again` are facts that repeat another one under an id of
    their own; what the transport sent again (of no system) is no fact of its own."""
    again = _each("'told again'", REPEATED)
    rows = [_VERSIONS.format(system="facts.system"), _RESENT, again]
    return _counted(telemetry, windows, rows, within=int(within.total_seconds()))


def heard(telemetry: Telemetry, windows: Windows) -> pl.DataFrame:
    """When each system was last heard of before the end of each window: window, system,
    last_received_at; a system that was not is absent."""
    return telemetry.query(_HEARD, _asked(windows))


def facts_repeated(
    telemetry: Telemetry, span: tuple[datetime, datetime], within: timedelta
) -> pl.DataFrame:
    """Those facts one by one, the last received first, and which fact each `repeats`."""
    return _facts(telemetry, REPEATED, span, within=int(within.total_seconds()))


def facts_failing(
    telemetry: Telemetry, span: tuple[datetime, datetime], kinds: Sequence[str]
) -> pl.DataFrame:
    """Those of `failing` one by one, the last received first; of a dead letter its `position`."""
    return _facts(telemetry, f"{LACKING} UNION ALL {_LETTERS}", span, kinds=list(kinds))


def _facts(
    telemetry: Telemetry, rows: str, span: tuple[datetime, datetime], **more: Any
) -> pl.DataFrame:
    start, end = (_nanoseconds(at) for at in span)
    return telemetry.query(_ONE_BY_ONE.replace("ROWS", rows), {"start": start, "end": end, **more})


def _each(standing: str, rows: str) -> str:
    one = f"{standing} AS standing, toInt64(1) AS weight"
    return f"SELECT source, system, received_at, {one} FROM ({rows})"


def _counted(
    telemetry: Telemetry, windows: Windows, rows: Sequence[str], **more: Any
) -> pl.DataFrame:
    sql = _IN_WINDOWS.replace("ROWS", " UNION ALL ".join(rows))
    return telemetry.query(sql, {**_asked(windows), **more})


def _asked(windows: Windows) -> Mapping[str, Any]:
    starts, ends = ([_nanoseconds(window[end]) for window in windows] for end in (0, 1))
    return {"starts": starts, "ends": ends, "windows": len(windows)}


def _nanoseconds(at: datetime) -> int:
    return (at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1) * 1000
