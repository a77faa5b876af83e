"""Where objects were seen last, and who came through a hop."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import polars as pl

from threadline.store.telemetry import Telemetry

_NAME = ["object_type", "namespace", "value"]

_HERE = """
SELECT object_type, namespace, value, object_id, owner_id, root_id FROM identifiers FINAL
WHERE root_id IN {roots:Array(String)} AND (object_type, namespace, value) IN
    (SELECT object_type, namespace, value FROM identifiers WHERE root_id IN {roots:Array(String)})
"""

_SEEN = """
SELECT object_type, namespace, value, fact_id, system, name, at, kind, how, of FROM mentions FINAL
WHERE (object_type, namespace, value) IN {names:Array(Tuple(String, String, String))}
    AND plausible AND at >= {since:DateTime64(9, 'UTC')} AND at <= {now:DateTime64(9, 'UTC')}
"""

_PASSED = """
SELECT journey, step, ready_at, closed_at FROM steps FINAL
WHERE (journey, step) IN {steps:Array(Tuple(String, String))}
    AND ready_at > {since:DateTime64(9, 'UTC')} AND closed_at <= {now:DateTime64(9, 'UTC')}
"""


def sightings(
    telemetry: Telemetry, roots: Collection[str], since: datetime, now: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What was heard of the objects under `roots` in `[since, now]`, by time: root_id, object_id,
    fact_id, system, name, at; and these objects: object_id, owner_id.

    As for cases, what speaks of several contracts counts only if it is no span and names them.
    """
    here = telemetry.query(_HERE, {"roots": sorted(roots)})
    asked = {"names": here.select(_NAME).rows(), "since": since, "now": now}
    told = telemetry.query(_SEEN, asked).join(here, on=_NAME)
    itself = (pl.col("how") == "own") & (pl.col("kind") != "span")
    whole = pl.struct(_NAME).n_unique().over("root_id", "fact_id") == pl.col("of")
    told = told.filter(itself | whole).sort("at", "fact_id")
    heard = told.select("root_id", "object_id", "fact_id", "system", "name", "at")
    return heard, here.select("object_id", "owner_id").unique()


def passed(
    telemetry: Telemetry, hops: Collection[tuple[str, str, datetime]], now: datetime
) -> list[tuple[int, datetime | None]]:
    """How many cases could begin a step after an instant and have done it by `now`, and when the
    last one did: one of each of `hops` (journey, step, instant).

    A step is a column of all cases, so they are read at once.
    """
    steps = sorted({(journey, step) for journey, step, _ in hops})
    since = min((instant for _, _, instant in hops), default=now)
    read = telemetry.query(_PASSED, {"steps": steps, "since": since, "now": now})
    through = read.partition_by("journey", "step", as_dict=True)
    found: list[tuple[int, datetime | None]] = []
    for journey, step, instant in hops:
        cases = through.get((journey, step), read.clear()).filter(pl.col("ready_at") > instant)
        found.append((cases.height, *cases.select(pl.col("closed_at").max()).row(0)))
    return found
