"""The cases whose promises may have something to tell at an instant."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import polars as pl

from threadline.model.identifiers import Identifier
from threadline.store.telemetry import Telemetry

_TELLING = """
    (completed_at IS NULL AND cancelled_at IS NULL
        AND (warn_at <= {now:DateTime64(9, 'UTC')} OR due_at < {now:DateTime64(9, 'UTC')}
            OR current_due_at < {now:DateTime64(9, 'UTC')}))
    OR case_id IN {watched:Array(String)}
"""

# Asked every second: all versions are looked through, which reads a few columns, before the few
# that tell something are read as they are now.
_PASSED = f"""
SELECT * EXCEPT (generation, deleted) FROM cases FINAL
WHERE ({_TELLING}) AND (journey, case_id) IN (SELECT journey, case_id FROM cases WHERE {_TELLING})
"""

_RESOLUTIONS = """
SELECT concat(object_type, ':', namespace, ':', value) AS identifier, object_id
FROM identifiers FINAL
WHERE (object_type, namespace, value) IN (
    SELECT t.1, t.2, t.3 FROM (SELECT arrayJoin(arrayZip({types:Array(String)},
        {namespaces:Array(String)}, {values:Array(String)})) AS t))
"""


def passed(telemetry: Telemetry, now: datetime, watched: Collection[str]) -> pl.DataFrame:
    """Open cases with a warning or deadline behind `now`, and those `watched`; columns of cases."""
    return telemetry.query(_PASSED, {"now": now, "watched": sorted(watched)})


def resolutions(telemetry: Telemetry, identifiers: Collection[str]) -> dict[str, str]:
    """The object ids that `identifiers` (`type:namespace:value`) resolve to, where known."""
    if not identifiers:
        return {}
    parsed = [Identifier.parse(text) for text in sorted(identifiers)]
    asked = {
        "types": [one.object_type for one in parsed],
        "namespaces": [one.namespace for one in parsed],
        "values": [one.value for one in parsed],
    }
    return dict(telemetry.query(_RESOLUTIONS, asked).iter_rows())
