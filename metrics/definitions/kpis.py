"""A KPI file as a `Kpi`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from metrics.definitions.durations import duration
from metrics.definitions.faults import Faults
from threadline.definitions import Document
from threadline.model.journeys import Journey
from threadline.model.kpis import Kpi, Measure, Target

UNITS: Mapping[Measure, str] = {
    "cycle-time": "seconds",
    "step-time": "seconds",
    "failed-steps": "ratio",
    "exception-share": "ratio",
    "first-time-right": "ratio",
    "sla-attainment": "ratio",
    "stuck-cases": "cases",
    "value-at-risk": "currency",
    "revenue-leakage": "currency",
    "orphan-share": "ratio",
    "hop-time": "seconds",
    "recovery-time": "seconds",
    "start-to-step": "seconds",
    "manual-touch": "ratio",
    "sla-burn": "ratio",
    "audit-completeness": "ratio",
    "backlog": "cases",
    "failed-mapping": "ratio",
    "duplicate-events": "ratio",
    "source-freshness": "seconds",
}

ASK_FOR_KINDS = ("exception-share", "revenue-leakage", "start-to-step", "failed-mapping")
DERIVED_KINDS = {"step-failed", "required-field-missing"}  # no rule of a journey names these


def kpi(document: Document, journeys: Mapping[str, Journey]) -> Kpi:
    """Raises `DefinitionErrors` on unknown journeys and steps, and on targets in the wrong unit."""
    raw, faults = document.content, Faults()
    names = () if raw["journeys"] == "all" else tuple(raw["journeys"])
    _check_journeys(document, journeys, names, faults)
    _check_kinds(document, journeys, names, faults)
    built = Kpi(
        name=raw["kpi"],
        title=raw["title"],
        description=raw["description"],
        journeys=names,
        measure=raw["measure"],
        direction=raw["direction"],
        unit=UNITS[raw["measure"]],
        step=raw.get("step", ""),
        kinds=tuple(raw.get("kinds", ())),
        business=raw.get("clock") == "business",
        statistic=raw.get("statistic", "median"),
        beside=tuple(raw.get("beside", ())),
        target=_target(document, faults),
        minimum_sample=raw.get("minimum_sample", 1),
        maturity=_elapsed(document, "maturity", faults),
        objective=raw.get("objective", 1.0),
        within=_elapsed(document, "within", faults),
    )
    faults.raise_any()
    return built


def _check_journeys(
    document: Document, journeys: Mapping[str, Journey], names: tuple[str, ...], faults: Faults
) -> None:
    step = document.content.get("step")
    for place, name in enumerate(names):
        if name not in journeys:
            faults.add(document, ("journeys", place), f"there is no journey {name!r}")
    without = [
        name
        for name in names or journeys
        if step and name in journeys and step not in journeys[name].positions
    ]
    if document.content["measure"] == "revenue-leakage" and len(without) < len(names):
        return  # amendments have the step, invoices do not
    for name in without:
        faults.add(document, ("step",), f"journey {name!r} has no step {step!r}")


def _check_kinds(
    document: Document, journeys: Mapping[str, Journey], names: tuple[str, ...], faults: Faults
) -> None:
    if "kinds" in document.content and document.content["measure"] not in ASK_FOR_KINDS:
        faults.add(document, ("kinds",), f"only {' and '.join(ASK_FOR_KINDS)} ask for kinds")
    meant = [journeys[name] for name in names or journeys if name in journeys]
    known = {rule.kind for journey in meant for rule in journey.exceptions}
    for place, kind in enumerate(document.content.get("kinds", [])):
        if kind not in known | DERIVED_KINDS:
            faults.add(document, ("kinds", place), f"no journey has exceptions of kind {kind!r}")


def _elapsed(document: Document, key: str, faults: Faults) -> timedelta:
    text = document.content.get(key)
    with faults.at(document, key):
        if text:
            return timedelta(seconds=_seconds(text, business=False))
    return timedelta()


def _target(document: Document, faults: Faults) -> Target | None:
    raw = document.content.get("target")
    if raw is None:
        return None
    money = document.content["measure"] == "value-at-risk"
    if money != ("share_of_open" in raw):
        rule = "value at risk, and nothing else, has a target `share_of_open`"
        faults.add(document, ("target",), rule)
    values: dict[str, float | None] = {}
    for key in ("value", "warning"):
        with faults.at(document, "target", key):
            values[key] = _number(raw.get(key), document.content)
    return Target(**values, share_of_open=raw.get("share_of_open"))


def _number(raw: Any, content: Mapping[str, Any]) -> float | None:
    if raw is None:
        return None
    timed = UNITS[content["measure"]] == "seconds"
    if timed != isinstance(raw, str):
        raise ValueError("must be a time such as '24 hours'" if timed else "must be a number")
    return _seconds(raw, content.get("clock") == "business") if timed else float(raw)


def _seconds(text: str, business: bool) -> float:
    length = duration(text)
    if length.days:
        raise ValueError("business days differ by calendar: say it in business hours")
    if length.business != business:
        kind = "business" if business else "plain"
        raise ValueError(f"must be in {kind} hours, as its clock runs")
    return length.seconds
