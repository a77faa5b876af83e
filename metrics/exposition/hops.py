"""How long hops took, as histograms with traces to look at.

A hop ends where a step is closed, and begins where the last step before it was. The histograms are
gauge histograms, derived from the store anew each time: hops that ended in the last day or the last
30. Counters would have to grow, and what is derived may shrink when a tie is retracted
(docs/adr/0018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
from prometheus_client.core import GaugeHistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar

from metrics.definitions import Definitions
from threadline.model.journeys import Journey

MOST_HOPS = 200
OTHER = ("other", "other", "other", "other")
HOUR, DAY = 3600.0, 86_400.0
EDGES = (
    *(1.0, 10.0, 60.0, 600.0),
    *(HOUR, 4 * HOUR, 8 * HOUR),
    *(DAY, 2 * DAY, 5 * DAY, 10 * DAY, 30 * DAY),
)
LABELS = ("journey", "after", "step", "system", "window")


def hop_times(ended: Mapping[str, pl.DataFrame], definitions: Definitions) -> Metric:
    """One histogram per hop and window; `ended` has for each window journey, step, bucket (its
    place among `EDGES`, from 0), hops, seconds, and of one of these trace_id ('' for none),
    trace_seconds and closed_at.

    Steps beyond `MOST_HOPS`, and those that no definition names, share the labels `other`.
    """
    names = _names(definitions)
    family = GaugeHistogramMetricFamily(
        "threadline_hop_seconds",
        "Time from the last step before to this one, of hops that ended in the window",
        labels=LABELS,
    )
    for window, frame in ended.items():
        hops: dict[tuple[str, ...], list[dict[str, object]]] = {}
        for row in frame.iter_rows(named=True):
            hops.setdefault(names.get((row["journey"], row["step"]), OTHER), []).append(row)
        for labels, rows in sorted(hops.items()):
            told = pl.DataFrame(rows, schema=frame.schema)
            buckets = _buckets(told)
            values = (*labels, window)
            plain = [(edge, count) for edge, count, _ in buckets]
            family.add_metric(values, plain, float(told["seconds"].sum()))
            _remember(family, [exemplar for _, _, exemplar in buckets])
    return family


def _remember(family: Metric, exemplars: Sequence[Exemplar | None]) -> None:
    """Give the buckets added last their exemplars, which `add_metric` of this family cannot."""
    first = len(family.samples) - len(exemplars) - 2  # after the buckets come count and sum
    for place, exemplar in enumerate(exemplars, first):
        family.samples[place] = family.samples[place]._replace(exemplar=exemplar)


def _buckets(rows: pl.DataFrame) -> list[tuple[str, float, Exemplar | None]]:
    """Edge, cumulated count, and an exemplar of the hops that the bucket adds."""
    cumulated = 0
    told: list[tuple[str, float, Exemplar | None]] = []
    for place in range(len(EDGES) + 1):
        within = rows.filter(bucket=place)
        cumulated += int(within["hops"].sum())
        edge = str(EDGES[place]) if place < len(EDGES) else "+Inf"
        traced = within.filter(pl.col("trace_id") != "").sort("closed_at")
        exemplar = _exemplar(traced.row(-1, named=True)) if traced.height else None
        told.append((edge, cumulated, exemplar))
    return told


def _exemplar(row: Mapping[str, object]) -> Exemplar:
    at = row["closed_at"].timestamp()  # type: ignore[attr-defined]
    return Exemplar({"trace_id": str(row["trace_id"])}, float(str(row["trace_seconds"])), at)


def _names(definitions: Definitions) -> dict[tuple[str, str], tuple[str, str, str, str]]:
    """The labels of every hop that is told apart: journey, after, step and system."""
    found = [
        ((journey.name, step.name), (journey.name, _before(journey, step.after), step.name, system))
        for _, journey in sorted(definitions.journeys.items())
        for step in journey.steps
        for system in [step.system]
    ]
    return dict(found[:MOST_HOPS])


def _before(journey: Journey, after: tuple[str, ...]) -> str:
    """The steps before; systems are those of the definition, too."""
    return "+".join(sorted(after, key=journey.positions.__getitem__)) or "start"
