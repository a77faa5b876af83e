"""What a change of definitions would do, before it is made."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from copy import deepcopy
from datetime import timedelta
from typing import Any

from fastapi import APIRouter

from metrics import definitions as metric_definitions
from metrics.definitions import Definitions
from threadline.api import cases
from threadline.api.access import requires
from threadline.api.problems import Refusal
from threadline.api.services import Services
from threadline.errors import DefinitionErrors
from threadline.model.kpis import KpiValue, Window
from threadline.model.people import Permission
from threadline.preview import STANDING, preview
from threadline.wire import (
    Preview,
    PreviewCase,
    PreviewKpi,
    PreviewRequest,
    PreviewStanding,
)

MOST_CONTRACTS = 20_000
EXAMPLES = 50
BUSY = 429

router = APIRouter(
    prefix="/definitions", tags=["definitions"], dependencies=[requires(Permission.DEFINITIONS)]
)
_turn = threading.Lock()  # every preview derives thousands of contracts


@router.post("/preview")
def previewed(services: Services, asked: PreviewRequest) -> Preview:
    """Cases that would stand otherwise, breaches won and lost, KPIs now and then."""
    others = _read(services.definitions, asked)
    if not _turn.acquire(blocking=False):
        raise Refusal(BUSY, "another preview is being made: ask again when it is done")
    now = services.clock.now()
    try:
        found = preview(
            services.telemetry,
            services.definitions,
            others,
            window=Window(start=now - timedelta(days=asked.days), end=now),
            now=now,
            silent=services.silent_systems(now),
            most=MOST_CONTRACTS,
        )
    finally:
        _turn.release()
    changed = _changed(services.definitions, others)
    return Preview(
        journeys=changed,
        claims={n: others.journeys[n].claims for n in changed if n in others.journeys},
        contracts=found.contracts,
        contracts_known=found.known,
        cases=found.judged_otherwise,
        moved=found.moved.height,
        won=found.won,
        lost=found.lost,
        examples=[_case(row) for row in found.moved.head(EXAMPLES).iter_rows(named=True)],
        kpis=[_kpi(here, there) for here, there in found.kpis],
        unread=list(found.unread),
    )


def _read(present: Definitions, asked: PreviewRequest) -> Definitions:
    """Raises `Refusal` where they break a rule."""
    content = deepcopy(asked.metrics)
    try:
        others = metric_definitions.restore(content)
        if asked.claims:
            for name in set(_changed(present, others)) & set(content["journeys"]):
                content["journeys"][name]["claims"] = asked.claims
            others = metric_definitions.restore(content)
    except DefinitionErrors as broken:
        raise Refusal(422, "; ".join(str(error) for error in broken.errors)) from broken
    except (KeyError, TypeError, AttributeError) as error:
        raise Refusal(422, f"metrics: is not what definitions look like ({error!r})") from error
    return others


def _changed(present: Definitions, others: Definitions) -> list[str]:
    def version(definitions: Definitions, name: str) -> str:
        return definitions.journeys[name].version if name in definitions.journeys else ""

    names = {*present.journeys, *others.journeys}
    return sorted(name for name in names if version(present, name) != version(others, name))


def _case(row: Mapping[str, Any]) -> PreviewCase:
    now, then = (
        PreviewStanding(**{name: row[f"{name}{side}"] for name in STANDING})
        if row[f"state{side}"] is not None
        else None
        for side in ("", "_then")
    )
    return PreviewCase(
        journey=row["journey"],
        case_id=row["case_id"],
        number=cases.number(row["case_id"]),
        contract=row["root_id"],
        now=now,
        then=then,
    )


def _kpi(here: KpiValue | None, there: KpiValue | None) -> PreviewKpi:
    known = here or there
    assert known is not None  # noqa: S101 - a pair has one of both
    return PreviewKpi(
        kpi=known.kpi,
        title=known.title,
        unit=known.unit,
        now=_number(here),
        then=_number(there),
        n_now=here.n if here else 0,
        n_then=there.n if there else 0,
    )


def _number(value: KpiValue | None) -> float | None:
    return None if value is None or value.value is None else float(value.value)
