"""Every KPI of a period that is over, and exactly what each was computed from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO

import polars as pl

from metrics.definitions import Definitions
from metrics.derive import Derived
from metrics.kpis.evaluation import counted, values_of
from metrics.kpis.money import COUNTED_IN, EXACT, STATED
from metrics.kpis.populations import population
from metrics.kpis.receipts import Received
from metrics.kpis.scene import Question, Scene
from threadline.model.kpis import Kpi, KpiValue, Window

# One row per case, step of a case, contract or mismatch; per source, system and standing of facts;
# per system. `subject` says which: a case or contract by identifier.
POPULATION = pl.Schema(
    {
        "journey": pl.String(),
        "subject": pl.String(),
        "step": pl.String(),
        "root_id": pl.String(),
        "standing": pl.String(),
        "behind": pl.Boolean(),  # the value was computed from it
        "hit": pl.Boolean(),  # it is in the numerator
        "measure": pl.Float64(),  # seconds
        "amount": EXACT,
        "unit": pl.String(),  # the currency of `amount`; '' where money is not counted
        "stated": EXACT,  # what the amount was converted from, by a rate
        "stated_in": pl.String(),
        "weight": pl.Int64(),
        "dimensions": pl.String(),
    }
)
KEY = ["journey", "subject", "step"]
COMPARED = [name for name in POPULATION if name not in (*KEY, "root_id")]


@dataclass(frozen=True, kw_only=True)
class Closed:
    """A KPI of the period: the whole and its parts by each dimension, and its `population`."""

    kpi: Kpi
    now: datetime
    values: tuple[KpiValue, ...]
    population: pl.DataFrame


def closed(
    definitions: Definitions,
    derived: Derived,
    *,
    window: Window,
    at: datetime,
    silent: Callable[[datetime], Collection[str]],
    received: Received,
    only: str = "",
) -> Iterator[Closed]:
    """Every KPI over `window`, or the one called `only`; the window has ended by `at`.

    What happened in the window is judged by all that had happened by `at`; what is a state (open
    cases, value at risk) is that of the window's end. `silent` names the systems silent at an
    instant. Parts are by journey and by those dimensions of journeys that anything counted has; of
    facts by source, of systems by system.
    """
    kpis = [kpi for kpi in definitions.kpis.values() if only in ("", kpi.name)]
    counts: dict[tuple[Window, str], pl.DataFrame] = {}
    for kpi in kpis:
        counts |= counted(received, [kpi], {window: window.end if kpi.anchor == "now" else at})
    flow = Scene(derived=derived, definitions=definitions, now=at, silent=silent(at))
    flow = replace(flow, received=counts)
    state = replace(flow, now=window.end, silent=silent(window.end))
    for kpi in kpis:
        scene = state if kpi.anchor == "now" else flow
        ask = Question(kpi=kpi, scene=scene, window=window)
        rows = population(ask)
        values = list(values_of(ask, rows, []))
        for name in _dimensions(definitions, kpi):
            parts = list(values_of(ask, rows, [name]))
            values += parts if any(part.dimensions[name] for part in parts) else []
        frozen = _conformed(kpi, rows)
        yield Closed(kpi=kpi, now=scene.now, values=tuple(values), population=frozen)


def packed(population: pl.DataFrame) -> bytes:
    """The rows as Parquet."""
    file = BytesIO()
    population.write_parquet(file, compression="zstd")
    return file.getvalue()


def unpacked(content: bytes) -> pl.DataFrame:
    """What was `packed`, in the columns of `POPULATION`."""
    return pl.read_parquet(BytesIO(content))


def _dimensions(definitions: Definitions, kpi: Kpi) -> list[str]:
    if kpi.asks_intake:
        return ["source" if kpi.counts == "facts" else "system"]
    declared = {name for one in definitions.journeys.values() for name, _ in one.dimensions}
    return [*sorted(declared), "journey"]


def _conformed(kpi: Kpi, rows: pl.DataFrame) -> pl.DataFrame:
    names = {"unit": COUNTED_IN, "stated": STATED, "stated_in": "currency"}
    money = {new: pl.col(old) for new, old in names.items() if COUNTED_IN in rows}
    rows = rows.with_columns(subject=_subject(kpi), **money)
    absent = [pl.lit(None, kind).alias(n) for n, kind in POPULATION.items() if n not in rows]
    whole = rows.with_columns(absent)
    if kpi.measure == "value-at-risk":  # a contract, whichever of its cases it is shown by
        whole = whole.with_columns(journey=pl.lit(""), step=pl.lit(""))
    texts = [name for name, kind in POPULATION.items() if kind == pl.String()]
    whole = whole.with_columns(pl.col(texts).fill_null(""))
    whole = whole.select(pl.col(name).cast(kind) for name, kind in POPULATION.items())
    return whole.sort(*KEY, *(name for name in POPULATION if name not in KEY))


def _subject(kpi: Kpi) -> pl.Expr:
    if kpi.counts == "systems":
        return pl.col("system")
    if kpi.counts == "facts":
        told = pl.concat_list("source", "system", "standing")
        return told.list.filter(pl.element() != "").list.join(" · ")
    return pl.col("root_id" if kpi.measure == "value-at-risk" else "case_id")
