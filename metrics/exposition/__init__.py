"""What Prometheus is told of KPIs, cases, hops and sources; rules and dashboards lie beside."""

from metrics.exposition.hops import hop_times
from metrics.exposition.kpis import CaseCount, KpiCollector, count_cases
from metrics.exposition.sources import heard, told_by_sources

__all__ = ["CaseCount", "KpiCollector", "count_cases", "heard", "hop_times", "told_by_sources"]
