"""KPIs: values against targets, over time, and the exact cases behind. Definitions lie beside."""

from metrics.kpis.closing import Closed, closed, packed, unpacked
from metrics.kpis.contribution import moved
from metrics.kpis.evaluation import cases_behind, evaluate, known_dimensions, series
from metrics.kpis.periods import FirmCalendar, Period
from metrics.kpis.receipts import RECEIVED, SOUND, Received
from metrics.kpis.restating import changes, departed

__all__ = [
    "RECEIVED",
    "SOUND",
    "Closed",
    "FirmCalendar",
    "Period",
    "Received",
    "cases_behind",
    "changes",
    "closed",
    "departed",
    "evaluate",
    "known_dimensions",
    "moved",
    "packed",
    "series",
    "unpacked",
]
