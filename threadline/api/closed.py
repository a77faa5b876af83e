"""Closes and restatements as the API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from threadline.api import cases, closing, rulings
from threadline.api.causes import Causes
from threadline.api.restating import Activated, Restated
from threadline.api.services import ApiServices
from threadline.api.threads import fact_row
from threadline.model import closes as model
from threadline.wire import (
    Close,
    ClosedKpi,
    CountedEntry,
    DefinitionChange,
    Kpi,
    KpiPart,
    RestatedCase,
    RestatedKpi,
)


def close(found: model.Close) -> Close:
    return Close(
        period=found.period,
        revision=found.revision,
        start=found.window.start,
        end=found.window.end,
        zone=found.zone,
        at=found.at,
        taken_at=found.taken_at,
        who=found.who,
        note=found.note,
        silent=list(found.silent),
        digest=found.digest,
    )


def published(services: ApiServices, kpi: model.ClosedKpi) -> list[ClosedKpi]:
    """One item per currency of money, else one."""
    return [
        ClosedKpi(
            **_kpi(services, kpi, kpi.figures, whole),
            reckoned_at=kpi.now,
            definition=kpi.digest,
            kept=kpi.kept,
        )
        for whole in kpi.figures
        if not whole.dimension
    ]


def _kpi(
    services: ApiServices,
    kpi: model.ClosedKpi,
    figures: Sequence[model.ClosedFigure],
    whole: model.ClosedFigure,
) -> dict[str, Any]:
    declared = services.definitions.kpis.get(kpi.kpi)
    bounded = whole.low is not None and whole.high is not None
    return {
        "kpi": kpi.kpi,
        "title": kpi.title,
        "description": declared.description if declared else "",
        "value": _number(whole.value),
        "unit": whole.unit,
        "business": kpi.business,
        "of": kpi.counts,
        "group": declared.group if declared else "time",
        "n": whole.n,
        "target": _number(whole.target),
        "direction": kpi.direction,
        "state": whole.state,
        "coverage": whole.coverage,
        "previous": None,
        "previous_n": None,
        "interval": (float(whole.low or 0), float(whole.high or 0)) if bounded else None,
        "counts": dict(whole.counts),
        "why": whole.note,
        "by": [
            KpiPart(
                dimension=part.dimension,
                label=part.label,
                value=_number(part.value),
                unit=part.unit,
                n=part.n,
                state=part.state,
                coverage=part.coverage,
            )
            for part in figures
            if part.dimension
            and part.unit == whole.unit
            and not services.redaction.hides(part.dimension)
        ],
    }


def restated(services: ApiServices, told: Restated) -> list[RestatedKpi]:
    kpi = told.published
    now = [closing.figure(value) for value in told.known.values] if told.known else []
    after = {one.unit: one for one in now if not one.dimension}
    before = {one.unit: one for one in published(services, kpi)}
    counted = _counted(told)
    items = []
    for unit in {**before, **after}:
        known = Kpi(**_kpi(services, kpi, now, after[unit])) if unit in after else None
        figures = [one for one in kpi.figures if one.unit == unit]
        items.append(
            RestatedKpi(
                kpi=kpi.kpi,
                title=kpi.title,
                unit=unit,
                published=before.get(unit),
                restated=known,
                difference=_difference(kpi, now, unit),
                differs=not told.unknowable and figures != [o for o in now if o.unit == unit],
                redefined=told.redefined,
                why=told.unknowable,
                **counted,
            )
        )
    return items


def _difference(kpi: model.ClosedKpi, now: Sequence[model.ClosedFigure], unit: str) -> float | None:
    values = [
        next((one.value for one in of if one.key == ("", "", unit)), None)
        for of in (kpi.figures, now)
    ]
    before, after = values
    return None if before is None or after is None else float(after - before)


def _counted(told: Restated) -> dict[str, int | None]:
    hows = ("entered", "left", "changed")
    if told.changes is None:
        return dict.fromkeys(hows)
    counts = dict(told.changes["how"].value_counts().iter_rows())
    return {how: counts.get(how, 0) for how in hows}


def restated_case(
    services: ApiServices, kpi: model.ClosedKpi, row: Mapping[str, Any], causes: Causes
) -> RestatedCase:
    keys = {name: row[name] for name in ("journey", "subject", "step")}
    before = {name.removesuffix("_before"): row[name] for name in row if name.endswith("_before")}
    after = {name: row[name] for name in before}
    return RestatedCase(
        how=row["how"],
        before=entry(kpi, before | keys) if before["weight"] is not None else None,
        after=entry(kpi, after | keys) if after["weight"] is not None else None,
        facts=[fact_row(services, fact, []) for fact in causes.facts],
        rulings=[rulings.told(one) for one in causes.rulings],
        definitions=[change(one) for one in causes.definitions],
        heard_since=list(causes.heard_since),
    )


def entry(kpi: model.ClosedKpi, row: Mapping[str, Any]) -> CountedEntry:
    unit = next((one.unit for one in kpi.figures if not one.dimension), "cases")
    contributes: float | Decimal | None = row["measure"]
    if kpi.counts == "facts":
        contributes, unit = row["weight"], "facts"
    elif unit != "seconds":
        contributes = row["amount"] if row["unit"] else int(row["hit"])
    return CountedEntry(
        journey=row["journey"],
        subject=row["subject"],
        step=row["step"],
        contract=row["root_id"],
        number=cases.number(row["root_id"] or row["subject"]),
        standing=row["standing"],
        counts=row["behind"],
        hit=row["hit"],
        contributes=None if contributes is None else float(contributes),
        unit=row["unit"] or unit,
        business=kpi.business,
    )


def change(one: Activated) -> DefinitionChange:
    return DefinitionChange(**asdict(one))


def _number(number: Decimal | None) -> float | None:
    return None if number is None else float(number)
