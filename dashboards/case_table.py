"""Cases as a table whose every row opens its contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dashboards import links
from dashboards.markup import Markup, chip, link, table, tag
from threadline.wire import CaseRow, Kpi, case_phrases, phrases


def case_table(cases: Sequence[CaseRow], now: datetime, kpi: Kpi | None = None) -> Markup:
    """Contract, state, where and since when, deadline, value; with a KPI, what each case adds."""
    steps = kpi is not None and kpi.of == "steps"
    heads = ["Contract", "State", "Step" if steps else "Where", "Deadline", "Value"]
    if kpi is not None:
        heads.insert(1, kpi.title)
    rows = [_row(case, now, kpi) for case in cases]
    return table(heads, rows, numeric=[heads.index("Value")])


def _row(case: CaseRow, now: datetime, kpi: Kpi | None) -> list[str]:
    cells: list[str] = [
        link(links.contract(case.contract or case.case_id), case.number or case.case_id),
        tag("span", chip(phrases.SLA[case.sla], case.sla), class_="tl-nowrap"),
        _step(case) if case.step else _where(case, now),
        tag("span", _deadline(case, now), class_="tl-nowrap"),
        phrases.amount(case.value),
    ]
    if kpi is not None:
        cells.insert(1, tag("span", contribution(case, kpi), class_="tl-nowrap"))
    return cells


def contribution(case: CaseRow, kpi: Kpi) -> str:
    """What a case adds to a KPI, in its unit; of a share or a count, how it stands."""
    if kpi.unit in ("ratio", "cases"):
        return case.standing or phrases.NOTHING
    return phrases.kpi_quantity(kpi, case.contributes)


def _where(case: CaseRow, now: datetime) -> Markup:
    if case.completed_at:
        return tag("span", f"completed {phrases.instant(case.completed_at)}")
    if case.cancelled_at:
        return tag("span", f"cancelled {phrases.instant(case.cancelled_at)}")
    waited = f" {phrases.since(case.current_since, now)}" if case.current_since else ""
    verb = "paused," if case.state == "paused" else "waiting"
    words = f"{verb}{waited} for “{case.current_title}”"
    if not case.journey:  # no case, but a copy of an attribute
        words = f"{phrases.sentence(case.current_title)} has differed for{waited}"
    line = tag("div", words)
    more = case_phrases.lost(case.lost) if case.lost else case.stuck_message
    return tag("div", line, tag("div", more, class_="tl-quiet-text")) if more else line


def _step(case: CaseRow) -> Markup:
    """The step that counts, from when to when."""
    until = f" to {phrases.instant(case.until)}" if case.until else ""
    since = f"from {phrases.instant(case.since)}" if case.since else "since when is not known"
    said = tag("div", f"{since}{until}", class_="tl-quiet-text")
    return tag("div", tag("div", f"“{case.step_title}”"), said)


def _deadline(case: CaseRow, now: datetime) -> str:
    if case.state in ("open", "paused"):
        return phrases.deadline(case.due_at, now)
    return phrases.instant(case.due_at)
