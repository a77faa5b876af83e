"""An incident as a card: what, how bad, how much, since when, whose, and what to do."""

from __future__ import annotations

from datetime import datetime

from dashboards import links
from dashboards.markup import Markup, chip, join, link, tag
from dashboards.thread_parts import runbook
from threadline.wire import Incident, phrases

_TONES = {"failure": "bad", "breach": "bad", "warning": "warning"}
_OF_MANY = {
    "hop": "failing",
    "kpi": "KPI",
    "value": "value at risk",
    "source": "source silent",
    "growth": "growing",
}


def card(incident: Incident, now: datetime, *, whole: bool = False) -> Markup:
    """For the list; `whole`: for a page of its own, which has the title as its heading."""
    title = link(links.incident(incident.id), incident.title)
    return tag(
        "div",
        *([] if whole else [tag("h3", title, class_="tl-title")]),
        tag("div", *_chips(incident, now), class_="tl-chips"),
        _facts(incident, now),
        class_="tl-card",
    )


def brief(incident: Incident, now: datetime) -> Markup:
    """For a long list: the same in three lines."""
    due = incident.due_at or incident.deadline
    said = (
        phrases.deadline(due, now) if _of_one(incident) else _counted(incident),
        incident.step_title or incident.step,
        incident.owner,
        incident.assignee and f"looked after by {incident.assignee}",
        f"told: {_told(incident)}",
    )
    return tag(
        "div",
        tag("h3", link(links.incident(incident.id), incident.title), class_="tl-title"),
        tag("div", *_chips(incident, now), class_="tl-chips"),
        tag("div", join([part for part in said if part], " · "), class_="tl-quiet-text"),
        class_="tl-card",
    )


def _of_one(incident: Incident) -> bool:
    return incident.about in ("case", "step")


def _chips(incident: Incident, now: datetime) -> list[Markup]:
    over = incident.state in ("resolved", "recorded")
    words = "failed" if over and incident.about == "hop" else _trouble(incident)
    worth = incident.worth or ([incident.value] if incident.value else [])
    # What is over was worth what hung on it last; that says little.
    amounts = [] if over else [tag("strong", phrases.amount(money)) for money in worth]
    tone = "quiet" if over else _TONES[incident.severity]
    chips = [chip(words, tone), *amounts, _state(incident, now)]
    if incident.muted_until and incident.muted_until > now and incident.state == "open":
        chips.append(chip(f"silenced until {phrases.instant(incident.muted_until)}", "quiet"))
    return chips


def _trouble(incident: Incident) -> str:
    if not _of_one(incident):
        return _OF_MANY[incident.about]
    if incident.promise.startswith("failed:"):
        return "failing"
    late = incident.due_at is None or incident.deadline >= incident.due_at
    return "deadline broken" if late else "deadline near"


def _state(incident: Incident, now: datetime) -> Markup:
    if incident.state == "acknowledged":
        by = f" by {incident.acknowledged_by}" if incident.acknowledged_by else ""
        return chip(f"acknowledged{by} {phrases.since(incident.acknowledged_at, now)} ago", "good")
    if incident.state == "resolved":
        return chip(f"over for {phrases.since(incident.resolved_at, now)}", "good")
    if incident.state == "recorded":
        return chip("over before anybody had to be told", "quiet")
    return chip(f"open for {phrases.since(incident.opened_at, now)}", "open")


def _facts(incident: Incident, now: datetime) -> Markup:
    of_one = _of_one(incident)
    waits = incident.step_title or incident.step
    pairs: list[tuple[str, str]] = [
        *_deadline(incident, now, of_one=of_one),
        ("How many", "" if of_one else _counted(incident)),
        ("Waits at" if of_one else "Most wait at", waits),
        (
            "Since",
            f"{phrases.instant(incident.since)} ({phrases.since(incident.since, now)})"
            if incident.since
            else "",
        ),
        ("Owner", incident.owner),
        ("Looked after by", incident.assignee),
        ("What to do", _moves(incident)),
        ("Runbook", runbook(incident.runbook.url)),
        ("Who was told", _told(incident)),
        ("Explains", _parts(incident)),
    ]
    rows = [cell for name, words in pairs if words for cell in (tag("dt", name), tag("dd", words))]
    return tag("dl", *rows, class_="tl-facts")


def _parts(incident: Incident) -> str:
    if not incident.parts:
        return ""
    return "1 other incident" if incident.parts == 1 else f"{incident.parts:,} other incidents"


def _deadline(incident: Incident, now: datetime, *, of_one: bool) -> list[tuple[str, str]]:
    if not of_one:
        return []
    due = incident.due_at or incident.deadline
    contract = link(links.contract(incident.contract or incident.case_id), incident.number)
    return [
        ("Contract", contract),
        ("Deadline", f"{phrases.deadline(due, now)} ({phrases.instant(due)})"),
    ]


def _counted(incident: Incident) -> str:
    if incident.about == "growth":
        return f"{incident.cases:,} in all"
    cases = "1 case" if incident.cases == 1 else f"{incident.cases:,} cases"
    late = f", {incident.breached:,} past a deadline" if incident.breached else ""
    if incident.about != "hop":
        return f"{cases}{late}"
    hop = link(links.journeys(journey=incident.journey, waiting=incident.step), "the hop")
    return join([f"{cases}{late} · ", hop])


def _moves(incident: Incident) -> str:
    known = incident.runbook
    moves = [
        known.next,
        known.replay and f"Replay: {known.replay}",
        known.compensate and f"Undo first: {known.compensate}",
    ]
    said = [move for move in moves if move]
    return tag("ol", *(tag("li", move) for move in said), class_="tl-moves") if said else ""


def _told(incident: Incident) -> str:
    """Receivers by how it stands with them; the table of an incident has each message."""
    latest = {one.receiver: one for one in incident.deliveries if one.kind in ("page", "update")}
    reached = [name for name, one in latest.items() if one.state == "delivered"]
    waiting = [name for name, one in latest.items() if one.state == "waiting"]
    lost = [name for name, one in latest.items() if one.state == "failed" and one.attempts]
    said = [
        ", ".join(reached),
        f"on its way to {', '.join(waiting)}" if waiting else "",
        f"not reached: {', '.join(lost)}" if lost else "",
    ]
    return "; ".join(part for part in said if part) or "nobody yet"
