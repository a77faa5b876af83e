"""KPIs: values against targets, over time, and the exact cases behind. Definitions lie beside."""

from metrics.kpis.evaluation import cases_behind, evaluate, series

__all__ = ["cases_behind", "evaluate", "series"]
