"""What an event log for process mining is made of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from threadline.store.telemetry import Telemetry
from threadline.store.telemetry.alive import NEVER
from threadline.store.telemetry.tenures import ALWAYS

_ALL_ROOTS = "SELECT root_id FROM threads FINAL ORDER BY root_id"
_ROOTS = """
SELECT DISTINCT root_id FROM cases FINAL
WHERE root_id != '' AND ({journey:String} = '' OR journey = {journey:String})
    AND started_at >= {since:DateTime64(9, 'UTC')} AND started_at < {until:DateTime64(9, 'UTC')}
ORDER BY root_id
"""

# The last version as `facts` tells it; the keys are those of the table.
_SAID = """
SELECT fact_id, attributes, identifiers FROM facts FINAL
WHERE (trace_id, fact_id) IN {facts:Array(Tuple(String, String))}
ORDER BY mapping_revision DESC, content_hash DESC LIMIT 1 BY fact_id
"""
_AT_ONCE = 2_000

# In the order of the imported file, as it was received; the last version of each.
_IMPORTED = """
SELECT name, occurred_at, attributes, partition, offset, ordinal FROM (
    SELECT * FROM facts FINAL
    WHERE kind = 'event' AND trace_id = '' AND position(attributes, '"ocel.log"') > 0
        AND JSONExtractString(attributes, 'ocel.log') = {log:String}
    ORDER BY mapping_revision DESC, content_hash DESC LIMIT 1 BY fact_id)
WHERE (name = {name:String} OR {name:String} = '' AND name NOT IN ('ocel.object', 'ocel.relation'))
    AND (partition, offset, ordinal) > ({partition:Int32}, {offset:UInt64}, {ordinal:UInt32})
ORDER BY partition, offset, ordinal LIMIT {limit:UInt32}
"""


def roots(
    telemetry: Telemetry,
    journey: str = "",
    since: datetime = ALWAYS,
    until: datetime = NEVER,
) -> list[str]:
    """The contracts with a case of `journey` ('': of any) that started in `[since, until)`.

    All of them, also those without a case, where nothing is asked for.
    """
    if not journey and since == ALWAYS and until == NEVER:
        return telemetry.query(_ALL_ROOTS)["root_id"].to_list()
    asked = {"journey": journey, "since": since, "until": until}
    return telemetry.query(_ROOTS, asked)["root_id"].to_list()


def said(
    telemetry: Telemetry, facts: Collection[tuple[str, str]]
) -> dict[str, tuple[str, list[str]]]:
    """By fact id, the attributes (JSON) and what it names itself; `facts`: (trace id, fact id)."""
    asked = sorted(facts)
    found: dict[str, tuple[str, list[str]]] = {}
    for first in range(0, len(asked), _AT_ONCE):
        rows = telemetry.query(_SAID, {"facts": asked[first : first + _AT_ONCE]})
        found |= {fact: (attributes, names) for fact, attributes, names in rows.iter_rows()}
    return found


def imported(telemetry: Telemetry, log: str, name: str = "") -> Iterator[tuple[str, Any, str]]:
    """Facts of an imported log as they were sent: (name, occurred_at, attributes as JSON).

    `log` is the source of the import; `name` is `ocel.object`, `ocel.relation` or '' for events.
    """
    place = {"partition": -1, "offset": 0, "ordinal": 0}
    while True:
        asked = {"log": log, "name": name, "limit": _AT_ONCE * 10, **place}
        rows = telemetry.query(_IMPORTED, asked)
        yield from rows.select("name", "occurred_at", "attributes").iter_rows()
        if rows.height < _AT_ONCE * 10:
            return
        place = dict(zip(place, rows.select(*place).row(-1), strict=True))
