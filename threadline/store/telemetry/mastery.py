"""What systems say of mastered attributes, and where copies differ, as derived."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from threadline.store.telemetry import Telemetry

_MISMATCHES = """
SELECT * EXCEPT (generation, deleted) FROM mismatches FINAL
WHERE ({attribute:String} = '' OR attribute = {attribute:String})
    AND ({system:String} = '' OR system = {system:String})
"""

_ALIVE = """
SELECT * EXCEPT (generation, deleted) FROM mismatches FINAL
WHERE until IS NULL OR until >= {since:DateTime64(9, 'UTC')}
"""


def mismatches(telemetry: Telemetry, attribute: str = "", system: str = "") -> pl.DataFrame:
    """All stretches of all mismatches, of one attribute or of the copies in one system."""
    return telemetry.query(_MISMATCHES, {"attribute": attribute, "system": system})


def alive_since(telemetry: Telemetry, since: datetime) -> pl.DataFrame:
    """All stretches of the mismatches that still lasted at `since` or later."""
    return telemetry.query(_ALIVE, {"since": since})
