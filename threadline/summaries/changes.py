"""Which KPIs moved, and the dimension that says most about why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from threadline.api import kpis
from threadline.api.asked import Asked
from threadline.api.kpis import UNDIVIDED
from threadline.api.services import ApiServices
from threadline.wire import Kpi, KpiContribution
from threadline.wire.summaries import SummaryChange

CHANGES = 3
NAMELESS = 0.2  # of all effects, by parts without a name: more, and it says too little
FEWEST = 5  # in either window: what fewer did is chance
WORTH_SAYING = 0.05  # a change of a twentieth
OF_CASES = ("journey", "system", "step")  # beside what journeys declare
OF_FACTS = ("system", "source")
_JUDGED = {"breached": 0, "warning": 1}  # what misses its target comes first


def changes(services: ApiServices, asked: Asked, items: Sequence[Kpi]) -> list[SummaryChange]:
    """What changed most since the window before, with the parts that moved it."""
    moved = sorted(filter(_moved, items), key=_weight)
    return list(islice(_explained(services, asked, moved), CHANGES))


def _moved(kpi: Kpi) -> bool:
    enough = min(kpi.n, kpi.previous_n or 0) >= FEWEST
    return enough and kpi.state not in ("unknown", "too_few") and _size(kpi) >= WORTH_SAYING


def _size(kpi: Kpi) -> float:
    """By how much of itself, or of what its target allows, a KPI changed."""
    if kpi.value is None or kpi.previous is None:
        return 0.0
    largest = max(abs(kpi.value), abs(kpi.previous))
    return abs(kpi.value - kpi.previous) / largest if largest else 0.0


def _weight(kpi: Kpi) -> tuple[int, bool, float]:
    better = ((kpi.value or 0.0) > (kpi.previous or 0.0)) == (kpi.direction == "higher")
    return _JUDGED.get(kpi.state, 2), better, -_size(kpi)


def _explained(
    services: ApiServices, asked: Asked, items: Iterable[Kpi]
) -> Iterator[SummaryChange]:
    for kpi in items:
        if services.definitions.kpis[kpi.kpi].measure in UNDIVIDED or kpi.of == "systems":
            continue
        divided = [_divided(services, asked, kpi, by) for by in _dimensions(services, kpi)]
        telling = [one for one in divided if one is not None and _concentration(one)]
        if telling:
            yield SummaryChange(kpi=kpi, moved=max(telling, key=_concentration))


def _dimensions(services: ApiServices, kpi: Kpi) -> list[str]:
    """What the change may be divided by: nothing whose values the reader does not see."""
    if kpi.of == "facts":
        return list(OF_FACTS)
    hides = services.redaction.hides
    declared = [pair for one in services.definitions.journeys.values() for pair in one.dimensions]
    seen = [name for name, attribute in declared if not hides(name) and not hides(attribute)]
    return list(dict.fromkeys([*seen, *OF_CASES]))


def _divided(services: ApiServices, asked: Asked, kpi: Kpi, by: str) -> KpiContribution | None:
    found = kpis.kpi_contribution(services, asked, kpi.kpi, by).items
    return next((one for one in found if one.unit == kpi.unit and one.change), None)


def _concentration(told: KpiContribution) -> float:
    """The share of all effects that the largest part in the change's direction has; 0 to 1.

    A dimension of one part explains nothing, nor one that many cases do not have.
    """
    change, whole = told.change or 0.0, sum(abs(one.effect) for one in told.parts)
    nameless = sum(abs(one.effect) for one in told.parts if not one.label)
    if len(told.parts) == 1 or nameless > NAMELESS * whole:
        return 0.0
    same = [abs(one.effect) for one in told.parts if one.label and one.effect * change > 0]
    return max(same, default=0.0) / whole if whole else 0.0
