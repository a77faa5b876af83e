"""Databases beside the live one: each holds an index of its own in the same engine."""

from __future__ import annotations

from threadline.store.telemetry import Telemetry

AS_OF = "_as_of_"  # between the live database's name and what tells views apart

_SIZE = "SELECT sum(bytes_on_disk) AS bytes FROM system.parts WHERE database = currentDatabase()"
_LEFT = """
SELECT name FROM system.databases WHERE startsWith(name, concat(currentDatabase(), {mark:String}))
"""


def size(telemetry: Telemetry) -> int:
    """Bytes on disk of this database."""
    return int(telemetry.query(_SIZE)["bytes"].item() or 0)


def drop(telemetry: Telemetry) -> None:
    """Drop this database; its store can only be closed afterwards."""
    name = telemetry.query("SELECT currentDatabase() AS name")["name"].item()
    telemetry.command(f"DROP DATABASE {name} SYNC")


def drop_views(telemetry: Telemetry) -> None:
    """Drop what an earlier process left of views beside this, the live database."""
    for name in telemetry.query(_LEFT, {"mark": AS_OF})["name"]:
        telemetry.command(f"DROP DATABASE {name} SYNC")
