"""Writes `threads` as the derivation does, from the tables that it repeats."""

from __future__ import annotations

from threadline.store.telemetry import Telemetry, observations, threads

_AT_ONCE = 4_000  # roots
_HERE = "root_id IN {roots:Array(String)}"
_OF_CASES = f"(journey, case_id) IN (SELECT journey, case_id FROM cases FINAL WHERE {_HERE})"
_WHERE = {
    **dict.fromkeys(("cases", "attribute_values", "mismatches"), _HERE),
    **dict.fromkeys(("steps", "exceptions", "remedies"), _OF_CASES),
}
_ROOTS = "SELECT DISTINCT root_id FROM identifiers FINAL WHERE root_id != '' ORDER BY root_id"


def put_threads_together(telemetry: Telemetry) -> None:
    """Write the thread of every contract that the tables tell of."""
    roots = telemetry.query(_ROOTS)["root_id"].to_list()
    for first in range(0, len(roots), _AT_ONCE):
        some = roots[first : first + _AT_ONCE]
        derived = {
            table: telemetry.query(
                f"SELECT * EXCEPT (generation, deleted) FROM {table} FINAL WHERE {where}",
                {"roots": some},
            )
            for table, where in _WHERE.items()
        }
        members = observations.members(telemetry, some)
        links = observations.links(telemetry, some)
        telemetry.insert("threads", threads.put_together(members, links, derived))
