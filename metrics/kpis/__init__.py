"""KPIs: values against targets, over time, and the exact cases behind. Definitions lie beside."""

from metrics.kpis.contribution import moved
from metrics.kpis.evaluation import cases_behind, evaluate, series
from metrics.kpis.periods import FirmCalendar, Period
from metrics.kpis.receipts import RECEIVED, SOUND, Received

__all__ = [
    "RECEIVED",
    "SOUND",
    "FirmCalendar",
    "Period",
    "Received",
    "cases_behind",
    "evaluate",
    "moved",
    "series",
]
