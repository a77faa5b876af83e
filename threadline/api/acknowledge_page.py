"""The page behind a link to acknowledge: plain HTML that needs no script, cookie or other file."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from urllib.parse import urlencode

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from threadline.wire import Incident, phrases

_TONES = {"warning": "warning", "breach": "bad", "failure": "bad"}


@dataclass(frozen=True, kw_only=True)
class Page:
    """What it says; with a `form` it has the button, and `asks` says what pressing it does."""

    state: str
    title: str
    tone: str = "quiet"
    lines: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    moves: tuple[str, ...] = ()
    runbook: str = ""
    form: str = ""
    asks: str = ""
    more: str = ""


def answered(page: Page, now: datetime, status: int = 200) -> HTMLResponse:
    """`page` as an answer that nobody keeps, frames, or learns the address of."""
    template, style = _template()
    html = template.render(vars(page) | {"style": style, "at": phrases.instant(now)})
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return HTMLResponse(
        html,
        status,
        headers=_HEADERS
        | {
            "content-security-policy": f"default-src 'none'; style-src 'sha256-{digest}';"
            " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        },
    )


def of_incident(
    incident: Incident, now: datetime, *, current: bool, receiver: str, form: str, dashboards: str
) -> Page:
    """The incident as it stands; `current`: still in the episode that the link is for."""
    open_now = current and incident.state == "open"
    state, tone, lines = _standing(incident, now, current=current)
    told = _told(incident, now)
    return Page(
        state=state,
        tone=tone,
        lines=lines,
        title=incident.title,
        facts=told,
        moves=_moves(incident) if incident.state in ("open", "acknowledged") else (),
        runbook=incident.runbook.url,
        form=form if open_now else "",
        asks=f"Nobody else is told from then on. It is recorded as done via {receiver}.",
        more=f"{dashboards}/on-call?{urlencode({'incident': incident.id})}" if dashboards else "",
    )


def _standing(
    incident: Incident, now: datetime, *, current: bool
) -> tuple[str, str, tuple[str, ...]]:
    """The state in words, its tone, and what this link can still do."""
    if incident.state not in ("open", "acknowledged"):
        return "It is over", "good", (_over(incident, now), "There is nothing left to do here.")
    if not current:
        again = "It has come back, got graver or been left alone since, and is told anew: use the"
        return (
            "This link is of an earlier time",
            "warning",
            (f"{again} one in the newest message.",),
        )
    if incident.state == "acknowledged":
        by = f" by {incident.acknowledged_by}" if incident.acknowledged_by else ""
        ago = phrases.since(incident.acknowledged_at, now)
        return "Acknowledged", "good", (f"Acknowledged{by}, {ago} ago. Nobody else is told.",)
    muted = incident.muted_until
    lines = (f"A silence holds it back until {phrases.instant(muted)}.",) if muted else ()
    return "Nobody looks after it yet", _TONES[incident.severity], lines


def _over(incident: Incident, now: datetime) -> str:
    if incident.resolved_at is None:
        return "It ended before anybody had to be told."
    return f"It ended {phrases.since(incident.resolved_at, now)} ago."


def _told(incident: Incident, now: datetime) -> tuple[tuple[str, str], ...]:
    worth = incident.worth or ([incident.value] if incident.value else [])
    past = f", {incident.breached:,} past a deadline" if incident.breached else ""
    of_one = incident.about in ("case", "step")
    pairs = (
        ("Contract", incident.number),
        ("How many", "" if of_one else f"{_counted(incident)}{past}"),
        ("How much", " and ".join(phrases.amount(money) for money in worth)),
        ("Waits at", incident.step_title),
        ("Since", _since(incident.since or incident.opened_at, now)),
        ("Deadline", phrases.deadline(incident.due_at, now) if incident.due_at else ""),
        ("System", incident.system),
        ("Owner", incident.owner),
        ("Looked after by", incident.assignee),
    )
    return tuple((name, words) for name, words in pairs if words)


def _counted(incident: Incident) -> str:
    if incident.about == "growth":
        return f"{incident.cases:,} in all"
    return "1 case" if incident.cases == 1 else f"{incident.cases:,} cases"


def _since(at: datetime, now: datetime) -> str:
    return f"{phrases.instant(at)} ({phrases.since(at, now)})"


def _moves(incident: Incident) -> tuple[str, ...]:
    known = incident.runbook
    moves = (
        known.next,
        known.replay and f"Replay: {known.replay}",
        known.compensate and f"Undo first: {known.compensate}",
    )
    return tuple(move for move in moves if move)


@cache
def _template() -> tuple[Template, str]:
    loader = PackageLoader("threadline.api", "pages")
    html = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    style = files("threadline.api").joinpath("pages", "acknowledge.css").read_text("utf-8")
    return html.get_template("acknowledge.html"), style


_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
