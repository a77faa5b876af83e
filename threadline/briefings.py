"""What whoever is told of an incident needs to act: whose it is, and the likeliest next moves."""

from __future__ import annotations

from metrics.definitions import Definitions
from threadline.model.incidents import Briefing, Incident
from threadline.model.journeys import Runbook


def briefing(definitions: Definitions, incident: Incident) -> Briefing:
    """From the step it is about, or the journey; of what is no one's, the moves alone."""
    declared = _declared(definitions, incident.journey, incident.step)
    moves = _signal_moves(incident)
    if not moves:
        return declared
    return Briefing(
        title=declared.title,
        step=declared.step,
        owner=declared.owner,
        runbook=declared.runbook,
        next_moves=moves,
    )


def _declared(definitions: Definitions, journey: str, step: str) -> Briefing:
    declared = definitions.known_journey(journey)
    if declared is None:
        return Briefing(title=journey)
    if found := definitions.known_step(journey, step):
        return Briefing(
            title=declared.title,
            step=found.title,
            owner=found.owner,
            runbook=found.runbook.url,
            next_moves=_moves(found.runbook),
        )
    return Briefing(
        title=declared.title,
        owner=declared.owner,
        runbook=declared.runbook.url,
        next_moves=_moves(declared.runbook),
    )


def _moves(runbook: Runbook) -> tuple[str, ...]:
    """The likeliest first: what to do, whether it may be done again, what to undo before."""
    moves = (
        (runbook.next_move, "{}"),
        (runbook.replay, "Replay: {}"),
        (runbook.compensate, "Undo first: {}"),
    )
    return tuple(form.format(words) for words, form in moves if words)


def _signal_moves(incident: Incident) -> tuple[str, ...]:
    """For what no journey declares moves of: figures, sources, growth."""
    if incident.about == "source":
        return (
            f"Ask the owner of {incident.system} whether it runs, and its last export or batch ran",
            "See when it was last heard of: GET /api/v1/sources; what of it was not understood: "
            "GET /api/v1/dead-letters",
            "What was sent meanwhile can be sent again: repeats are told apart",
        )
    if incident.about == "kpi":
        return ("Open the KPI and the cases behind it, those that make it worse come first",)
    if incident.about == "value":
        return ("Open value at risk: the contracts with the most at stake come first",)
    if incident.about == "growth":
        return _GROWTH.get(incident.promise.split(":")[1], ())
    return ()


_GROWTH = {
    "dead-letters": (
        "Read the reasons: GET /api/v1/dead-letters",
        "Correct the source's mapping: once the service runs with it, all input is read anew",
    ),
    "orphans": ("See which identifiers lead to no contract: Identity page, orphans",),
    "conflicts": ("See which systems contradict each other: Identity page, conflicts",),
    "mismatches": ("See which copies differ from their master, and by how much: Mastery page",),
}
