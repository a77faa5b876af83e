"""The thread of one contract, put together from what the stores hold about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from threadline.api import cases, incidents, lost, mismatches
from threadline.api.services import ApiServices
from threadline.store.telemetry import tenures
from threadline.store.telemetry import threads as thread_store
from threadline.wire import (
    CaseException,
    CaseRow,
    Conflict,
    Evidence,
    Step,
    Stuck,
    Thread,
    ThreadCase,
    ThreadFact,
    ThreadIdentifier,
    case_phrases,
)

# How a case that waits is explained; `{system}` and `{message}` come from the case.
WHY: Mapping[str, str] = {
    "": "It is within its time: {system} has not done it yet.",
    "rejected": "{system} rejected it: {message}",
    "mapping-failed": "Its data could not be mapped: {message}",
    "mismatch": "What {system} has differs from what was agreed: {message}",
    "duplicate": "{system} has it twice: {message}",
    "required-field-missing": "A required field is missing: {message}",
    "waiting-for-person": "It waits for a person to act.",
    "waiting-for-customer": "It waits for the customer's answer; the clock stands still.",
    "dropped-silently": "Nothing was heard of it since it could begin: no success and no failure."
    " The request has probably been lost on the way to {system}.",
    "source-silent": "{system} has not been heard of beyond its cadence, so it cannot be known"
    " whether this is done.",
}

NAMED_AT_MOST = 10  # customers, suppliers… told of one contract

LATE_AS_A_WHOLE = (
    "This step is within its own time, but the contract is past its deadline:"
    " {system} has not done it yet."
)


def thread(services: ApiServices, root: str) -> Thread | None:
    """All that is known of the contract `root` as of now; None where nothing is derived of it."""
    thread = thread_store.of(services.telemetry, root)
    if thread.is_empty():
        return None
    told = thread.row(0, named=True)
    known = thread_store.listed(thread, "identifiers")
    with ThreadPoolExecutor(1) as beside:  # the store looks for facts while Python does the rest
        observed = beside.submit(thread_store.facts_of, services.telemetry, known)
        rows = cases.rows(services, thread_store.listed(thread, "cases"))
        rows = lost.located(services, rows)
        rows.sort(key=cases.urgency)
        whole = [_thread_case(services, row, told) for row in rows]
        identifiers = _identifiers(services, told["identifiers"], told["links"])
        alerted = incidents.of_cases(services, [row.case_id for row in rows])
        alerted = [one for one in alerted if one.opened_at <= services.clock.now()]
        differing = mismatches.standing_now(services, thread_store.listed(thread, "mismatches"))
    facts, total = observed.result()
    return Thread(
        identifier=root,
        number=cases.number(root),
        as_of=services.clock.now(),
        value=next((row.value for row in rows if row.value), None),
        attributes=_attributes(services, rows, facts),
        stuck=next((case.stuck for case in whole if case.stuck), None),
        identifiers=identifiers,
        cases=whole,
        facts=_facts(services, facts, told["steps"]),
        facts_total=total,
        conflicts=[_conflict(link) for link in told["links"] if _rival(link)],
        incidents=alerted,
        mastered=mismatches.attributes(services, told["attribute_values"]),
        mismatches=differing,
    )


def fact_row(
    services: ApiServices, fact: Mapping[str, Any], closes: Sequence[str] = ()
) -> ThreadFact:
    """One row of the table `facts`, with `how` and `objects` beside its columns."""
    hides = services.redaction.hides
    told = {name: fact[name] for name in _FACT}
    told["message"] = services.redaction.text("message", told["message"])
    told["objects"] = [name for name in told["objects"] if not hides(name.partition(":")[0])]
    return ThreadFact(**told, closes=list(closes))


_FACT = (
    *("fact_id", "kind", "at", "occurred_at", "ended_at", "received_at", "system", "source"),
    *("name", "outcome", "message", "how", "objects", "trace_id", "annotations"),
)


def _thread_case(services: ApiServices, row: CaseRow, told: Mapping[str, Any]) -> ThreadCase:
    exceptions = [CaseException(**_but(services, one)) for one in _of(row, told["exceptions"])]
    remedies = _of(row, told["remedies"])
    return _case(services, row, _of(row, told["steps"]), exceptions, remedies)


def _of(case: CaseRow, listed: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    mine = case.journey, case.case_id
    return [one for one in listed if (one["journey"], one["case_id"]) == mine]


def _but(services: ApiServices, exception: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: exception[name] for name in CaseException.model_fields}
    return told | {"message": services.redaction.text("message", told["message"])}


def _case(
    services: ApiServices,
    case: CaseRow,
    steps: Sequence[Mapping[str, Any]],
    exceptions: list[CaseException],
    remedies: Sequence[Mapping[str, Any]],
) -> ThreadCase:
    journey = services.definitions.known_journey(case.journey)
    places = journey.positions if journey else {}
    shown = [cases.step_row(services, case, step, remedies) for step in steps]
    shown.sort(key=lambda step: places.get(step.step, len(places)))
    return ThreadCase(
        case=case,
        title=journey.title if journey else case.journey,
        steps=shown,
        exceptions=exceptions,
        stuck=_stuck(services, case, shown),
    )


def _stuck(services: ApiServices, case: CaseRow, steps: Sequence[Step]) -> Stuck | None:
    if case.state not in ("open", "paused") or not case.current_step:
        return None
    journey = services.definitions.known_journey(case.journey)
    known = services.definitions.known_step(case.journey, case.current_step)
    seen = next((step for step in steps if step.step == case.current_step), None)
    system = seen.system if seen else known.system if known else ""
    due_at = min((at for at in (case.current_due_at, case.due_at) if at), default=None)
    late = case.state == "open" and due_at is not None and due_at < services.clock.now()
    why = LATE_AS_A_WHOLE if late and not case.stuck_reason else WHY[case.stuck_reason]
    if seen and seen.done and seen.times != 1:
        why = f"{case_phrases.progress(seen)} are done. {why}"
    why = why.format(system=system or "the system", message=case.stuck_message or "no message")
    return Stuck(
        journey=case.journey,
        case_id=case.case_id,
        step=case.current_step,
        title=case.current_title,
        system=system,
        since=case.current_since,
        due_at=due_at,
        late=late,
        reason=case.stuck_reason,
        lost=case.lost,
        why=case_phrases.lost(case.lost) if case.lost else why,
        owner=case.owner,
        runbook=cases.runbook(journey, known),
    )


def _attributes(
    services: ApiServices, rows: Sequence[CaseRow], facts: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    own = sorted({name for fact in facts if fact["how"] == "own" for name in fact["beside"]})
    named: dict[str, list[str]] = {}
    for name in own:
        kind, _, value = name.split(":", 2)
        named.setdefault(kind, []).append(value)
    found = {kind: ", ".join(values[:NAMED_AT_MOST]) for kind, values in sorted(named.items())}
    for row in reversed(rows):
        found |= {name: str(value) for name, value in row.dimensions.items() if value}
    return services.redaction.applied(found)


def _identifiers(
    services: ApiServices,
    known: Sequence[Mapping[str, Any]],
    links: Sequence[Mapping[str, Any]],
) -> list[ThreadIdentifier]:
    evidence: dict[str, list[Evidence]] = {}
    for link in links:
        child, parent = _ends(link)
        evidence.setdefault(child, []).append(_evidence(link, parent))
    found = []
    for row in known:
        if services.redaction.hides(row["object_type"]):
            continue
        identifier = f"{row['object_type']}:{row['namespace']}:{row['value']}"
        given = {name: row[name] for name in _IDENTIFIER} | validity(row)
        said = evidence.get(identifier, [])
        found.append(ThreadIdentifier(identifier=identifier, **given, evidence=said))
    return sorted(found, key=lambda one: (one.object_id != one.identifier, bool(one.owner_id)))


_IDENTIFIER = ("object_type", "namespace", "value", "object_id", "owner_id")


def _ends(link: Mapping[str, Any]) -> tuple[str, str]:
    child = ":".join(link[f"child_{part}"] for part in ("type", "namespace", "value"))
    parent = ":".join(link[f"parent_{part}"] for part in ("type", "namespace", "value"))
    return child, parent


def _evidence(link: Mapping[str, Any], to: str) -> Evidence:
    same = ("kind", "fact_id", "system", "at", "mastered", "state", "reason")
    return Evidence(to=to, **{name: link[name] for name in same}, **validity(link))


def validity(row: Mapping[str, Any]) -> dict[str, Any]:
    """The ends of the stretch over which a row holds, null where it has none."""
    return {end: tenures.bound(row[end]) for end in ("valid_from", "valid_to")}


def _rival(link: Mapping[str, Any]) -> bool:
    return str(link["state"]) != "held"


def _conflict(link: Mapping[str, Any]) -> Conflict:
    child, parent = _ends(link)
    same = ("kind", "fact_id", "system", "at", "state", "reason")
    return Conflict(child=child, parent=parent, **{name: link[name] for name in same})


def _facts(
    services: ApiServices,
    facts: Sequence[Mapping[str, Any]],
    steps: Sequence[Mapping[str, Any]],
) -> list[ThreadFact]:
    closes: dict[str, list[str]] = {}
    for step in steps:
        closes.setdefault(step["closed_by"], []).append(f"{step['journey']}/{step['step']}")
    return [fact_row(services, fact, closes.get(fact["fact_id"], [])) for fact in facts]
