"""What identity is resumed from, and what resolves to nothing."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from threadline.store.telemetry import Telemetry

_LINKS = "SELECT * EXCEPT (state, reason, generation, deleted) FROM links FINAL"

_UNSETTLED = """
SELECT root_id FROM touched_roots FINAL
WHERE generation > (SELECT max(generation) FROM cursors)
"""

# A fact without identifiers in a trace that leads to a contract is shared by those of the trace.
_ORPHANS = """
WITH resolved AS (
    SELECT fact_id, trace_id FROM mentions FINAL
    WHERE (object_type, namespace, value) IN (
        SELECT object_type, namespace, value FROM identifiers FINAL WHERE root_id != '')
)
SELECT source, uniqExact(fact_id) AS facts,
    uniqExactIf(fact_id, fact_id NOT IN (SELECT fact_id FROM resolved)
        AND NOT (empty(identifiers) AND trace_id != ''
                 AND trace_id IN (SELECT trace_id FROM resolved))) AS orphans
FROM (
    SELECT source, fact_id, trace_id, identifiers FROM facts FINAL
    WHERE received_at >= {since:DateTime64(9, 'UTC')} AND received_at < {until:DateTime64(9, 'UTC')}
    ORDER BY mapping_revision DESC, content_hash DESC LIMIT 1 BY fact_id)
GROUP BY source ORDER BY source
"""


def links(telemetry: Telemetry) -> pl.DataFrame:
    """The best evidence of every pair of identifiers."""
    return telemetry.query(_LINKS)


def unsettled(telemetry: Telemetry) -> list[str]:
    """Roots touched by a batch whose cursor never moved."""
    return telemetry.query(_UNSETTLED)["root_id"].to_list()


def orphans(telemetry: Telemetry, since: datetime, until: datetime) -> pl.DataFrame:
    """By source, of the facts received in `[since, until)`: `facts`, and how many are `orphans`.

    An orphan is a fact none of whose identifiers leads to a root, as things stand now.
    """
    return telemetry.query(_ORPHANS, {"since": since, "until": until})
