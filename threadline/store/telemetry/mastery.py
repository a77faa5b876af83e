"""What systems say of mastered attributes, and where copies differ, as derived."""

from __future__ import annotations

import polars as pl

from threadline.store.telemetry import Telemetry

_MISMATCHES = """
SELECT * EXCEPT (generation, deleted) FROM mismatches FINAL
WHERE ({attribute:String} = '' OR attribute = {attribute:String})
    AND ({system:String} = '' OR system = {system:String})
"""


def mismatches(telemetry: Telemetry, attribute: str = "", system: str = "") -> pl.DataFrame:
    """All stretches of all mismatches, of one attribute or of the copies in one system."""
    return telemetry.query(_MISMATCHES, {"attribute": attribute, "system": system})
