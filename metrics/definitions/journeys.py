"""A journey file as a `Journey`."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from metrics.calendars import Calendar
from metrics.definitions.durations import duration
from metrics.definitions.faults import Faults
from metrics.definitions.matchers import comparison, matchers, predicates
from threadline.definitions import Document
from threadline.model.journeys import (
    WARN,
    Alternative,
    CalendarChoice,
    Duration,
    ExceptionRule,
    Journey,
    Pause,
    Promise,
    Remedy,
    Reopening,
    Repeat,
    Runbook,
    Step,
)

RESERVED = frozenset(  # dimensions every case has anyway
    {"journey", "criticality", "system", "alternative", "version"}
)


def journey(document: Document, calendars: Mapping[str, Calendar], version: str) -> Journey:
    """Raises `DefinitionErrors` on unknown steps and calendars, cycles, promises out of reach."""
    raw, faults = document.content, Faults()
    worth = raw.get("root_value", raw.get("value", {}))
    built = Journey(
        name=raw["journey"],
        version=version,
        title=raw["title"],
        description=raw.get("description", ""),
        case_type=raw["case"],
        criticality=raw["criticality"],
        owner=raw["owner"],
        runbook=_runbook(raw["runbook"]),
        start=matchers(raw["start"]),
        cancel=matchers(raw.get("cancel", [])),
        pause=_pause(document, faults),
        reopen=_reopenings(document, faults),
        required_fields=tuple(raw.get("required_fields", ())),
        value=raw.get("value", {}).get("amount", ""),
        currency=raw.get("value", {}).get("currency", ""),
        root_value=worth.get("amount", ""),
        root_currency=worth.get("currency", ""),
        dimensions=tuple(raw.get("dimensions", {}).items()),
        calendar=_calendar(raw["calendar"]),
        promises=_promises(document, faults),
        steps=tuple(_step(document, place, faults) for place in range(len(raw["steps"]))),
        exceptions=tuple(_exception(entry) for entry in raw.get("exceptions", [])),
        claims=raw.get("claims", "new"),
    )
    _check_steps(document, built, faults)
    _check_order(document, built, faults)
    _check_comparisons(document, built, faults)
    _check_reopenings(document, built, faults)
    _check_names(document, built, calendars, faults)
    faults.raise_any()
    return built


def _runbook(raw: Mapping[str, str]) -> Runbook:
    return Runbook(
        next_move=raw["next"],
        url=raw.get("url", ""),
        replay=raw.get("replay", ""),
        compensate=raw.get("compensate", ""),
    )


def _calendar(raw: Any) -> CalendarChoice:
    if isinstance(raw, str):
        return CalendarChoice(otherwise=raw)
    return CalendarChoice(attribute=raw["by"], otherwise=raw["otherwise"])


def _pause(document: Document, faults: Faults) -> Pause | None:
    raw = document.content.get("pause")
    if raw is None:
        return None
    return Pause(
        since=matchers(raw["since"]),
        until=matchers(raw["until"]),
        maximum=_duration(document, faults, raw["maximum"], "pause", "maximum"),
    )


def _reopenings(document: Document, faults: Faults) -> tuple[Reopening, ...]:
    found = []
    for place, raw in enumerate(document.content.get("reopen", [])):
        within, after = None, raw.get("after", "completed")
        if "within" in raw:
            within = _duration(document, faults, raw["within"], "reopen", place, "within")
        found.append(
            Reopening(
                match=matchers(raw["match"]),
                after=tuple(after) if isinstance(after, list) else (after,),
                redo=tuple(raw.get("redo", ())),
                within=within,
            )
        )
    return tuple(found)


def _promises(document: Document, faults: Faults) -> tuple[Promise, ...]:
    raw = document.content.get("sla", [])
    for place, entry in enumerate(raw):
        last = place == len(raw) - 1
        if ("when" in entry) == last:
            rule = "the first promise that holds counts: the last has no `when`, all others do"
            faults.add(document, ("sla", place), rule)
    return tuple(
        Promise(
            within=_duration(document, faults, entry["within"], "sla", place, "within"),
            warn=entry.get("warn", WARN),
            when=predicates(entry.get("when", {})),
        )
        for place, entry in enumerate(raw)
    )


def _step(document: Document, place: int, faults: Faults) -> Step:
    raw, within = document.content["steps"][place], None
    if "within" in raw:
        within = _duration(document, faults, raw["within"], "steps", place, "within")
    alternatives = tuple(
        Alternative(
            name=each["alternative"],
            system=each.get("system", raw["system"]),
            match=matchers(each["match"]),
        )
        for each in raw.get("alternatives", [])
    )
    return Step(
        name=raw["step"],
        title=raw["title"],
        system=raw["system"],
        match=tuple(matcher for each in alternatives for matcher in each.match)
        or matchers(raw["match"]),
        alternatives=alternatives,
        remedies=tuple(
            Remedy(
                kind=each["remedy"], match=matchers(each["match"]), closes=each.get("closes", False)
            )
            for each in raw.get("remedies", [])
        ),
        compare=comparison(raw.get("compare")),
        after=tuple(raw.get("after", ())),
        when=predicates(raw.get("when", {})),
        optional=raw.get("optional", False),
        within=within,
        repeat=_repeat(raw.get("repeat")),
        performer=raw.get("performer", "integration"),
        owner=raw.get("owner", document.content["owner"]),
        runbook=_runbook(raw["runbook"]),
    )


def _repeat(raw: Mapping[str, Any] | None) -> Repeat | None:
    if raw is None:
        return None
    times, per = raw["times"], raw.get("per", "")
    if isinstance(times, int):
        return Repeat(times=times, per=per)
    return Repeat(attribute=times, per=per)


def _exception(raw: Mapping[str, Any]) -> ExceptionRule:
    return ExceptionRule(
        kind=raw["kind"],
        match=matchers(raw["match"], outcome="any"),
        compare=comparison(raw.get("compare")),
        step=raw.get("step", ""),
        when=predicates(raw.get("when", {})),
        during=raw.get("during", ""),
        unless=matchers(raw.get("unless", [])),
        afterwards=raw.get("afterwards", False),
    )


def _duration(document: Document, faults: Faults, text: str, *path: str | int) -> Duration:
    with faults.at(document, *path):
        return duration(text)
    return Duration(text=text, business=False)


def _check_steps(document: Document, journey: Journey, faults: Faults) -> None:
    seen: set[str] = set()
    for place, step in enumerate(journey.steps):
        if step.name in seen:
            faults.add(document, ("steps", place, "step"), f"there are two steps {step.name!r}")
        seen.add(step.name)
        names = [each.name for each in step.alternatives]
        for other, name in enumerate(names):
            if name in names[:other]:
                path = ("steps", place, "alternatives", other, "alternative")
                faults.add(document, path, f"there are two alternatives {name!r}")
    if all(step.optional or step.when for step in journey.steps):
        faults.add(document, ("steps",), "at least one step must be required of every case")
    for place, rule in enumerate(journey.exceptions):
        for key, name in (("step", rule.step), ("during", rule.during)):
            if name and name not in seen:
                faults.add(document, ("exceptions", place, key), f"there is no step {name!r}")


def _check_order(document: Document, journey: Journey, faults: Faults) -> None:
    names = {step.name for step in journey.steps}
    for place, step in enumerate(journey.steps):
        for position, name in enumerate(step.after):
            if name not in names:
                path = ("steps", place, "after", position)
                faults.add(document, path, f"there is no step {name!r}")
    try:
        TopologicalSorter({step.name: step.after for step in journey.steps}).prepare()
    except CycleError as error:
        circle = " after ".join(reversed(error.args[1]))
        place = journey.positions.get(error.args[1][0], 0)
        faults.add(document, ("steps", place, "after"), f"steps wait for each other: {circle}")


def _check_comparisons(document: Document, journey: Journey, faults: Faults) -> None:
    steps = {step.name: step for step in journey.steps}
    asked = [("steps", place, step.compare) for place, step in enumerate(journey.steps)]
    asked += [("exceptions", place, rule.compare) for place, rule in enumerate(journey.exceptions)]
    for key, place, asks in asked:
        if asks is None:
            continue
        path, name = (key, place, "compare", "with"), asks.step
        if name not in steps:
            faults.add(document, path, f"there is no step {name!r}")
        elif steps[name].compare:
            faults.add(document, path, f"the step {name!r} compares its own facts with others")


def _check_reopenings(document: Document, journey: Journey, faults: Faults) -> None:
    steps = {step.name for step in journey.steps}
    asked = [each.compare for each in journey.steps]
    asked += [each.compare for each in journey.exceptions]
    compared = {each.step for each in asked if each}
    for place, rule in enumerate(journey.reopen):
        for position, name in enumerate(rule.redo):
            path = ("reopen", place, "redo", position)
            if name not in steps:
                faults.add(document, path, f"there is no step {name!r}")
            for other in sorted(journey.following([name]) & compared):
                words = f"redoes {other!r}, which the facts of others are compared with"
                faults.add(document, path, words)
        if "completed" in rule.after and not rule.redo:
            words = "a completed case goes on only with something to `redo`"
            faults.add(document, ("reopen", place), words)


def _check_names(
    document: Document, journey: Journey, calendars: Mapping[str, Calendar], faults: Faults
) -> None:
    if journey.calendar.otherwise not in calendars:
        rule = f"there is no calendar {journey.calendar.otherwise!r}"
        faults.add(document, ("calendar", "otherwise"), rule)
    attributes = {attribute for _, attribute in journey.dimensions}
    if journey.calendar.attribute and journey.calendar.attribute not in attributes:
        faults.add(document, ("calendar", "by"), "must be the attribute of one of the dimensions")
    for name, _ in journey.dimensions:
        if name in RESERVED:
            rule = f"every case has a dimension {name!r} already"
            faults.add(document, ("dimensions", name), rule)
